//! NEON with small matrices (Armv8.6, I8MM): `smmla` multiplies two pixels' eight bytes by two outputs' eight weights.
//!
//! A tile is `P` pairs of pixels times 16 outputs. A row's odd last pixel is computed twice and stored once.

use core::arch::{aarch64::*, asm};
use core::hint::assert_unchecked;

use super::super::tile::{Tile, TileJob, for_each_tile};
use super::super::{Row, RowOutput};
use super::epilogue::Factor;

/// One output row of a full convolution.
pub(crate) fn conv(row: &Row<'_>, sink: RowOutput<'_>) {
    for_each_tile::<I8mm>(row, sink);
}

struct I8mm;

impl Tile for I8mm {
    const DEPTH: usize = 8;
    const FETCH: usize = 16;
    const ANY_SHIFT: bool = true;

    fn blocks(_: usize) -> usize {
        1
    }

    unsafe fn compute(job: &TileJob<'_>, _: usize, pixels: usize) {
        // SAFETY: the caller vouches for the job; the kernel is chosen only where the processor has I8MM.
        unsafe {
            let factor = Factor::load(&job.epilogue);
            match factor.plain {
                true => row::<true>(job, pixels, &factor),
                false => row::<false>(job, pixels, &factor),
            }
        }
    }
}

/// Each vector is a matrix: two pixels times two outputs.
type Sums = [int32x4_t; 8];

/// # Safety
/// As [`Tile::compute`], with one block; the processor has I8MM; `PLAIN` is the factor's.
#[target_feature(enable = "neon,i8mm")]
unsafe fn row<const PLAIN: bool>(job: &TileJob<'_>, pixels: usize, factor: &Factor) {
    let bias: Sums = core::array::from_fn(|two| {
        let four = vreinterpretq_s64_s32(factor.bias[two / 2]);
        vreinterpretq_s32_s64(match two % 2 {
            0 => vzip1q_s64(four, four),
            _ => vzip2q_s64(four, four),
        })
    });
    let mut pixel = 0;
    // SAFETY: all pixels are the caller's.
    unsafe {
        while pixel < pixels {
            let width = pixels - pixel;
            pixel += match width {
                3.. => tile::<2, PLAIN>(job, pixel, width.min(4), &bias, factor),
                _ => tile::<1, PLAIN>(job, pixel, width, &bias, factor),
            };
        }
    }
}

/// `width` pixels from `pixel` on, at most `2 * P` and more than `2 * P - 2`; returns `width`.
///
/// # Safety
/// As [`row`].
#[inline]
#[target_feature(enable = "neon,i8mm")]
unsafe fn tile<const P: usize, const PLAIN: bool>(
    job: &TileJob<'_>,
    pixel: usize,
    width: usize,
    bias: &Sums,
    factor: &Factor,
) -> usize {
    let mut acc: [Sums; P] = [*bias; P];
    let place = |p: usize| p.min(width - 1) * job.step;
    // SAFETY: a job has lines.
    unsafe { assert_unchecked(!job.lines.is_empty()) };
    for line in 0..job.lines.len() {
        let first = job.offset + pixel * job.step;
        let input = job.lines[line].as_ptr().wrapping_add(first).cast::<i8>();
        let weights = job.weights.wrapping_add(line * job.groups * 128);
        let fetched = |fetch: usize| -> [[int8x16_t; 2]; P] {
            core::array::from_fn(|pair| {
                let [a, b] = [place(pair * 2), place(pair * 2 + 1)]
                    .map(|at| input.wrapping_add(at + fetch * 16));
                // SAFETY: the line reaches to the end of the last fetch of the last pixel.
                unsafe { side_by_side(vld1q_s8(a), vld1q_s8(b)) }
            })
        };
        // SAFETY: each group has 128 bytes of weights.
        unsafe {
            for fetch in 0..job.groups / 2 {
                let (x, weights) = (fetched(fetch), weights.wrapping_add(fetch * 256));
                multiply(&mut acc, x.map(|x| x[0]), weights);
                multiply(&mut acc, x.map(|x| x[1]), weights.wrapping_add(128));
            }
            if job.groups % 2 == 1 {
                let last = job.groups / 2;
                let (x, weights) = (fetched(last), weights.wrapping_add(last * 256));
                multiply(&mut acc, x.map(|x| x[0]), weights);
            }
        }
    }
    for p in 0..width {
        let acc = acc[p / 2].map(|acc| vreinterpretq_s64_s32(acc));
        let sums = core::array::from_fn(|quad| {
            let (a, b) = (acc[quad * 2], acc[quad * 2 + 1]);
            vreinterpretq_s32_s64(if p % 2 == 0 {
                vzip1q_s64(a, b)
            } else {
                vzip2q_s64(a, b)
            })
        });
        // SAFETY: the output row has room for all pixels.
        unsafe { factor.store::<PLAIN>(&job.epilogue, pixel + p, sums) };
    }
    width
}

/// Two groups of two pixels, each group of both together.
#[inline]
#[target_feature(enable = "neon")]
fn side_by_side(a: int8x16_t, b: int8x16_t) -> [int8x16_t; 2] {
    let [a, b] = [a, b].map(|x| vreinterpretq_s64_s8(x));
    [vzip1q_s64(a, b), vzip2q_s64(a, b)].map(|x| vreinterpretq_s8_s64(x))
}

/// Eight neighbours of each pixel times their weights.
///
/// # Safety
/// `weights` points to a group.
#[inline]
#[target_feature(enable = "neon,i8mm")]
unsafe fn multiply<const P: usize>(acc: &mut [Sums; P], x: [int8x16_t; P], weights: *const u8) {
    for two in 0..8 {
        // SAFETY: as this function demands.
        let w = unsafe { vld1q_s8(weights.add(two * 16).cast()) };
        for (acc, &x) in acc.iter_mut().zip(&x) {
            acc[two] = smmla(acc[two], x, w);
        }
    }
}

/// `acc[2 * i + j] += x[8 * i ..][.. 8] . w[8 * j ..][.. 8]`: `vmmlaq_s32`, which is not stable yet.
#[inline]
#[target_feature(enable = "neon,i8mm")]
fn smmla(mut acc: int32x4_t, x: int8x16_t, w: int8x16_t) -> int32x4_t {
    // SAFETY: it computes on registers and does nothing else; the feature is there.
    unsafe {
        asm!(
            "smmla {acc:v}.4s, {x:v}.16b, {w:v}.16b",
            acc = inout(vreg) acc,
            x = in(vreg) x,
            w = in(vreg) w,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    acc
}
