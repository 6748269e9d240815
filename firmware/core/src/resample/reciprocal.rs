//! Division of many sums by the same number.

/// The largest total of weights for which [`Reciprocal`] is exact and a weighted sum of bytes fits 32 bits. Where a plane shrinks
/// it is the source's `width * height`: a 4K picture, and a little more.
pub(super) const MOST_TOTAL: u64 = 1 << 23;

/// Division by the same number again and again, as a multiplication.
pub(super) struct Reciprocal {
    half: u32,
    factor: u32,
    shift: u32,
}

impl Reciprocal {
    /// `2^shift / total`, rounded up, in 32 bits. It is too large by less than 1, and not at all for a power of two. Else the shift
    /// is 32 more than the whole part `L` of the total's logarithm, so a sum below `256 * total` is off by less than
    /// `256 * total / 2^(32 + L)`, which is less than the `1 / total` that could change the quotient, up to [`MOST_TOTAL`].
    // Where this is inlined, compilers move the division into the loop that it is there to keep divisions out of.
    #[inline(never)]
    pub(super) const fn new(total: u64) -> Self {
        let shift = 31 + total.ilog2() + !total.is_power_of_two() as u32;
        Self {
            half: (total / 2) as u32,
            factor: (1_u64 << shift).div_ceil(total) as u32,
            shift,
        }
    }

    /// A weighted sum of bytes divided by the total of the weights, rounded to nearest.
    pub(super) const fn rounded(&self, sum: u32) -> u8 {
        (((sum + self.half) as u64 * self.factor as u64) >> self.shift) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reciprocal_divides_exactly() {
        for total in [
            1,
            2,
            3,
            7,
            307_200,
            480_000,
            8_294_400,
            MOST_TOTAL - 1,
            MOST_TOTAL,
        ] {
            let mean = Reciprocal::new(total);
            for byte in 0..=255 {
                // Around every border between two bytes.
                let border = byte * total - total / 2 * u64::from(byte > 0);
                for sum in border.saturating_sub(2)..=(border + 2).min(255 * total) {
                    let truth = (sum + total / 2) / total;
                    assert_eq!(
                        u64::from(mean.rounded(sum as u32)),
                        truth,
                        "{sum} / {total}"
                    );
                }
            }
        }
    }
}
