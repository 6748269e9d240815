//! AVX-512 with VNNI, depthwise 3x3: a byte transpose brings the three taps of a line together, and `vpdpbusd`
//! multiplies and adds them. Work goes by chunks of 64 output bytes.
//!
//! Transposing serves twice where it can: the taps at columns 0, 1, 2, 3 hold those of two neighbouring pixels, and
//! the second pixel's weights are the first one's, moved by a tap (the record holds both).

use core::arch::x86_64::*;

use super::super::depthwise_weights::{RECORD, TapLayout, WORDS};
use super::super::{DepthRow, RowOutput};
use super::avx2_depthwise;
use super::epilogue::{Factor, interleaved_bytes};
use crate::quant::{Clamp, requantize};

/// One output row of a depthwise convolution.
pub(crate) fn depthwise(row: &DepthRow<'_>, sink: RowOutput<'_>) {
    if row.lines.len() != 3 {
        return avx2_depthwise::depthwise(row, sink); // one tap: nothing to bring together
    }
    let walk = ChunkPlan::new(row);
    // SAFETY: this kernel is chosen only where the processor has the features; `walk` was measured against the
    // lines and the records, and the output row is measured here.
    unsafe {
        match sink {
            RowOutput::Bytes {
                out,
                clamp,
                narrow: true,
            } => {
                assert!(out.len() >= walk.total, "a row of a tensor has this length");
                walk.to_bytes(out.as_mut_ptr(), clamp);
            }
            rare => walk.scalar_epilogue(row, rare),
        }
    }
}

/// How a row is cut into chunks of up to 64 output bytes. Where whole pixels fill 64 bytes, the row is one string of
/// bytes; otherwise each pixel has its own chunks, one for each 64 channels.
struct ChunkPlan {
    lines: [*const u8; 3],
    records: *const u8,
    /// Chunks of one pixel, each with a record of its own.
    phases: usize,
    /// Chunks along the row; bytes from one to the next in the input and in the output.
    count: usize,
    step: usize,
    pitch: usize,
    /// Bytes from tap to tap.
    channels: usize,
    /// Neighbours share transposed taps.
    pairs: bool,
    /// Output bytes of the row, and of what the phases of one step cover.
    total: usize,
    width: usize,
}

impl ChunkPlan {
    fn new(row: &DepthRow<'_>) -> Self {
        let (channels, total) = (row.channels, row.pixels * row.channels);
        let form = TapLayout::of(channels, row.step / channels);
        let walk = Self {
            lines: [0, 1, 2].map(|line| row.lines[line].as_ptr()),
            records: row.packed.weights.as_ptr(),
            phases: form.records(),
            count: if form.string {
                total.div_ceil(64)
            } else {
                row.pixels
            },
            step: if form.string { 64 } else { row.step },
            pitch: if form.string { 64 } else { channels },
            channels,
            pairs: !form.string && row.step == channels,
            total,
            width: if form.string { 64 } else { channels },
        };
        let last = walk.count.saturating_sub(1) * walk.step + (walk.phases - 1) * 64;
        let reach = last + 2 * channels + 64;
        assert!(
            row.lines.iter().all(|line| line.len() >= reach),
            "tensors end with slack"
        );
        assert!(
            row.packed.weights.len() >= walk.phases * RECORD,
            "taps are packed in whole records"
        );
        walk
    }

    fn lanes(&self, phase: usize, index: usize) -> usize {
        let left = self.total - index * self.pitch - phase * 64;
        left.min(self.width - phase * 64).min(64)
    }

    /// # Safety
    /// The processor has AVX-512 F, BW, VL and VNNI; `out` has room for the row.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    unsafe fn to_bytes(&self, out: *mut u8, clamp: Clamp) {
        for phase in 0..self.phases {
            let record = self.records.wrapping_add(phase * RECORD);
            let words = |kind: usize, v: usize| record.wrapping_add(WORDS + kind * 256 + v * 64);
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
            while index < self.count {
                let offset = phase * 64 + index * self.step;
                // SAFETY: the chunks are the row's; `lanes` bytes of each are inside of the output row.
                unsafe {
                    let target = out.add(phase * 64 + index * self.pitch);
                    let mask = u64::MAX >> (64 - self.lanes(phase, index));
                    if self.pairs && index + 1 < self.count {
                        let [left, right] = self.sums::<2>(record, offset);
                        let left = interleaved_bytes(requantize_all(&factors, left), clamp);
                        _mm512_mask_storeu_epi8(target.cast(), mask, left);
                        let right = interleaved_bytes(requantize_all(&factors, right), clamp);
                        _mm512_mask_storeu_epi8(target.add(self.pitch).cast(), mask, right);
                        index += 2;
                    } else {
                        let [acc] = self.sums::<1>(record, offset);
                        let y = interleaved_bytes(requantize_all(&factors, acc), clamp);
                        _mm512_mask_storeu_epi8(target.cast(), mask, y);
                        index += 1;
                    }
                }
            }
        }
    }

    /// Raw sums, or factors above 1/4: by the rule as it is written.
    ///
    /// # Safety
    /// The processor has AVX-512 F, BW, VL and VNNI.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    unsafe fn scalar_epilogue(&self, row: &DepthRow<'_>, mut sink: RowOutput<'_>) {
        for phase in 0..self.phases {
            let record = self.records.wrapping_add(phase * RECORD);
            for index in 0..self.count {
                // SAFETY: the chunk is the row's.
                let [acc] = unsafe { self.sums::<1>(record, phase * 64 + index * self.step) };
                let sums = in_order(acc);
                let place = phase * 64 + index * self.pitch;
                let sums = &sums[..self.lanes(phase, index)];
                match &mut sink {
                    RowOutput::Raw(out) => out[place..][..sums.len()].copy_from_slice(sums),
                    RowOutput::Bytes { out, clamp, .. } => {
                        for (lane, &acc) in sums.iter().enumerate() {
                            let o = (place + lane) % self.channels;
                            let (m, s) = (row.packed.m.i32(o), row.packed.s.u32(o));
                            out[place + lane] = clamp.apply(requantize(acc, m, s));
                        }
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
    unsafe fn sums<const N: usize>(&self, record: *const u8, offset: usize) -> [[__m512i; 4]; N] {
        // SAFETY: a record holds what is read here; the lines reach to the last tap of the last chunk.
        let load = |from: *const u8| unsafe { _mm512_loadu_si512(from.cast()) };
        let bias = |v: usize| load(record.wrapping_add(WORDS + v * 64));
        let mut acc = [[bias(0), bias(1), bias(2), bias(3)]; N];
        for (line, x) in self.lines.iter().enumerate() {
            let tap = |tap: usize| load(x.wrapping_add(offset + tap * self.channels));
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
