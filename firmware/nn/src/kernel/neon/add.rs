//! The sum of two rows for all NEON kernels, 16 values at once.

use core::arch::aarch64::*;

use super::super::AddRow;

/// `y = clamp(zy + ((a * ma + b * mb + constant) >> s))`, on values that are stored 128 less.
pub(crate) fn add(row: &AddRow, a: &[u8], b: &[u8], y: &mut [u8]) {
    // Sums fit by the format's bounds; their parts may wrap.
    let stored = row.ma.wrapping_add(row.mb).wrapping_mul(128);
    let numbers = Numbers {
        constant: row.constant().wrapping_add(stored),
        row,
    };
    let (targets, rest) = y.as_chunks_mut::<16>();
    let (a, last_a) = a.as_chunks::<16>();
    let (b, last_b) = b.as_chunks::<16>();
    // SAFETY: this kernel is chosen only where the processor has NEON.
    unsafe {
        for (y, (a, b)) in targets.iter_mut().zip(a.iter().zip(b)) {
            numbers.sixteen(a, b, y);
        }
        if !rest.is_empty() {
            let mut whole = [[0; 16]; 3];
            whole[0][..last_a.len()].copy_from_slice(last_a);
            whole[1][..last_b.len()].copy_from_slice(last_b);
            let [a, b, y] = &mut whole;
            numbers.sixteen(a, b, y);
            rest.copy_from_slice(&y[..rest.len()]);
        }
    }
}

struct Numbers<'a> {
    constant: i32,
    row: &'a AddRow,
}

impl Numbers<'_> {
    #[inline]
    #[target_feature(enable = "neon")]
    fn sixteen(&self, a: &[u8; 16], b: &[u8; 16], y: &mut [u8; 16]) {
        // SAFETY: all three hold 16 bytes.
        let [a, b] = [a, b].map(|x| unsafe { wide(vld1q_s8(x.as_ptr().cast())) });
        let shift = vdupq_n_s32(-self.row.s.cast_signed());
        let quads: [_; 4] = core::array::from_fn(|quad| {
            let sum = vdupq_n_s32(self.constant);
            let sum = vmlaq_n_s32(sum, a[quad], self.row.ma);
            vshlq_s32(vmlaq_n_s32(sum, b[quad], self.row.mb), shift)
        });
        let zero = vdupq_n_s16(i16::from(self.row.clamp.zero) - 128);
        let half = |low, high| vqaddq_s16(vqmovn_high_s32(vqmovn_s32(low), high), zero);
        let bytes = vqmovn_s16(half(quads[0], quads[1]));
        let bytes = vqmovn_high_s16(bytes, half(quads[2], quads[3]));
        let bound = |byte: u8| vdupq_n_s8((byte ^ 128).cast_signed());
        let bytes = vmaxq_s8(bytes, bound(self.row.clamp.lo));
        let bytes = vminq_s8(bytes, bound(self.row.clamp.hi));
        // SAFETY: as above.
        unsafe { vst1q_u8(y.as_mut_ptr(), vreinterpretq_u8_s8(bytes)) }
    }
}

/// 16 bytes as words.
#[inline]
#[target_feature(enable = "neon")]
fn wide(x: int8x16_t) -> [int32x4_t; 4] {
    let (low, high) = (vmovl_s8(vget_low_s8(x)), vmovl_high_s8(x));
    [
        vmovl_s16(vget_low_s16(low)),
        vmovl_high_s16(low),
        vmovl_s16(vget_low_s16(high)),
        vmovl_high_s16(high),
    ]
}
