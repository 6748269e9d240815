//! AVX2, depthwise: two taps' bytes are brought side by side and widened, and `vpmaddwd` multiplies and adds both, for
//! 16 channels at a time.

use core::arch::x86_64::*;
use core::array::from_fn;
use core::ptr::null_mut;

use super::super::tile::{Landing, WORDS};
use super::super::{BLOCK, DepthRow, Sink, portable};
use super::land2::Block;
use crate::quant::Clamp;

/// One output row of a depthwise convolution.
pub(crate) fn depthwise(row: &DepthRow<'_>, sink: Sink<'_>) {
    let harmless = Clamp {
        zero: 0,
        lo: 0,
        hi: 0,
    };
    let (bytes, raw, clamp, room) = match sink {
        Sink::Raw(out) => (null_mut(), out.as_mut_ptr(), harmless, out.len()),
        Sink::Bytes {
            out,
            clamp,
            narrow: true,
        } => (out.as_mut_ptr(), null_mut(), clamp, out.len()),
        rare => return portable::depthwise(row, rare), // factors above 1/4
    };
    assert!(
        room >= row.pixels * row.channels,
        "a row of outputs has this length"
    );
    let words = [row.packed.bias, row.packed.m, row.packed.s].map(|words| words.0);
    let blocks = row.channels.div_ceil(BLOCK);
    assert!(
        words.iter().all(|words| words.len() >= blocks * WORDS),
        "words are packed in whole blocks"
    );
    let taps = row.lines.len();
    let reach =
        row.pixels.saturating_sub(1) * row.step + (taps - 1) * row.channels + blocks * BLOCK;
    assert!(
        row.lines.iter().all(|line| line.len() >= reach),
        "tensors end with slack"
    );

    for block in 0..blocks {
        let first = block * BLOCK;
        let [bias, m, s] = words.map(|words| words.as_ptr().wrapping_add(block * WORDS));
        let landing = Landing {
            bias,
            m,
            s,
            clamp,
            bytes: if bytes.is_null() {
                bytes
            } else {
                bytes.wrapping_add(first)
            },
            raw: if raw.is_null() {
                raw
            } else {
                raw.wrapping_add(first)
            },
            pitch: row.channels,
            outputs: row.channels - first,
        };
        // SAFETY: lines, words and output row were measured above. This kernel is chosen only where the processor
        // has AVX2.
        unsafe {
            match taps {
                1 => channels::<1>(row, first, &landing),
                _ => channels::<5>(row, first, &landing),
            }
        }
    }
}

/// 16 channels of all pixels, with `PAIRS` pairs of taps, the last of one tap only.
///
/// # Safety
/// The lines are readable for 16 channels from `first` on, of every tap of every pixel; the landing has room for
/// every pixel; the processor has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn channels<const PAIRS: usize>(row: &DepthRow<'_>, first: usize, landing: &Landing) {
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
        let [a, b] = [2 * pair, 2 * pair + 1].map(|tap| weights(row, tap, first));
        [
            _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(a, b)),
            _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(a, b)),
        ]
    });
    // SAFETY: words of a whole block are readable.
    let block = unsafe { Block::load(landing) };
    for pixel in 0..row.pixels {
        let mut acc = [_mm256_setzero_si256(); 2];
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
        unsafe { block.store(pixel, acc) };
    }
}

/// One tap's weights of 16 channels; 0 where there are fewer channels or taps.
#[inline]
#[target_feature(enable = "avx2")]
fn weights(row: &DepthRow<'_>, tap: usize, first: usize) -> __m128i {
    let mut whole = [0_u8; BLOCK];
    let rest = row
        .weights
        .get(tap * row.channels + first..)
        .unwrap_or_default();
    let lanes = (row.channels - first).min(BLOCK).min(rest.len());
    whole[..lanes].copy_from_slice(&rest[..lanes]);
    // SAFETY: `whole` has 16 bytes.
    unsafe { _mm_loadu_si128(whole.as_ptr().cast()) }
}
