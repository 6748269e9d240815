//! Reads the packed file's bytes: header, checksum, records. `model` interprets the operators.

use crate::error::FormatError;
use crate::quant::{LeWords, Quant};

/// Length of the header in bytes.
const HEADER: usize = 64;
/// Bytes before the part that the checksum covers.
const UNCHECKED: usize = 16;

/// What a net does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One raw 1x1x7 output: logits of the expressions.
    Classifier,
    /// Raw outputs at strides 8, 16 and 32 with 16 channels each.
    Detector,
}

/// The header's fields, each within its range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) channels: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) step: usize,
    pub(crate) input: Quant,
    pub(crate) operators: usize,
    pub(crate) outputs: usize,
    pub(crate) notes: usize,
}

/// Takes records off the front of the file.
pub(crate) struct RecordReader<'a> {
    rest: &'a [u8],
}

impl<'a> RecordReader<'a> {
    pub(crate) fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(head)
    }

    /// `bytes` bytes and the zeros that fill them up to a multiple of 4; `Err` if the filling is not zero.
    pub(crate) fn take_padded(&mut self, bytes: usize) -> Option<Result<&'a [u8], ()>> {
        let head = self.take(bytes)?;
        let filling = self.take(bytes.next_multiple_of(4) - bytes)?;
        Some(if filling.iter().all(|&byte| byte == 0) {
            Ok(head)
        } else {
            Err(())
        })
    }

    pub(crate) fn words(&mut self, count: usize) -> Option<LeWords<'a>> {
        self.take(count.checked_mul(4)?).map(LeWords)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Checks length, checksum and header; the reader stands at the notes.
pub(crate) fn open(bytes: &[u8]) -> Result<(Header, RecordReader<'_>), FormatError> {
    let (head, rest) = bytes
        .split_at_checked(HEADER)
        .ok_or(FormatError::TooShort)?;
    if !head.starts_with(b"moodnet1") {
        return Err(FormatError::Magic);
    }
    let words = LeWords(head);
    if usize::try_from(words.u32(2)) != Ok(bytes.len()) {
        return Err(FormatError::Length);
    }
    if words.u32(3) != crc32(&bytes[UNCHECKED..]) {
        return Err(FormatError::Checksum);
    }
    Ok((header(words)?, RecordReader { rest }))
}

fn header(words: LeWords<'_>) -> Result<Header, FormatError> {
    let within = |index, low: u32, high: usize, field| {
        let value = words.u32(index);
        match usize::try_from(value) {
            Ok(number) if value >= low && number <= high => Ok(number),
            _ => Err(FormatError::Header(field)),
        }
    };
    let kind = match words.u32(4) {
        1 => Kind::Classifier,
        2 => Kind::Detector,
        _ => return Err(FormatError::Header("kind")),
    };
    let channels = match words.u32(5) {
        1 => 1,
        3 => 3,
        _ => return Err(FormatError::Header("input channels")),
    };
    let scale = words.f32(10);
    if !(scale.is_finite() && scale > 0.0) {
        return Err(FormatError::Header("input scale"));
    }
    if words.u32(14) != 0 || words.u32(15) != 0 {
        return Err(FormatError::Header("reserved"));
    }
    let header = Header {
        kind,
        channels,
        width: within(6, 1, crate::MAX_SIDE, "width")?,
        height: within(7, 1, crate::MAX_SIDE, "height")?,
        step: within(8, 0, crate::MAX_SIDE, "size step")?,
        input: Quant {
            zero: within(9, 0, 255, "input zero point")? as u8,
            scale,
        },
        operators: within(11, 1, crate::MAX_OPERATORS, "number of operators")?,
        outputs: within(12, 1, crate::MAX_OUTPUTS, "number of outputs")?,
        notes: within(13, 0, 1 << 20, "length of the notes")?,
    };
    let fits = |side: usize| header.step == 0 || side.is_multiple_of(header.step);
    if !fits(header.width) || !fits(header.height) {
        return Err(FormatError::Header("size step"));
    }
    Ok(header)
}

/// Remainders of the 16 values of four bits under the reversed polynomial of IEEE 802.3.
const CRC: [u32; 16] = {
    let mut table = [0; 16];
    let mut index = 0;
    while index < 16 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 4 {
            value = if value & 1 == 1 {
                (value >> 1) ^ 0xedb8_8320
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
};

/// CRC-32 as in IEEE 802.3 and zlib.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        let crc = crc ^ u32::from(byte);
        let crc = (crc >> 4) ^ CRC[(crc & 15) as usize];
        (crc >> 4) ^ CRC[(crc & 15) as usize]
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn checksum_is_the_common_one() {
        assert_eq!(super::crc32(b"123456789"), 0xcbf4_3926); // the check value of the CRC catalogue
    }
}
