//! AVX-VNNI, depthwise 3x3: as `vnni_depthwise`, in halves of 32 of the chunks' 64 output bytes.

use core::arch::x86_64::*;
use core::array::from_fn;

use super::super::{DepthRow, RowOutput};
use super::avx2_depthwise;
use super::avx2_epilogue::{Half, interleaved_bytes};
use super::depthwise_chunks::{ChunkPlan, words};
use crate::quant::Clamp;

/// Output bytes that are computed together.
const HALF: usize = 32;

/// One output row of a depthwise convolution.
pub(crate) fn depthwise(row: &DepthRow<'_>, sink: RowOutput<'_>) {
    if row.lines.len() != 3 {
        return avx2_depthwise::depthwise(row, sink); // one tap: nothing to bring together
    }
    let plan = ChunkPlan::new(row);
    match sink {
        RowOutput::Bytes {
            out,
            clamp,
            narrow: true,
        } => {
            assert!(out.len() >= plan.total, "a row of a tensor has this length");
            // SAFETY: this kernel is chosen only where the processor has the features; `plan` was measured against the lines
            // and the records, and the output row was just measured.
            unsafe { to_bytes(&plan, out.as_mut_ptr(), clamp) };
        }
        // SAFETY: as above; the plan asks for its own chunks.
        rare => plan.scalar_epilogue(row, rare, |record, offset| unsafe {
            in_order(&plan, record, offset)
        }),
    }
}

/// # Safety
/// The processor has AVX-VNNI; `out` has room for the row.
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn to_bytes(plan: &ChunkPlan, out: *mut u8, clamp: Clamp) {
    for phase in 0..plan.phases {
        for half in 0..2 {
            // SAFETY: as this function demands.
            unsafe { half_to_bytes(plan, phase, half, out, clamp) };
        }
    }
}

/// The first or second half of all chunks of a phase.
///
/// # Safety
/// As [`to_bytes`].
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn half_to_bytes(plan: &ChunkPlan, phase: usize, half: usize, out: *mut u8, clamp: Clamp) {
    let record = plan.record(phase).wrapping_add(half * HALF);
    // SAFETY: a record ends with four vectors each of biases, multipliers and shifts.
    let factors: [Half; 4] =
        from_fn(|v| unsafe { Half::load([0, 1, 2].map(|kind| words(record, kind, v))) });
    let first = phase * 64 + half * HALF;
    let mut index = 0;
    while index < plan.count {
        let lanes = plan
            .lanes(phase, index)
            .saturating_sub(half * HALF)
            .min(HALF);
        if lanes == 0 {
            return;
        }
        let offset = first + index * plan.step;
        // SAFETY: the chunks are the row's; `lanes` bytes of each are inside of the output row.
        unsafe {
            let target = out.add(first + index * plan.pitch);
            if plan.pairs && index + 1 < plan.count {
                let [left, right] = sums::<2>(plan, &factors, record, offset);
                put(
                    target,
                    lanes,
                    interleaved_bytes(requantize(&factors, left), clamp),
                );
                let target = target.add(plan.pitch);
                put(
                    target,
                    lanes,
                    interleaved_bytes(requantize(&factors, right), clamp),
                );
                index += 2;
            } else {
                let [acc] = sums::<1>(plan, &factors, record, offset);
                put(
                    target,
                    lanes,
                    interleaved_bytes(requantize(&factors, acc), clamp),
                );
                index += 1;
            }
        }
    }
}

/// Sums of half a chunk at `offset` of the lines, and of its right neighbour if `N` is 2: vector `v` holds bytes
/// `4v ..= 4v+3` of each 16.
///
/// # Safety
/// The chunks are the row's, `record` begins their half; the processor has AVX-VNNI.
#[inline]
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn sums<const N: usize>(
    plan: &ChunkPlan,
    factors: &[Half; 4],
    record: *const u8,
    offset: usize,
) -> [[__m256i; 4]; N] {
    // SAFETY: a record holds what is read here; the lines reach to the last tap of the last chunk.
    let load = |from: *const u8| unsafe { _mm256_loadu_si256(from.cast()) };
    let mut acc: [[__m256i; 4]; N] = [from_fn(|v| factors[v].bias()); N];
    for (line, x) in plan.lines.iter().enumerate() {
        let tap = |tap: usize| load(x.wrapping_add(offset + tap * plan.channels));
        let fourth = if N == 2 {
            tap(3)
        } else {
            _mm256_setzero_si256()
        };
        let taps = transpose([tap(0), tap(1), tap(2), fourth]);
        for v in 0..4 {
            for (n, acc) in acc.iter_mut().enumerate() {
                let w = load(record.wrapping_add(((n * 3 + line) * 4 + v) * 64));
                acc[v] = _mm256_dpbusd_avx_epi32(acc[v], taps[v], w);
            }
        }
    }
    acc
}

#[inline]
#[target_feature(enable = "avx2")]
fn requantize(factors: &[Half; 4], acc: [__m256i; 4]) -> [__m256i; 4] {
    [
        factors[0].requantize(acc[0]),
        factors[1].requantize(acc[1]),
        factors[2].requantize(acc[2]),
        factors[3].requantize(acc[3]),
    ]
}

/// # Safety
/// The output row has room for `lanes` more bytes at `target`, 32 at most.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn put(target: *mut u8, lanes: usize, bytes: __m256i) {
    // SAFETY: as this function demands; `whole` has 32 bytes.
    unsafe {
        if lanes == HALF {
            _mm256_storeu_si256(target.cast(), bytes);
        } else {
            let mut whole = [0_u8; HALF];
            _mm256_storeu_si256(whole.as_mut_ptr().cast(), bytes);
            whole.as_ptr().copy_to_nonoverlapping(target, lanes);
        }
    }
}

/// The sums of a whole chunk in the order of its bytes.
///
/// # Safety
/// The chunk is the row's; the processor has AVX-VNNI.
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn in_order(plan: &ChunkPlan, record: *const u8, offset: usize) -> [i32; 64] {
    let mut all = [0; 64];
    for half in 0..2 {
        let record = record.wrapping_add(half * HALF);
        // SAFETY: as this function demands; a record ends with its words.
        let [acc] = unsafe {
            let factors = from_fn(|v| Half::load([0, 1, 2].map(|kind| words(record, kind, v))));
            sums::<1>(plan, &factors, record, offset + half * HALF)
        };
        for (v, acc) in acc.into_iter().enumerate() {
            let mut part = [0_i32; 8];
            // SAFETY: eight words are 32 bytes.
            unsafe { _mm256_storeu_si256(part.as_mut_ptr().cast(), acc) };
            for (quarter, four) in part.as_chunks::<4>().0.iter().enumerate() {
                all[half * HALF + 16 * quarter + 4 * v..][..4].copy_from_slice(four);
            }
        }
    }
    all
}

/// The four bytes at each place become neighbours: vector `v` holds places `4v ..= 4v+3` of each 16.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose([a, b, c, d]: [__m256i; 4]) -> [__m256i; 4] {
    let low = [_mm256_unpacklo_epi8(a, b), _mm256_unpacklo_epi8(c, d)];
    let high = [_mm256_unpackhi_epi8(a, b), _mm256_unpackhi_epi8(c, d)];
    [
        _mm256_unpacklo_epi16(low[0], low[1]),
        _mm256_unpackhi_epi16(low[0], low[1]),
        _mm256_unpacklo_epi16(high[0], high[1]),
        _mm256_unpackhi_epi16(high[0], high[1]),
    ]
}
