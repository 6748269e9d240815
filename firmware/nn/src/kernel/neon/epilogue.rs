//! The epilogue of all NEON kernels: sums of 16 outputs, which began with the bias, are requantized and stored.
//!
//! The rounding rule without 64-bit numbers. For a shift `s` of 32 or more, `(acc * m + 2^(s-1)) >> s == ((acc * m >>
//! 31) + 2^(s-32)) >> (s - 31)`, because the second sum adds a whole number to a rounded-down quotient and rounds down
//! again: that is `sqdmulh`, then `srshl`. A smaller shift becomes 32 when the accumulator is doubled `32 - s` times
//! before. Where that saturates, the result is beyond 2^28, and the clamp sees no difference; the same holds for each
//! narrowing, which saturates too.

use core::arch::aarch64::*;

use super::super::BLOCK;
use super::super::tile::Epilogue;
use crate::quant::Clamp;

/// Bias and factors of 16 outputs, in four vectors each.
pub(super) struct Factor {
    /// What sums begin with.
    pub(super) bias: [int32x4_t; 4],
    /// Doublings that bring the shift to 32.
    doublings: [int32x4_t; 4],
    m: [int32x4_t; 4],
    /// Minus the rest of the shift: NEON shifts to the right by negative numbers.
    shift: [int32x4_t; 4],
    /// Zero point and bounds of what is stored, which is 128 less.
    zero: int16x8_t,
    lo: int8x16_t,
    hi: int8x16_t,
    /// Whether [`Factor::store`] has nothing to do but what all rows of bytes need: 16 outputs, no doublings, no bounds but a byte's.
    pub(super) plain: bool,
}

impl Factor {
    /// # Safety
    /// `bias`, `m` and `s` hold 64 readable bytes each.
    #[inline]
    #[target_feature(enable = "neon")]
    pub(super) unsafe fn load(epilogue: &Epilogue) -> Self {
        let four = |words: *const u8, lane: usize| {
            // SAFETY: as this function demands.
            unsafe { vld1q_s32(words.cast::<i32>().add(lane)) }
        };
        let [bias, m, s] = [epilogue.bias, epilogue.m, epilogue.s]
            .map(|words| [0, 4, 8, 12].map(|lane| four(words, lane)));
        let least = vdupq_n_s32(32);
        let smallest = vminq_s32(vminq_s32(s[0], s[1]), vminq_s32(s[2], s[3]));
        let Clamp { zero, lo, hi } = epilogue.clamp;
        let stored = |byte: u8| vdupq_n_s8((byte ^ 128).cast_signed());
        Self {
            bias,
            doublings: s.map(|s| vqsubq_s32(least, vminq_s32(s, least))),
            m,
            shift: s.map(|s| vsubq_s32(vdupq_n_s32(31), vmaxq_s32(s, least))),
            zero: vdupq_n_s16(i16::from(zero) - 128),
            lo: stored(lo),
            hi: stored(hi),
            plain: epilogue.raw.is_null()
                && epilogue.outputs >= BLOCK
                && vminvq_s32(smallest) >= 32
                && (lo, hi) == (0, 255),
        }
    }

    /// Stores pixel `p`; `sums` are its 16 outputs. `PLAIN` is [`Factor::plain`].
    ///
    /// # Safety
    /// One of the epilogue's two pointers has room for pixel `p`, as far as `outputs` says.
    #[inline]
    #[target_feature(enable = "neon")]
    pub(super) unsafe fn store<const PLAIN: bool>(
        &self,
        epilogue: &Epilogue,
        p: usize,
        sums: [int32x4_t; 4],
    ) {
        // SAFETY: as this function demands; only the first `outputs` values are written.
        unsafe {
            if PLAIN || epilogue.raw.is_null() {
                let target = epilogue.bytes.add(p * epilogue.pitch);
                let lanes = if PLAIN { BLOCK } else { epilogue.outputs };
                put_bytes(target, lanes, self.requantize::<PLAIN>(sums));
            } else {
                put_words(epilogue.raw.add(p * epilogue.pitch), epilogue.outputs, sums);
            }
        }
    }

    /// The rounding rule and the clamp.
    #[inline]
    #[target_feature(enable = "neon")]
    fn requantize<const PLAIN: bool>(&self, acc: [int32x4_t; 4]) -> int8x16_t {
        let y: [_; 4] = core::array::from_fn(|quad| {
            let acc = if PLAIN {
                acc[quad]
            } else {
                vqshlq_s32(acc[quad], self.doublings[quad])
            };
            vrshlq_s32(vqdmulhq_s32(acc, self.m[quad]), self.shift[quad])
        });
        let half = |low, high| vqaddq_s16(vqmovn_high_s32(vqmovn_s32(low), high), self.zero);
        let bytes = vqmovn_high_s16(vqmovn_s16(half(y[0], y[1])), half(y[2], y[3]));
        if PLAIN {
            bytes
        } else {
            vminq_s8(vmaxq_s8(bytes, self.lo), self.hi)
        }
    }
}

/// # Safety
/// `target` has room for `lanes` bytes; the first 16 are written.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn put_bytes(target: *mut u8, lanes: usize, bytes: int8x16_t) {
    let bytes = vreinterpretq_u8_s8(bytes);
    let mut whole = [0; BLOCK];
    // SAFETY: `whole` has room for 16; `target` for `lanes`.
    unsafe {
        if lanes >= BLOCK {
            vst1q_u8(target, bytes);
        } else {
            vst1q_u8(whole.as_mut_ptr(), bytes);
            whole.as_ptr().copy_to_nonoverlapping(target, lanes);
        }
    }
}

/// # Safety
/// `target` has room for `lanes` values; the first 16 are written.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn put_words(target: *mut i32, lanes: usize, words: [int32x4_t; 4]) {
    let mut whole = [0; BLOCK];
    let direct = lanes >= BLOCK;
    let first = if direct { target } else { whole.as_mut_ptr() };
    // SAFETY: `whole` has room for four times four; `target` for `lanes`.
    unsafe {
        for (quad, words) in words.into_iter().enumerate() {
            vst1q_s32(first.add(quad * 4), words);
        }
        if !direct {
            whole.as_ptr().copy_to_nonoverlapping(target, lanes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::requantize;
    use std::vec::Vec;

    /// Numbers at which roundings and saturations turn, and some between.
    fn accumulators() -> Vec<i32> {
        let mut all: Vec<i32> = (0..31)
            .flat_map(|bit| [1 << bit, (1 << bit) - 1, (1 << bit) + 1, 3 << bit.min(29)])
            .flat_map(|value| [value, -value])
            .collect();
        all.extend([i32::MIN, i32::MIN + 1, i32::MAX, -77_777, 123_456_789]);
        while !all.len().is_multiple_of(BLOCK) {
            all.push(all.len() as i32 * 7_919);
        }
        all
    }

    fn ours(acc: &[i32; BLOCK], m: i32, s: u32, clamp: Clamp) -> [u8; BLOCK] {
        let (bias, m, s) = ([0_i32; BLOCK], [m; BLOCK], [s; BLOCK]);
        let mut out = [0; BLOCK];
        let epilogue = Epilogue {
            bias: bias.as_ptr().cast(),
            m: m.as_ptr().cast(),
            s: s.as_ptr().cast(),
            clamp,
            bytes: out.as_mut_ptr(),
            raw: core::ptr::null_mut(),
            pitch: BLOCK,
            outputs: BLOCK,
        };
        // SAFETY: all arrays hold 16; tests of this module run only where NEON is part of the target.
        unsafe {
            let sums = [0, 4, 8, 12].map(|lane| vld1q_s32(acc.as_ptr().add(lane)));
            let factor = Factor::load(&epilogue);
            match factor.plain {
                true => factor.store::<true>(&epilogue, 0, sums),
                false => factor.store::<false>(&epilogue, 0, sums),
            }
        }
        out.map(|stored| stored ^ 128)
    }

    #[test]
    fn every_shift_rounds_as_the_rule_says() {
        let clamps =
            [(0, 0, 255), (3, 3, 200), (255, 7, 255)].map(|(zero, lo, hi)| Clamp { zero, lo, hi });
        for s in 1..=62 {
            for m in [1 << 30, (1 << 30) + 1, 0x5a5a_5a5b, i32::MAX] {
                for (acc, clamp) in accumulators()
                    .as_chunks()
                    .0
                    .iter()
                    .flat_map(|acc| clamps.map(|c| (acc, c)))
                {
                    let truth = acc.map(|acc| clamp.apply(requantize(acc, m, s)));
                    assert_eq!(
                        ours(acc, m, s, clamp),
                        truth,
                        "{acc:?} * {m} >> {s}, {clamp:?}"
                    );
                }
            }
        }
    }
}
