//! AVX2, depthwise: two taps' bytes are brought side by side and widened, and `vpmaddwd` multiplies and adds both, for
//! 16 channels at a time. Where neighbouring pixels share columns of taps, each column is widened once (`sliding`).

use core::arch::x86_64::*;
use core::array::from_fn;

use super::super::depthwise::{blocks, weights};
use super::super::tile::Epilogue;
use super::super::{DepthRow, RowOutput};
use super::avx2_epilogue::Block;

/// One output row of a depthwise convolution.
pub(crate) fn depthwise(row: &DepthRow<'_>, sink: RowOutput<'_>) {
    for (first, epilogue) in blocks(row, sink, false) {
        // SAFETY: `blocks` measured lines, words and output row. This kernel is chosen only where the processor has AVX2.
        unsafe {
            match row.lines.len() {
                1 => channels::<1>(row, first, &epilogue),
                _ if row.step == row.channels => sliding(row, first, &epilogue),
                _ => channels::<5>(row, first, &epilogue),
            }
        }
    }
}

/// 16 channels of all pixels, with `PAIRS` pairs of taps, the last of one tap only.
///
/// # Safety
/// The lines are readable for 16 channels from `first` on, of every tap of every pixel; the epilogue has room for
/// every pixel; the processor has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn channels<const PAIRS: usize>(row: &DepthRow<'_>, first: usize, epilogue: &Epilogue) {
    let side = row.lines.len();
    let last = side * side - 1;
    // The last pair's second tap is its first one again, with weights of 0.
    let starts: [[*const u8; 2]; PAIRS] = from_fn(|pair| {
        [2 * pair, (2 * pair + 1).min(last)].map(|tap| {
            row.lines[tap / side]
                .as_ptr()
                .wrapping_add(tap % side * row.channels + first)
        })
    });
    let weights: [[__m256i; 2]; PAIRS] = from_fn(|pair| {
        // SAFETY: each has 16 bytes.
        let [a, b] = [2 * pair, 2 * pair + 1]
            .map(|tap| unsafe { _mm_loadu_si128(weights(row, tap, first).as_ptr().cast()) });
        [
            _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(a, b)),
            _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(a, b)),
        ]
    });
    // SAFETY: words of a whole block are readable.
    let block = unsafe { Block::load(epilogue) };
    for pixel in 0..row.pixels {
        let mut acc = block.bias();
        for (starts, weights) in starts.iter().zip(&weights) {
            let at = pixel * row.step;
            // SAFETY: as this function demands.
            let [a, b] =
                unsafe { [starts[0], starts[1]].map(|x| _mm_loadu_si128(x.add(at).cast())) };
            let low = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b));
            let high = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a, b));
            acc[0] = _mm256_add_epi32(acc[0], _mm256_madd_epi16(low, weights[0]));
            acc[1] = _mm256_add_epi32(acc[1], _mm256_madd_epi16(high, weights[1]));
        }
        // SAFETY: as this function demands.
        unsafe { block.store(pixel, &[acc]) };
    }
}

/// What a column of three taps is widened to: first and second tap side by side, and the third beside zeros; eight channels each.
type Column = [__m256i; 4];

/// 16 channels of all pixels of a 3x3 kernel of stride 1: a column of taps is added to the three pixels that see it.
///
/// # Safety
/// As [`channels`], with three lines and `step` from tap to tap.
#[target_feature(enable = "avx2")]
unsafe fn sliding(row: &DepthRow<'_>, first: usize, epilogue: &Epilogue) {
    let lines = [0, 1, 2].map(|line| row.lines[line].as_ptr().wrapping_add(first));
    let weights: [Column; 3] = from_fn(|column| {
        // SAFETY: each has 16 bytes.
        let [a, b, c] = [column, 3 + column, 6 + column]
            .map(|tap| unsafe { _mm_loadu_si128(weights(row, tap, first).as_ptr().cast()) });
        let zero = _mm_setzero_si128();
        [
            _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(a, b)),
            _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(a, b)),
            _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(c, zero)),
            _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(c, zero)),
        ]
    });
    // SAFETY: words of a whole block are readable.
    let block = unsafe { Block::load(epilogue) };
    // SAFETY: the lines are readable at every tap of every pixel, so from the first column to the last pixel's third.
    let column = |column: usize| unsafe { widened(lines, column * row.step) };
    // Sums of the pixel that lacks one column, and of the next one, that lacks two.
    let mut near = add(block.bias(), &column(0), &weights[0]);
    let mut next = block.bias();
    if row.pixels > 0 {
        let column = column(1);
        near = add(near, &column, &weights[1]);
        next = add(next, &column, &weights[0]);
    }
    for pixel in 0..row.pixels {
        let column = column(pixel + 2);
        let sums = add(near, &column, &weights[2]);
        near = add(next, &column, &weights[1]);
        next = add(block.bias(), &column, &weights[0]);
        // SAFETY: as this function demands.
        unsafe { block.store(pixel, &[sums]) };
    }
}

/// # Safety
/// Each line is readable for 16 bytes at `at`.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn widened(lines: [*const u8; 3], at: usize) -> Column {
    // SAFETY: as this function demands.
    let [a, b, c] = lines.map(|line| unsafe { _mm_loadu_si128(line.add(at).cast()) });
    [
        _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b)),
        _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a, b)),
        _mm256_cvtepu8_epi32(c),
        _mm256_cvtepu8_epi32(_mm_srli_si128::<8>(c)),
    ]
}

#[inline]
#[target_feature(enable = "avx2")]
fn add(sums: [__m256i; 2], x: &Column, w: &Column) -> [__m256i; 2] {
    let products = |i: usize| _mm256_madd_epi16(x[i], w[i]);
    [
        _mm256_add_epi32(sums[0], _mm256_add_epi32(products(0), products(2))),
        _mm256_add_epi32(sums[1], _mm256_add_epi32(products(1), products(3))),
    ]
}
