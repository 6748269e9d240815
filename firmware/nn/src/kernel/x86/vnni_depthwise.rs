//! AVX-512 with VNNI, depthwise 3x3: a byte transpose brings the three taps of a line together, and `vpdpbusd`
//! multiplies and adds them. Work goes by chunks of 64 output bytes (`depthwise_chunks`).

use core::arch::x86_64::*;

use super::super::depthwise_weights::WORDS;
use super::super::{DepthRow, RowOutput};
use super::avx2_depthwise;
use super::depthwise_chunks::{ChunkPlan, words};
use super::epilogue::{Factor, interleaved_bytes};
use crate::quant::Clamp;

/// One output row of a depthwise convolution.
pub(crate) fn depthwise(row: &DepthRow<'_>, sink: RowOutput<'_>) {
    if row.lines.len() != 3 {
        return avx2_depthwise::depthwise(row, sink); // one tap: nothing to bring together
    }
    let plan = ChunkPlan::new(row);
    // SAFETY: this kernel is chosen only where the processor has the features; `plan` was measured against the
    // lines and the records, and the output row is measured here.
    unsafe {
        match sink {
            RowOutput::Bytes {
                out,
                clamp,
                narrow: true,
            } => {
                assert!(out.len() >= plan.total, "a row of a tensor has this length");
                to_bytes(&plan, out.as_mut_ptr(), clamp);
            }
            rare => plan.scalar_epilogue(row, rare, |record, offset| {
                let [acc] = sums::<1>(&plan, record, offset);
                in_order(acc)
            }),
        }
    }
}

/// # Safety
/// The processor has AVX-512 F, BW, VL and VNNI; `out` has room for the row.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn to_bytes(plan: &ChunkPlan, out: *mut u8, clamp: Clamp) {
    for phase in 0..plan.phases {
        let record = plan.record(phase);
        let words = |kind: usize, v: usize| words(record, kind, v);
        // SAFETY: a record ends with four vectors each of biases, multipliers and shifts.
        let factors = unsafe {
            [
                Factor::load(words(1, 0), words(2, 0)),
                Factor::load(words(1, 1), words(2, 1)),
                Factor::load(words(1, 2), words(2, 2)),
                Factor::load(words(1, 3), words(2, 3)),
            ]
        };
        let mut index = 0;
        while index < plan.count {
            let offset = phase * 64 + index * plan.step;
            // SAFETY: the chunks are the row's; `lanes` bytes of each are inside of the output row.
            unsafe {
                let target = out.add(phase * 64 + index * plan.pitch);
                let mask = u64::MAX >> (64 - plan.lanes(phase, index));
                if plan.pairs && index + 1 < plan.count {
                    let [left, right] = sums::<2>(plan, record, offset);
                    let left = interleaved_bytes(requantize_all(&factors, left), clamp);
                    _mm512_mask_storeu_epi8(target.cast(), mask, left);
                    let right = interleaved_bytes(requantize_all(&factors, right), clamp);
                    _mm512_mask_storeu_epi8(target.add(plan.pitch).cast(), mask, right);
                    index += 2;
                } else {
                    let [acc] = sums::<1>(plan, record, offset);
                    let y = interleaved_bytes(requantize_all(&factors, acc), clamp);
                    _mm512_mask_storeu_epi8(target.cast(), mask, y);
                    index += 1;
                }
            }
        }
    }
}

/// Sums of the chunk at `offset` of the lines, and of its right neighbour if `N` is 2: vector `v` holds bytes
/// `4v ..= 4v+3` of each 16.
///
/// # Safety
/// The chunks are the row's; the processor has AVX-512 F, BW and VNNI.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn sums<const N: usize>(
    plan: &ChunkPlan,
    record: *const u8,
    offset: usize,
) -> [[__m512i; 4]; N] {
    // SAFETY: a record holds what is read here; the lines reach to the last tap of the last chunk.
    let load = |from: *const u8| unsafe { _mm512_loadu_si512(from.cast()) };
    let bias = |v: usize| load(record.wrapping_add(WORDS + v * 64));
    let mut acc = [[bias(0), bias(1), bias(2), bias(3)]; N];
    for (line, x) in plan.lines.iter().enumerate() {
        let tap = |tap: usize| load(x.wrapping_add(offset + tap * plan.channels));
        let fourth = if N == 2 {
            tap(3)
        } else {
            _mm512_setzero_si512()
        };
        let taps = transpose([tap(0), tap(1), tap(2), fourth]);
        for v in 0..4 {
            for (n, acc) in acc.iter_mut().enumerate() {
                let w = load(record.wrapping_add(((n * 3 + line) * 4 + v) * 64));
                acc[v] = _mm512_dpbusd_epi32(acc[v], taps[v], w);
            }
        }
    }
    acc
}

/// Spelled out, because closures do not become part of a function with features of its own.
#[inline]
#[target_feature(enable = "avx512f")]
fn requantize_all(factors: &[Factor; 4], acc: [__m512i; 4]) -> [__m512i; 4] {
    [
        factors[0].requantize(acc[0]),
        factors[1].requantize(acc[1]),
        factors[2].requantize(acc[2]),
        factors[3].requantize(acc[3]),
    ]
}

/// The sums of a chunk in the order of its bytes.
#[inline]
#[target_feature(enable = "avx512f")]
fn in_order(acc: [__m512i; 4]) -> [i32; 64] {
    let mut sums = [0; 64];
    for (v, acc) in acc.into_iter().enumerate() {
        let mut part = [0_i32; 16];
        // SAFETY: 16 words are 64 bytes.
        unsafe { _mm512_storeu_si512(part.as_mut_ptr().cast(), acc) };
        for (quarter, four) in part.as_chunks::<4>().0.iter().enumerate() {
            sums[16 * quarter + 4 * v..][..4].copy_from_slice(four);
        }
    }
    sums
}

/// The four bytes at each place become neighbours: vector `v` holds places `4v ..= 4v+3` of each 16.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn transpose([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
    let low = [_mm512_unpacklo_epi8(a, b), _mm512_unpacklo_epi8(c, d)];
    let high = [_mm512_unpackhi_epi8(a, b), _mm512_unpackhi_epi8(c, d)];
    [
        _mm512_unpacklo_epi16(low[0], low[1]),
        _mm512_unpackhi_epi16(low[0], low[1]),
        _mm512_unpacklo_epi16(high[0], high[1]),
        _mm512_unpackhi_epi16(high[0], high[1]),
    ]
}
