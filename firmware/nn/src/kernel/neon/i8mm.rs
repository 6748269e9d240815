//! NEON with small matrices (Armv8.6, I8MM): `usmmla` multiplies two pixels' eight bytes by two outputs' eight weights,
//! bytes unsigned and weights signed as they are.
//!
//! A tile is `P` pairs of pixels times 16 outputs. A row's odd last pixel is computed twice and stored once.

use core::arch::{aarch64::*, asm};

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
    const ANY_SHIFT: bool = true;

    fn widths(_: usize) -> &'static [usize] {
        &[4, 2, 1]
    }

    fn blocks(_: usize) -> usize {
        1
    }

    unsafe fn compute(job: &TileJob<'_>, _: usize, width: usize) {
        // SAFETY: the caller vouches for the job; the kernel is chosen only where the processor has I8MM.
        unsafe {
            match (width, job.groups % 2) {
                (4, 0) => tile::<2, 2>(job, 4),
                (_, 0) => tile::<1, 2>(job, width),
                (4, _) => tile::<2, 1>(job, 4),
                (_, _) => tile::<1, 1>(job, width),
            }
        }
    }
}

/// Each vector is a matrix: two pixels times two outputs.
type Sums = [int32x4_t; 8];

/// # Safety
/// As [`Tile::compute`], with one block, `width` pixels in `P` pairs and a multiple of `G` groups, 1 or 2; the
/// processor has I8MM.
#[target_feature(enable = "neon,i8mm")]
unsafe fn tile<const P: usize, const G: usize>(job: &TileJob<'_>, width: usize) {
    let mut acc: [Sums; P] = [[vdupq_n_s32(0); 8]; P];
    let pixel = |p: usize| p.min(width - 1) * job.step;
    for line in 0..job.lines.len() {
        let input = job.lines[line].as_ptr().wrapping_add(job.offset);
        let weights = job.weights.wrapping_add(line * job.groups * 128);
        for step in 0..job.groups / G {
            let mut x = [[vdupq_n_u64(0); G]; P];
            for (pair, x) in x.iter_mut().enumerate() {
                let [a, b] = [pixel(pair * 2), pixel(pair * 2 + 1)]
                    .map(|at| input.wrapping_add(at + step * G * 8));
                // SAFETY: the line reaches to the last group of the last pixel.
                *x = unsafe { load(a, b) };
            }
            for group in 0..G {
                let weights = weights.wrapping_add((step * G + group) * 128);
                // SAFETY: each group has 128 bytes of weights.
                unsafe { multiply(&mut acc, x.map(|x| x[group]), weights) };
            }
        }
    }
    // SAFETY: bias and factors of one block are readable.
    let factor = unsafe { Factor::load(&job.epilogue) };
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
        // SAFETY: the output row has room for all pixels of the tile.
        unsafe { factor.store(&job.epilogue, p, sums) };
    }
}

/// `G` groups of two pixels side by side.
///
/// # Safety
/// `8 * G` bytes of both are readable.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn load<const G: usize>(a: *const u8, b: *const u8) -> [uint64x2_t; G] {
    // SAFETY: as this function demands.
    let both = unsafe {
        match G {
            2 => {
                let [a, b] = [a, b].map(|x| vreinterpretq_u64_u8(vld1q_u8(x)));
                [vzip1q_u64(a, b), vzip2q_u64(a, b)]
            }
            _ => {
                let [a, b] = [a, b].map(|x| vreinterpret_u64_u8(vld1_u8(x)));
                [vcombine_u64(a, b); 2]
            }
        }
    };
    core::array::from_fn(|group| both[group])
}

/// Eight neighbours of each pixel times their weights.
///
/// # Safety
/// `weights` points to a group.
#[inline]
#[target_feature(enable = "neon,i8mm")]
unsafe fn multiply<const P: usize>(acc: &mut [Sums; P], x: [uint64x2_t; P], weights: *const u8) {
    for two in 0..8 {
        // SAFETY: as this function demands.
        let w = unsafe { vld1q_s8(weights.add(two * 16).cast()) };
        for (acc, &x) in acc.iter_mut().zip(&x) {
            acc[two] = usmmla(acc[two], vreinterpretq_u8_u64(x), w);
        }
    }
}

/// `acc[2 * i + j] += x[8 * i ..][.. 8] . w[8 * j ..][.. 8]`: `vusmmlaq_s32`, which is not stable yet.
#[inline]
#[target_feature(enable = "neon,i8mm")]
fn usmmla(mut acc: int32x4_t, x: uint8x16_t, w: int8x16_t) -> int32x4_t {
    // SAFETY: it computes on registers and does nothing else; the feature is there.
    unsafe {
        asm!(
            "usmmla {acc:v}.4s, {x:v}.16b, {w:v}.16b",
            acc = inout(vreg) acc,
            x = in(vreg) x,
            w = in(vreg) w,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    acc
}
