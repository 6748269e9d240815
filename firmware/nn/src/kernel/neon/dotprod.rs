//! NEON with dot products (Armv8.2): `sdot` adds four products of signed bytes to each of four sums.
//!
//! A tile is `P` pixels times 16 outputs; 16 bytes of a pixel serve four groups of weights, each by its lane.

use core::arch::{aarch64::*, asm};
use core::hint::assert_unchecked;

use super::super::tile::{Tile, TileJob, for_each_tile};
use super::super::{Row, RowOutput};
use super::epilogue::Factor;

/// One output row of a full convolution.
pub(crate) fn conv(row: &Row<'_>, sink: RowOutput<'_>) {
    for_each_tile::<Dotprod>(row, sink);
}

struct Dotprod;

impl Tile for Dotprod {
    const DEPTH: usize = 4;
    const FETCH: usize = 16;
    const ANY_SHIFT: bool = true;

    fn blocks(_: usize) -> usize {
        1
    }

    unsafe fn compute(job: &TileJob<'_>, _: usize, pixels: usize) {
        // SAFETY: the caller vouches for the job; the kernel is chosen only where the processor has dot products.
        unsafe {
            let factor = Factor::load(&job.epilogue);
            match factor.plain {
                true => row::<true>(job, pixels, &factor),
                false => row::<false>(job, pixels, &factor),
            }
        }
    }
}

type Sums = [int32x4_t; 4];

/// # Safety
/// As [`Tile::compute`], with one block; the processor has dot products; `PLAIN` is the factor's.
#[target_feature(enable = "neon,dotprod")]
unsafe fn row<const PLAIN: bool>(job: &TileJob<'_>, pixels: usize, factor: &Factor) {
    let mut pixel = 0;
    // SAFETY: all pixels are the caller's.
    unsafe {
        while pixel < pixels {
            pixel += match pixels - pixel {
                6 | 12.. => tile::<6, PLAIN>(job, pixel, factor),
                4.. => tile::<4, PLAIN>(job, pixel, factor),
                3 => tile::<3, PLAIN>(job, pixel, factor),
                2 => tile::<2, PLAIN>(job, pixel, factor),
                _ => tile::<1, PLAIN>(job, pixel, factor),
            };
        }
    }
}

/// `P` pixels from `pixel` on; returns `P`.
///
/// # Safety
/// As [`row`].
#[inline]
#[target_feature(enable = "neon,dotprod")]
unsafe fn tile<const P: usize, const PLAIN: bool>(
    job: &TileJob<'_>,
    pixel: usize,
    factor: &Factor,
) -> usize {
    let mut acc: [Sums; P] = [factor.bias; P];
    let (fetches, rest) = (job.groups / 4, job.groups % 4);
    // SAFETY: a job has lines.
    unsafe { assert_unchecked(!job.lines.is_empty()) };
    for line in 0..job.lines.len() {
        let first = job.offset + pixel * job.step;
        let input = job.lines[line].as_ptr().wrapping_add(first).cast::<i8>();
        let weights = job.weights.wrapping_add(line * job.groups * 64);
        for fetch in 0..fetches {
            // SAFETY: the line reaches to the last group of the last pixel; each group has 64 bytes of weights.
            unsafe {
                let x = core::array::from_fn(|p| vld1q_s8(input.add(p * job.step + fetch * 16)));
                let weights = weights.add(fetch * 256);
                group::<0, P>(&mut acc, &x, weights);
                group::<1, P>(&mut acc, &x, weights.add(64));
                group::<2, P>(&mut acc, &x, weights.add(128));
                group::<3, P>(&mut acc, &x, weights.add(192));
            }
        }
        if rest > 0 {
            // SAFETY: the line reaches to the end of the last fetch, and there are weights for `rest` groups.
            unsafe {
                let x = core::array::from_fn(|p| vld1q_s8(input.add(p * job.step + fetches * 16)));
                let weights = weights.add(fetches * 256);
                group::<0, P>(&mut acc, &x, weights);
                if rest > 1 {
                    group::<1, P>(&mut acc, &x, weights.add(64));
                }
                if rest > 2 {
                    group::<2, P>(&mut acc, &x, weights.add(128));
                }
            }
        }
    }
    for (p, acc) in acc.iter().enumerate() {
        // SAFETY: the output row has room for all pixels.
        unsafe { factor.store::<PLAIN>(&job.epilogue, pixel + p, *acc) };
    }
    P
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
