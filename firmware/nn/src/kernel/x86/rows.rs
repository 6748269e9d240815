//! AVX-512: work on whole rows that needs no tiles.

use core::arch::x86_64::*;

use super::super::{AddRow, portable};
use super::epilogue::bytes;

/// Adds two rows, 64 bytes at a time; the portable loop adds the rest.
pub(crate) fn add(row: &AddRow, a: &[u8], b: &[u8], y: &mut [u8]) {
    let (a, a_rest) = a.as_chunks();
    let (b, b_rest) = b.as_chunks();
    let (y, y_rest) = y.as_chunks_mut();
    // SAFETY: this kernel is chosen only where the processor has AVX-512 F and BW.
    unsafe { add_chunks(row, a, b, y) };
    portable::add(row, a_rest, b_rest, y_rest);
}

#[target_feature(enable = "avx512f,avx512bw")]
fn add_chunks(row: &AddRow, a: &[[u8; 64]], b: &[[u8; 64]], y: &mut [[u8; 64]]) {
    let (ma, mb) = (_mm512_set1_epi32(row.ma), _mm512_set1_epi32(row.mb));
    let constant = _mm512_set1_epi32(row.constant());
    let s = _mm_cvtsi32_si128(row.s.cast_signed());
    for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
        let sum = |quarter: usize| {
            // SAFETY: `quarter` is one of four of 16 bytes.
            let wide = |x: &[u8; 64]| unsafe {
                _mm512_cvtepu8_epi32(_mm_loadu_si128(x.as_ptr().add(16 * quarter).cast()))
            };
            let (a, b) = (
                _mm512_mullo_epi32(wide(a), ma),
                _mm512_mullo_epi32(wide(b), mb),
            );
            _mm512_sra_epi32(_mm512_add_epi32(_mm512_add_epi32(a, b), constant), s)
        };
        let sums = bytes([sum(0), sum(1), sum(2), sum(3)], row.clamp);
        // SAFETY: a chunk has 64 bytes.
        unsafe { _mm512_storeu_si512(y.as_mut_ptr().cast(), sums) };
    }
}
