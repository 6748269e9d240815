//! NEON with dot products (Armv8.2): `sdot` adds four products of signed bytes to each of four sums.
//!
//! A tile is `P` pixels times 16 outputs; 16 bytes of a pixel serve four groups of weights, each by its
//! lane; where a line's groups are no multiple of four (first layers), each group is fetched by itself.

use core::arch::{aarch64::*, asm};

use super::super::tile::{Tile, TileJob, for_each_tile};
use super::super::{Row, RowOutput};
use super::epilogue::Factor;
use super::flip;

/// One output row of a full convolution.
pub(crate) fn conv(row: &Row<'_>, sink: RowOutput<'_>) {
    for_each_tile::<Dotprod>(row, sink);
}

struct Dotprod;

impl Tile for Dotprod {
    const DEPTH: usize = 4;
    const ANY_SHIFT: bool = true;

    fn widths(_: usize) -> &'static [usize] {
        &[4, 2, 1]
    }

    fn blocks(_: usize) -> usize {
        1
    }

    unsafe fn compute(job: &TileJob<'_>, _: usize, width: usize) {
        // SAFETY: the caller vouches for the job; the kernel is chosen only where the processor has dot products.
        unsafe {
            match (width, job.groups % 4) {
                (4, 0) => tile::<4, 4>(job),
                (2, 0) => tile::<2, 4>(job),
                (_, 0) => tile::<1, 4>(job),
                (4, _) => tile::<4, 1>(job),
                (2, _) => tile::<2, 1>(job),
                (_, _) => tile::<1, 1>(job),
            }
        }
    }
}

type Sums = [int32x4_t; 4];

/// # Safety
/// As [`Tile::compute`], with one block, `P` pixels and a multiple of `G` groups; the processor has dot products.
#[target_feature(enable = "neon,dotprod")]
unsafe fn tile<const P: usize, const G: usize>(job: &TileJob<'_>) {
    let mut acc: [Sums; P] = [[vdupq_n_s32(0); 4]; P];
    for line in 0..job.lines.len() {
        let input = job.lines[line].as_ptr().wrapping_add(job.offset);
        let weights = job.weights.wrapping_add(line * job.groups * 64);
        for step in 0..job.groups / G {
            let mut x = [vdupq_n_s8(0); P];
            for (p, x) in x.iter_mut().enumerate() {
                // SAFETY: the line reaches to the last group of the last pixel.
                *x = flip(unsafe { load::<G>(input.add(p * job.step + step * G * 4)) });
            }
            let weights = weights.wrapping_add(step * G * 64);
            // SAFETY: each group has 64 bytes of weights.
            unsafe {
                group::<0, P>(&mut acc, &x, weights);
                if G == 4 {
                    group::<1, P>(&mut acc, &x, weights.add(64));
                    group::<2, P>(&mut acc, &x, weights.add(128));
                    group::<3, P>(&mut acc, &x, weights.add(192));
                }
            }
        }
    }
    // SAFETY: bias and factors of one block are readable.
    let factor = unsafe { Factor::load(&job.epilogue) };
    for (p, acc) in acc.iter().enumerate() {
        // SAFETY: the output row has room for all pixels of the tile.
        unsafe { factor.store(&job.epilogue, p, *acc) };
    }
}

/// # Safety
/// `4 * G` bytes are readable, with `G` 1 or 4.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn load<const G: usize>(x: *const u8) -> uint8x16_t {
    // SAFETY: as this function demands.
    unsafe {
        match G {
            4 => vld1q_u8(x),
            _ => vreinterpretq_u8_u32(vdupq_n_u32(x.cast::<u32>().read_unaligned())),
        }
    }
}

/// Four neighbours, lane `LANE` of `x`, times their weights.
///
/// # Safety
/// `weights` points to a group.
#[inline]
#[target_feature(enable = "neon,dotprod")]
unsafe fn group<const LANE: i32, const P: usize>(
    acc: &mut [Sums; P],
    x: &[int8x16_t; P],
    weights: *const u8,
) {
    for quad in 0..4 {
        // SAFETY: as this function demands.
        let w = unsafe { vld1q_s8(weights.add(quad * 16).cast()) };
        for (acc, &x) in acc.iter_mut().zip(x) {
            acc[quad] = sdot::<LANE>(acc[quad], w, x);
        }
    }
}

/// `acc[i] += w[4 * i ..][.. 4] . x[4 * LANE ..][.. 4]`: `vdotq_laneq_s32`, which is not stable yet.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn sdot<const LANE: i32>(mut acc: int32x4_t, w: int8x16_t, x: int8x16_t) -> int32x4_t {
    // SAFETY: it computes on registers and does nothing else; the feature is there.
    unsafe {
        asm!(
            "sdot {acc:v}.4s, {w:v}.16b, {x:v}.4b[{lane}]",
            acc = inout(vreg) acc,
            w = in(vreg) w,
            x = in(vreg) x,
            lane = const LANE,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    acc
}
