//! AVX-VNNI: `vpdpbusd` on 256 bits, for processors that have it without AVX-512 (Intel's since Alder Lake, N100).
//!
//! A tile is up to six pixels times 16 outputs: twelve sums, as many as the instruction's delay needs.

use core::arch::x86_64::*;
use core::array::from_fn;

use super::super::tile::{Tile, TileJob, for_each_tile};
use super::super::{Row, RowOutput};
use super::avx2_epilogue::Block;

/// One output row of a full convolution.
pub(crate) fn conv(row: &Row<'_>, sink: RowOutput<'_>) {
    for_each_tile::<AvxVnni>(row, sink);
}

struct AvxVnni;

impl Tile for AvxVnni {
    const DEPTH: usize = 4;
    const ANY_SHIFT: bool = false;

    fn blocks(_: usize) -> usize {
        1
    }

    unsafe fn compute(job: &TileJob<'_>, _: usize, pixels: usize) {
        // SAFETY: the caller vouches for the job; the kernel is chosen only where the processor has AVX-VNNI.
        unsafe { row(job, pixels) }
    }
}

/// # Safety
/// As [`Tile::compute`], with one block; the processor has AVX-VNNI.
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn row(job: &TileJob<'_>, pixels: usize) {
    // SAFETY: the words are the job's, and all pixels the caller's.
    unsafe {
        let block = Block::load(&job.epilogue);
        let mut pixel = 0;
        while pixel < pixels {
            pixel += match pixels - pixel {
                6.. => tile::<6>(job, &block, pixel),
                4.. => tile::<4>(job, &block, pixel),
                2.. => tile::<2>(job, &block, pixel),
                _ => tile::<1>(job, &block, pixel),
            };
        }
    }
}

/// `P` pixels from `pixel` on; returns `P`.
///
/// # Safety
/// As [`row`].
#[inline]
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn tile<const P: usize>(job: &TileJob<'_>, block: &Block<'_>, pixel: usize) -> usize {
    let mut acc = [block.bias(); P];
    for line in 0..job.lines.len() {
        let first = job.offset + pixel * job.step;
        let input = job.lines[line].as_ptr().wrapping_add(first);
        let weights = job.weights.wrapping_add(line * job.groups * 64);
        for group in 0..job.groups {
            // SAFETY: each group has 64 bytes of weights.
            let w: [__m256i; 2] = from_fn(|half| unsafe {
                _mm256_loadu_si256(weights.add(group * 64 + half * 32).cast())
            });
            for (p, acc) in acc.iter_mut().enumerate() {
                let four = input.wrapping_add(p * job.step + group * 4).cast::<i32>();
                // SAFETY: the line reaches to the last group of the last pixel.
                let x = _mm256_set1_epi32(unsafe { four.read_unaligned() });
                acc[0] = _mm256_dpbusd_avx_epi32(acc[0], x, w[0]);
                acc[1] = _mm256_dpbusd_avx_epi32(acc[1], x, w[1]);
            }
        }
    }
    // SAFETY: the output row has room for all pixels.
    unsafe { block.store(pixel, &acc) };
    P
}
