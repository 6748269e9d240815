//! The one rounding rule, and the numbers of a quantized tensor.
//!
//! Scheme: Jacob et al., *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
//! Inference*, CVPR 2018, section 2.

/// `(acc * m + 2^(s-1)) >> s`: to nearest, halves towards plus infinity.
///
/// `m` in `2^30 ..= 2^31-1`, `s` in `1..=62`; in these ranges nothing overflows.
///
/// ```
/// // 10 * 0.75 = 7.5: to nearest, halves upward.
/// assert_eq!(moodring_nn::requantize(10, 0x6000_0000, 31), 8);
/// assert_eq!(moodring_nn::requantize(-10, 0x6000_0000, 31), -7);
/// ```
#[inline(always)]
pub fn requantize(acc: i32, m: i32, s: u32) -> i64 {
    (i64::from(acc) * i64::from(m) + (1 << (s - 1))) >> s
}

/// `real = scale * (q - zero)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quant {
    /// The byte that means 0.
    pub zero: u8,
    /// One step as a real number; 0 for raw tensors, whose scales are per channel.
    pub scale: f32,
}

/// Where a result lands: its zero point and its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clamp {
    pub(crate) zero: u8,
    pub(crate) lo: u8,
    pub(crate) hi: u8,
}

impl Clamp {
    /// `clamp(zero + value, lo, hi)`.
    #[inline(always)]
    pub(crate) fn apply(self, value: i64) -> u8 {
        (value.saturating_add(i64::from(self.zero))).clamp(i64::from(self.lo), i64::from(self.hi))
            as u8
    }
}

/// Little-endian 32-bit words inside the file or the packed weights, of any alignment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeWords<'a>(pub(crate) &'a [u8]);

impl<'a> LeWords<'a> {
    pub(crate) fn u32(self, index: usize) -> u32 {
        match self.0.get(index * 4..).and_then(|rest| rest.first_chunk()) {
            Some(bytes) => u32::from_le_bytes(*bytes),
            None => 0,
        }
    }

    #[inline(always)]
    pub(crate) fn i32(self, index: usize) -> i32 {
        self.u32(index).cast_signed()
    }

    pub(crate) fn f32(self, index: usize) -> f32 {
        f32::from_bits(self.u32(index))
    }
}

/// From the accumulators of a convolution to its result.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OutputStage<'a> {
    /// Requantized to bytes with one multiplier and one shift per channel.
    Bytes {
        m: LeWords<'a>,
        s: LeWords<'a>,
        clamp: Clamp,
        /// All shifts are at least 33: every real factor is below 1/4, and only the product needs 64 bits.
        narrow: bool,
    },
    /// The accumulator itself, with one real scale per channel.
    Raw { scale: LeWords<'a> },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_up() {
        // m / 2^s = 1/2
        let half = |acc| requantize(acc, 1 << 30, 31);
        assert_eq!(
            [half(-3), half(-2), half(-1), half(0), half(1), half(3)],
            [-1, -1, 0, 0, 1, 2]
        );
    }

    #[test]
    fn extremes_do_not_overflow() {
        assert_eq!(requantize(i32::MAX, i32::MAX, 62), 1);
        assert_eq!(requantize(i32::MIN, i32::MAX, 62), 0 - 1);
        assert_eq!(
            requantize(i32::MIN, i32::MAX, 1),
            -(1 << 30) * i64::from(i32::MAX)
        );
        assert_eq!(
            requantize(-i32::MAX, i32::MAX, 31),
            -i64::from(i32::MAX) + 1
        );
    }

    #[test]
    fn clamp_keeps_within_bounds() {
        let clamp = Clamp {
            zero: 3,
            lo: 3,
            hi: 200,
        };
        assert_eq!(
            [
                clamp.apply(-9),
                clamp.apply(0),
                clamp.apply(9),
                clamp.apply(i64::MAX)
            ],
            [3, 3, 12, 200]
        );
    }
}
