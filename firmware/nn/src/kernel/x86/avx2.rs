//! AVX2: bytes and weights widened to 16 bits, then `vpmaddwd`, which adds pairs of products in 32 bits. The tempting
//! `vpmaddubsw` would saturate: 2 * 255 * 127 does not fit 16 bits.

use core::arch::x86_64::*;

use super::super::tile::{Tile, TileJob, for_each_tile};
use super::super::{AddRow, Row, RowOutput, portable};
use super::avx2_epilogue::Block;

/// One output row of a full convolution.
pub(crate) fn conv(row: &Row<'_>, sink: RowOutput<'_>) {
    for_each_tile::<Avx2>(row, sink);
}

/// Adds two rows: the portable loop, compiled for AVX2.
pub(crate) fn add(row: &AddRow, a: &[u8], b: &[u8], y: &mut [u8]) {
    #[target_feature(enable = "avx2")]
    fn compiled(row: &AddRow, a: &[u8], b: &[u8], y: &mut [u8]) {
        portable::add(row, a, b, y);
    }
    // SAFETY: this kernel is chosen only where the processor has AVX2.
    unsafe { compiled(row, a, b, y) }
}

struct Avx2;

impl Tile for Avx2 {
    const DEPTH: usize = 4;
    const ANY_SHIFT: bool = false;

    fn blocks(_: usize) -> usize {
        1
    }

    unsafe fn compute(job: &TileJob<'_>, _: usize, pixels: usize) {
        // SAFETY: the caller vouches for the job; the kernel is chosen only where the processor has AVX2.
        job.tiles(pixels, &[2, 1], |job, width| unsafe {
            match width {
                2 => tile::<2>(job),
                _ => tile::<1>(job),
            }
        });
    }
}

/// # Safety
/// As [`Tile::compute`], with one block and `P` pixels; the processor has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn tile<const P: usize>(job: &TileJob<'_>) {
    // Each register holds four outputs as two partial sums each.
    let mut acc = [[_mm256_setzero_si256(); 4]; P];
    for line in 0..job.lines.len() {
        let input = job.lines[line].as_ptr().wrapping_add(job.offset);
        let weights = job.weights.wrapping_add(line * job.groups * 64);
        for group in 0..job.groups {
            let mut x = [_mm256_setzero_si256(); P];
            for (p, x) in x.iter_mut().enumerate() {
                // SAFETY: the line reaches to the last group of the last pixel.
                let four = unsafe {
                    input
                        .add(p * job.step + group * 4)
                        .cast::<i32>()
                        .read_unaligned()
                };
                *x = _mm256_cvtepu8_epi16(_mm_set1_epi32(four));
            }
            // SAFETY: each group has 64 bytes of weights.
            let w = [0, 16, 32, 48].map(|at| unsafe { widened(weights.add(group * 64 + at)) });
            for (acc, &x) in acc.iter_mut().zip(&x) {
                for (acc, &w) in acc.iter_mut().zip(&w) {
                    *acc = _mm256_add_epi32(*acc, _mm256_madd_epi16(x, w));
                }
            }
        }
    }
    // SAFETY: as this function demands.
    let block = unsafe { Block::load(&job.epilogue) };
    for (p, acc) in acc.iter().enumerate() {
        let sums = [join(acc[0], acc[1]), join(acc[2], acc[3])];
        // SAFETY: as this function demands.
        unsafe { block.store(p, sums) };
    }
}

/// 16 weights as 16-bit numbers.
///
/// # Safety
/// `weights` points to 16 readable bytes.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn widened(weights: *const u8) -> __m256i {
    // SAFETY: as this function demands.
    _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(weights.cast()) })
}

/// Adds the partial sums of eight outputs and brings them in order.
#[inline]
#[target_feature(enable = "avx2")]
fn join(a: __m256i, b: __m256i) -> __m256i {
    _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(a, b))
}
