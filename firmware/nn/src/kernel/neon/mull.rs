//! Plain NEON, for Cortex-A53 and A72: `smull` and `smlal` add two products in 16 bits, where two of signed bytes just
//! fit (2 * 128 * 127 < 2^15), and `sadalp` adds neighbours of those in 32 bits.

use core::arch::aarch64::*;

use super::super::tile::{Tile, TileJob, for_each_tile};
use super::super::{Row, RowOutput};
use super::epilogue::Factor;

/// One output row of a full convolution.
pub(crate) fn conv(row: &Row<'_>, sink: RowOutput<'_>) {
    for_each_tile::<Mull>(row, sink);
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

    unsafe fn compute(job: &TileJob<'_>, _: usize, width: usize) {
        // SAFETY: the caller vouches for the job; the kernel is chosen only where the processor has NEON.
        unsafe {
            match (width, job.groups % 2) {
                (2, 0) => tile::<2, 2>(job),
                (_, 0) => tile::<1, 2>(job),
                (2, _) => tile::<2, 1>(job),
                (_, _) => tile::<1, 1>(job),
            }
        }
    }
}

/// Each vector holds two outputs as two partial sums each.
type Sums = [int32x4_t; 8];

/// # Safety
/// As [`Tile::compute`], with one block, `P` pixels and a multiple of `G` groups, 1 or 2; the processor has NEON.
#[target_feature(enable = "neon")]
unsafe fn tile<const P: usize, const G: usize>(job: &TileJob<'_>) {
    let mut acc = [[vdupq_n_s32(0); 8]; P];
    for line in 0..job.lines.len() {
        let input = job.lines[line].as_ptr().wrapping_add(job.offset);
        let weights = job.weights.wrapping_add(line * job.groups * 64);
        for step in 0..job.groups / G {
            let mut x = [[vdupq_n_s8(0); G]; P];
            for (p, x) in x.iter_mut().enumerate() {
                // SAFETY: the line reaches to the last group of the last pixel.
                *x = unsafe { load(input.add(p * job.step + step * G * 4)) };
            }
            // SAFETY: each group has 64 bytes of weights.
            unsafe { groups(&mut acc, &x, weights.add(step * G * 64)) };
        }
    }
    // SAFETY: bias and factors of one block are readable.
    let factor = unsafe { Factor::load(&job.epilogue) };
    for (p, acc) in acc.iter().enumerate() {
        let sums = core::array::from_fn(|quad| vpaddq_s32(acc[quad * 2], acc[quad * 2 + 1]));
        // SAFETY: the output row has room for all pixels of the tile.
        unsafe { factor.store(&job.epilogue, p, sums) };
    }
}

/// `G` groups of a pixel, each four times over.
///
/// # Safety
/// `4 * G` bytes are readable.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn load<const G: usize>(x: *const u8) -> [int8x16_t; G] {
    // SAFETY: as this function demands.
    let bytes = unsafe {
        match G {
            2 => vld1_u8(x),
            _ => vreinterpret_u8_u32(vdup_n_u32(x.cast::<u32>().read_unaligned())),
        }
    };
    let words = vreinterpret_s32_u8(veor_u8(bytes, vdup_n_u8(0x80)));
    let both = [vdupq_lane_s32::<0>(words), vdupq_lane_s32::<1>(words)];
    core::array::from_fn(|group| vreinterpretq_s8_s32(both[group]))
}

/// # Safety
/// `weights` points to `G` groups.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn groups<const P: usize, const G: usize>(
    acc: &mut [Sums; P],
    x: &[[int8x16_t; G]; P],
    weights: *const u8,
) {
    for quad in 0..4 {
        let mut w = [vdupq_n_s8(0); G];
        for (group, w) in w.iter_mut().enumerate() {
            // SAFETY: as this function demands.
            *w = unsafe { vld1q_s8(weights.add(group * 64 + quad * 16).cast()) };
        }
        for (acc, x) in acc.iter_mut().zip(x) {
            let mut low = vmull_s8(vget_low_s8(w[0]), vget_low_s8(x[0]));
            let mut high = vmull_high_s8(w[0], x[0]);
            for group in 1..G {
                low = vmlal_s8(low, vget_low_s8(w[group]), vget_low_s8(x[group]));
                high = vmlal_high_s8(high, w[group], x[group]);
            }
            acc[quad * 2] = vpadalq_s16(acc[quad * 2], low);
            acc[quad * 2 + 1] = vpadalq_s16(acc[quad * 2 + 1], high);
        }
    }
}
