//! Changes inputs at random, the same way for the same seed.

/// The longest input that is made.
const MOST_BYTES: usize = 1 << 20;
/// Numbers at which lengths and sizes go wrong.
const ENDS: [u32; 10] = [
    0,
    1,
    0x7F,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x1_0000,
    0x7FFF_FFFF,
    0x8000_0000,
    u32::MAX,
];
/// Texts at which parsers go wrong.
const TEXTS: [&[u8]; 12] = [
    b"\0",
    b"\r\n",
    b"--",
    b"\xEF\xBB\xBF",
    b"\xC3",
    b"\"",
    b"[[",
    b"99999999999999999999",
    b"-1",
    b"NaN",
    b"1e999",
    b"../",
];

/// A source of changes (xorshift; Marsaglia 2003).
pub struct Mutator(u64);

impl Mutator {
    /// Changes that follow from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Below `bound`; 0 if that is 0.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let number = usize::try_from(self.0 >> 16).unwrap_or_default();
        number.checked_rem(bound).unwrap_or_default()
    }

    /// One of the inputs with one to eight changes.
    pub fn change(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = inputs[self.below(inputs.len())].clone();
        for _ in 0..=self.below(8) {
            let other = &inputs[self.below(inputs.len())];
            self.change_once(&mut bytes, other);
        }
        bytes.truncate(MOST_BYTES);
        bytes
    }

    fn change_once(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(bytes.len() + 1);
        let rest = bytes.len() - at;
        match self.below(9) {
            0 if rest > 0 => bytes[at] ^= 1 << self.below(8),
            1 if rest > 0 => bytes[at] = self.below(256) as u8,
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..at + self.below(rest.min(64) + 1))),
            4 => {
                let piece = bytes[at..at + self.below(rest + 1)].to_vec();
                let times = 1 + self.below(3);
                let to = self.below(bytes.len() + 1);
                bytes.splice(to..to, piece.repeat(times));
            }
            5 if rest >= 4 => {
                let end = ENDS[self.below(ENDS.len())];
                let four = if self.below(2) == 0 {
                    end.to_le_bytes()
                } else {
                    end.to_be_bytes()
                };
                let from = 4 - [1, 2, 4][self.below(3)];
                bytes[at..at + 4 - from].copy_from_slice(&four[from..]);
            }
            6 => {
                let text = TEXTS[self.below(TEXTS.len())];
                bytes.splice(at..at, text.iter().copied());
            }
            7 => {
                let from = self.below(other.len() + 1);
                let piece = &other[from..from + self.below(other.len() - from + 1)];
                bytes.splice(at..at, piece.iter().copied());
            }
            _ => {
                let many = self.below(64);
                let byte = self.below(256) as u8;
                bytes.splice(at..at, std::iter::repeat_n(byte, many));
            }
        }
    }
}

#[cfg(test)]
#[test]
fn changes_are_the_same_for_the_same_seed_and_stay_small() {
    let inputs = [b"abc".to_vec(), Vec::new(), vec![7; MOST_BYTES]];
    let all = |seed| -> Vec<Vec<u8>> {
        let mut mutator = Mutator::new(seed);
        (0..200).map(|_| mutator.change(&inputs)).collect()
    };
    assert_eq!(all(1), all(1));
    assert_ne!(all(1), all(2));
    assert!(all(3).iter().all(|input| input.len() <= MOST_BYTES));
}
