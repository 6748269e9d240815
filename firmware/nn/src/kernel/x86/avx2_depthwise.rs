//! AVX2, depthwise: two taps' bytes are brought side by side and widened, and `vpmaddwd` multiplies and adds both, for
//! 16 channels at a time.

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
