//! Reads golden vectors: pictures, and the exact integers that a net must put out for them. The format is in
//! `models/golden/README.md`; the file is checked once, so that walking through it cannot fail.

use core::fmt;

/// Bytes before the part that the checksum covers, and before the first vector.
const UNCHECKED: usize = 16;
const HEADER: usize = 24;

/// The bytes are not golden vectors: make them again with `models/train/common/golden.py`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoldenError {
    /// Another kind of file.
    Magic,
    /// Its length does not match its own counts.
    Length,
    /// Damaged.
    Checksum,
}

impl fmt::Display for GoldenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Magic => "not a file of golden vectors",
            Self::Length => "golden vectors of the wrong length: make them again",
            Self::Checksum => "damaged golden vectors: make them again",
        })
    }
}

impl core::error::Error for GoldenError {}

/// The vectors of a checked file, one after the other.
#[derive(Clone, Debug)]
pub struct Vectors<'a> {
    net: u32,
    left: u32,
    rest: &'a [u8],
}

/// One picture and what must come out.
#[derive(Clone, Copy, Debug)]
pub struct Vector<'a> {
    /// Columns of the picture.
    pub width: usize,
    /// Rows of the picture.
    pub height: usize,
    /// Bytes of a pixel.
    pub channels: usize,
    /// The picture's bytes, row by row.
    pub picture: &'a [u8],
    outputs: usize,
    body: &'a [u8],
}

/// Checks a file of golden vectors.
///
/// # Errors
/// [`GoldenError`]; no bytes make it panic.
pub fn parse(file: &[u8]) -> Result<Vectors<'_>, GoldenError> {
    if !file.starts_with(b"moodgold") {
        return Err(GoldenError::Magic);
    }
    let (mut head, rest) = file.split_at_checked(HEADER).ok_or(GoldenError::Length)?;
    take(&mut head, 8);
    let [length, crc, left, net] = [(); 4].map(|()| word(&mut head).unwrap_or(0));
    if usize::try_from(length) != Ok(file.len()) {
        return Err(GoldenError::Length);
    }
    if crc != crc32(file.get(UNCHECKED..).unwrap_or_default()) {
        return Err(GoldenError::Checksum);
    }
    let vectors = Vectors { net, left, rest };
    let mut walk = vectors.clone();
    while walk.left > 0 {
        walk.next().ok_or(GoldenError::Length)?;
    }
    if walk.rest.is_empty() {
        Ok(vectors)
    } else {
        Err(GoldenError::Length)
    }
}

impl Vectors<'_> {
    /// The checksum of the packed net that the vectors belong to.
    pub fn net(&self) -> u32 {
        self.net
    }
}

impl<'a> Iterator for Vectors<'a> {
    type Item = Vector<'a>;

    fn next(&mut self) -> Option<Vector<'a>> {
        self.left = self.left.checked_sub(1)?;
        let [width, height, channels, outputs] = sizes(&mut self.rest)?;
        let length = width.checked_mul(height)?.checked_mul(channels)?;
        let picture = take(&mut self.rest, length.checked_next_multiple_of(4)?)?.get(..length)?;
        let body = self.rest;
        for _ in 0..outputs {
            output(&mut self.rest)?;
        }
        Some(Vector {
            width,
            height,
            channels,
            picture,
            outputs,
            body,
        })
    }
}

impl<'a> Vector<'a> {
    /// All outputs' integers, one output after the other.
    pub fn expected(&self) -> impl Iterator<Item = i32> + use<'a> {
        let mut body = self.body;
        let outputs = (0..self.outputs).map_while(move |_| output(&mut body));
        outputs
            .flat_map(|values| values.as_chunks().0)
            .map(|bytes| i32::from_le_bytes(*bytes))
    }
}

/// One output's values, behind its shape.
fn output<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let [rows, columns, channels] = sizes(rest)?;
    take(
        rest,
        rows.checked_mul(columns)?
            .checked_mul(channels)?
            .checked_mul(4)?,
    )
}

fn sizes<const N: usize>(rest: &mut &[u8]) -> Option<[usize; N]> {
    let mut sizes = [0; N];
    for size in &mut sizes {
        *size = usize::try_from(word(rest)?).ok()?;
    }
    Some(sizes)
}

fn word(rest: &mut &[u8]) -> Option<u32> {
    let (head, others) = rest.split_first_chunk()?;
    *rest = others;
    Some(u32::from_le_bytes(*head))
}

fn take<'a>(rest: &mut &'a [u8], bytes: usize) -> Option<&'a [u8]> {
    let (head, others) = rest.split_at_checked(bytes)?;
    *rest = others;
    Some(head)
}

/// CRC-32 as in IEEE 802.3 and zlib.
fn crc32(bytes: &[u8]) -> u32 {
    let shift = |crc: u32| {
        if crc & 1 == 1 {
            (crc >> 1) ^ 0xedb8_8320
        } else {
            crc >> 1
        }
    };
    !bytes.iter().fold(!0, |crc: u32, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| shift(crc))
    })
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// Two vectors of a 3x1 picture with outputs 1x1x2 and 1x1x1.
    fn file() -> Vec<u8> {
        let mut tail: Vec<u8> = [2_u32, 77].into_iter().flat_map(u32::to_le_bytes).collect();
        for first in [5_i32, -5] {
            tail.extend([3_u32, 1, 1, 2].into_iter().flat_map(u32::to_le_bytes));
            tail.extend([1, 2, 3, 0]);
            tail.extend([1, 1, 2, first, 6].into_iter().flat_map(i32::to_le_bytes));
            tail.extend([1, 1, 1, 7].into_iter().flat_map(i32::to_le_bytes));
        }
        sealed(&tail)
    }

    fn sealed(tail: &[u8]) -> Vec<u8> {
        let mut file = b"moodgold".to_vec();
        file.extend((tail.len() as u32 + 16).to_le_bytes());
        file.extend(crc32(tail).to_le_bytes());
        file.extend(tail);
        file
    }

    #[test]
    fn vectors_are_read() {
        let file = file();
        let vectors = parse(&file).unwrap();
        assert_eq!(vectors.net(), 77);
        let all: Vec<Vector<'_>> = vectors.collect();
        assert_eq!((all[0].width, all[0].height, all[0].channels), (3, 1, 1));
        assert_eq!(all[1].picture, [1, 2, 3]);
        assert!(all[0].expected().eq([5, 6, 7]));
        assert!(all[1].expected().eq([-5, 6, 7]));
    }

    #[test]
    fn broken_files_are_named() {
        let file = file();
        assert_eq!(parse(b"moodnet1").unwrap_err(), GoldenError::Magic);
        assert_eq!(parse(b"moodgold").unwrap_err(), GoldenError::Length);
        assert_eq!(
            parse(&file[..file.len() - 4]).unwrap_err(),
            GoldenError::Length
        );
        let mut damaged = file.clone();
        damaged[40] ^= 1;
        assert_eq!(parse(&damaged).unwrap_err(), GoldenError::Checksum);
        // One more or one fewer vector than there are; a picture and an output larger than the file.
        for (at, value) in [(16, 3_u32), (16, 1), (24, u32::MAX), (44, u32::MAX)] {
            let mut tail = file[16..].to_vec();
            tail[at - 16..at - 12].copy_from_slice(&value.to_le_bytes());
            assert_eq!(parse(&sealed(&tail)).unwrap_err(), GoldenError::Length);
        }
    }
}
