//! Plain NEON, for Cortex-A53 and A72: `smull` and `smlal` add two products in 16 bits, where two of signed bytes just
//! fit (2 * 128 * 127 < 2^15), and `sadalp` adds neighbours of those in 32 bits.

use core::arch::aarch64::*;

use super::super::tile::{Job, Tile, drive};
use super::super::{Row, Sink};
use super::land::Factor;
use super::{flip, flip_half};

/// One output row of a full convolution.
pub(crate) fn conv(row: &Row<'_>, sink: Sink<'_>) {
    drive::<Mull>(row, sink);
}

struct Mull;

impl Tile for Mull {
    const DEPTH: usize = 4;
    const ANY_SHIFT: bool = true;

    fn widths(_: usize) -> &'static [usize] {
        &[2, 1]
    }

    fn blocks(_: usize) -> usize {
        1
    }

    unsafe fn compute(job: &Job<'_>, _: usize, width: usize) {
        // SAFETY: the caller vouches for the job; the kernel is chosen only where the processor has NEON.
        unsafe {
            match width {
                2 => tile::<2>(job),
                _ => tile::<1>(job),
            }
        }
    }
}

/// Each vector holds two outputs as two partial sums each.
type Sums = [int32x4_t; 8];

/// # Safety
/// As [`Tile::compute`], with one block and `P` pixels; the processor has NEON.
#[target_feature(enable = "neon")]
unsafe fn tile<const P: usize>(job: &Job<'_>) {
    let mut acc = [[vdupq_n_s32(0); 8]; P];
    for line in 0..job.lines.len() {
        let input = job.lines[line].as_ptr().wrapping_add(job.offset);
        let weights = job.weights.wrapping_add(line * job.groups * 64);
        for pair in 0..job.groups / 2 {
            let mut x = [[vdupq_n_s8(0); 2]; P];
            for (p, x) in x.iter_mut().enumerate() {
                // SAFETY: the line reaches to the last group of the last pixel.
                let eight = unsafe { vld1_u8(input.add(p * job.step + pair * 8)) };
                let eight = vreinterpret_s32_s8(flip_half(eight));
                *x = [
                    vreinterpretq_s8_s32(vdupq_lane_s32::<0>(eight)),
                    vreinterpretq_s8_s32(vdupq_lane_s32::<1>(eight)),
                ];
            }
            // SAFETY: each group has 64 bytes of weights.
            unsafe { two_groups(&mut acc, &x, weights.add(pair * 128)) };
        }
        if job.groups % 2 == 1 {
            let group = job.groups - 1;
            let mut x = [vdupq_n_s8(0); P];
            for (p, x) in x.iter_mut().enumerate() {
                let place = input.wrapping_add(p * job.step + group * 4).cast::<u32>();
                // SAFETY: the line reaches to the last group of the last pixel.
                *x = flip(vreinterpretq_u8_u32(vdupq_n_u32(unsafe {
                    place.read_unaligned()
                })));
            }
            // SAFETY: each group has 64 bytes of weights.
            unsafe { one_group(&mut acc, &x, weights.add(group * 64)) };
        }
    }
    // SAFETY: bias and factors of one block are readable.
    let factor = unsafe { Factor::load(&job.landing) };
    for (p, acc) in acc.iter().enumerate() {
        let sums = core::array::from_fn(|quad| vpaddq_s32(acc[quad * 2], acc[quad * 2 + 1]));
        // SAFETY: the output row has room for all pixels of the tile.
        unsafe { factor.store(&job.landing, p, sums) };
    }
}

/// # Safety
/// `weights` points to two groups.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn two_groups<const P: usize>(
    acc: &mut [Sums; P],
    x: &[[int8x16_t; 2]; P],
    weights: *const u8,
) {
    for quad in 0..4 {
        // SAFETY: as this function demands.
        let [u, v] =
            [0, 64].map(|group| unsafe { vld1q_s8(weights.add(group + quad * 16).cast()) });
        for (acc, x) in acc.iter_mut().zip(x) {
            let low = vmull_s8(vget_low_s8(u), vget_low_s8(x[0]));
            let low = vmlal_s8(low, vget_low_s8(v), vget_low_s8(x[1]));
            acc[quad * 2] = vpadalq_s16(acc[quad * 2], low);
            let high = vmlal_high_s8(vmull_high_s8(u, x[0]), v, x[1]);
            acc[quad * 2 + 1] = vpadalq_s16(acc[quad * 2 + 1], high);
        }
    }
}

/// # Safety
/// `weights` points to a group.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn one_group<const P: usize>(acc: &mut [Sums; P], x: &[int8x16_t; P], weights: *const u8) {
    for quad in 0..4 {
        // SAFETY: as this function demands.
        let w = unsafe { vld1q_s8(weights.add(quad * 16).cast()) };
        for (acc, &x) in acc.iter_mut().zip(x) {
            let low = vmull_s8(vget_low_s8(w), vget_low_s8(x));
            acc[quad * 2] = vpadalq_s16(acc[quad * 2], low);
            acc[quad * 2 + 1] = vpadalq_s16(acc[quad * 2 + 1], vmull_high_s8(w, x));
        }
    }
}
