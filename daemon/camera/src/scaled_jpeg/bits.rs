//! Coded data without its stuffing, and a reader of single bits from any place of it.

use memchr::memchr;

/// Behind each part of the data: whoever reads beyond its end reads ones, and is found out by its place.
const PADDING: [u8; 16] = [0xFF; 16];

/// The coded data of a scan: parts between restarts, without the zeros that follow each FF.
#[derive(Debug, Default)]
pub(super) struct CodedData {
    bytes: Vec<u8>,
    /// Where each part begins and ends, in bytes.
    parts: Vec<(u32, u32)>,
}

impl CodedData {
    /// Takes over the data at the begin of `jpeg`, as far as the next marker that is no restart.
    pub(super) fn read(&mut self, jpeg: &[u8]) {
        self.bytes.clear();
        self.bytes.reserve(jpeg.len() + PADDING.len());
        self.parts.clear();
        let (mut rest, mut start) = (jpeg, 0);
        loop {
            let Some(at) = memchr(0xFF, rest) else {
                self.bytes.extend_from_slice(rest);
                return self.end_part(start);
            };
            self.bytes.extend_from_slice(&rest[..at]);
            let skipped = match rest.get(at + 1) {
                Some(0x00) => {
                    self.bytes.push(0xFF);
                    2
                }
                Some(0xD0..=0xD7) => {
                    self.end_part(start);
                    start = self.bytes.len();
                    2
                }
                // Any number of FF may come before a marker.
                Some(0xFF) => 1,
                _ => return self.end_part(start),
            };
            rest = &rest[at + skipped..];
        }
    }

    fn end_part(&mut self, start: usize) {
        // A camera's JPEG is far below 4 GB; a longer one would be found out by the places of its parts.
        self.parts.push((start as u32, self.bytes.len() as u32));
        self.bytes.extend_from_slice(&PADDING);
    }

    /// How many parts there are.
    pub(super) fn count(&self) -> usize {
        self.parts.len()
    }

    /// A reader at the begin of this part.
    pub(super) fn part(&self, number: usize) -> Option<Bits<'_>> {
        let &(start, _) = self.parts.get(number)?;
        Some(self.at(u64::from(start) * 8))
    }

    /// Whether a reader of this part has read no bit behind its end.
    pub(super) fn is_within(&self, number: usize, place: u64) -> bool {
        let part = self.parts.get(number);
        part.is_some_and(|&(_, end)| place <= u64::from(end) * 8)
    }

    /// A reader at this place, in bits from the begin.
    pub(super) fn at(&self, place: u64) -> Bits<'_> {
        let mut bits = Bits {
            bytes: &self.bytes,
            next: (place / 8) as usize,
            ahead: 0,
            count: 0,
        };
        bits.refill();
        bits.consume((place % 8) as u32);
        bits
    }
}

/// Reads bits, the highest of each byte first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The next byte that is not counted in `ahead`.
    next: usize,
    /// The next bits, from the top down; below the counted ones there may be more that are right.
    ahead: u64,
    count: u32,
}

impl Bits<'_> {
    /// Makes sure that at least 56 bits are ahead: more than any symbol with its value.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        // Behind the end there are ones; see `CodedData::is_within`.
        let word = match self
            .bytes
            .get(self.next..)
            .and_then(|rest| rest.first_chunk())
        {
            Some(bytes) => u64::from_be_bytes(*bytes),
            None => u64::MAX,
        };
        self.ahead |= word >> self.count;
        self.next += ((63 - self.count) / 8) as usize;
        self.count |= 56;
    }

    /// The next bits, from the top down.
    #[inline(always)]
    pub(super) const fn ahead(&self) -> u64 {
        self.ahead
    }

    /// Goes on by so many bits, at most those that are ahead.
    #[inline(always)]
    pub(super) const fn consume(&mut self, count: u32) {
        self.ahead <<= count;
        self.count -= count;
    }

    /// The place of the next bit.
    pub(super) const fn place(&self) -> u64 {
        (self.next as u64 * 8).saturating_sub(self.count as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stuffing_and_restarts_are_taken_out() {
        let mut coded = CodedData::default();
        coded.read(&[
            1, 0xFF, 0, 2, 0xFF, 0xD0, 3, 0xFF, 0xFF, 0xD1, 4, 0xFF, 0xD9, 9,
        ]);
        assert_eq!(coded.count(), 3);
        let firsts: Vec<u64> = (0..3)
            .map(|i| coded.part(i).unwrap().ahead() >> 40)
            .collect();
        assert_eq!(firsts, [0x01_FF02, 0x03_FFFF, 0x04_FFFF]);
        let mut bits = coded.part(2).unwrap();
        bits.consume(8);
        assert!(coded.is_within(2, bits.place()));
        bits.consume(1);
        assert!(!coded.is_within(2, bits.place()));
    }

    #[test]
    fn bits_come_from_any_place_and_ones_behind_the_end() {
        let mut coded = CodedData::default();
        let bytes: Vec<u8> = (0..40).map(|i| i * 5 + 1).collect();
        coded.read(&bytes);
        for place in 0..320 {
            let mut bits = coded.at(place);
            for at in place..place + 30 {
                bits.refill();
                let byte = bytes.get(at as usize / 8).copied().unwrap_or(0xFF);
                assert_eq!(
                    bits.ahead() >> 63,
                    u64::from(byte >> (7 - at % 8) & 1),
                    "{at}"
                );
                assert_eq!(bits.place(), at);
                bits.consume(1);
            }
        }
        let mut bits = coded.at(320);
        for _ in 0..100 {
            bits.refill();
            assert_eq!(bits.ahead() >> 8, u64::MAX >> 8);
            bits.consume(31);
        }
    }
}
