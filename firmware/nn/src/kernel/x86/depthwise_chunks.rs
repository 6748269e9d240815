//! Cuts rows of depthwise 3x3 convolutions into chunks of 64 output bytes, for kernels with dot products of four bytes.
//!
//! Transposing serves twice where it can: the taps at columns 0, 1, 2, 3 hold those of two neighbouring pixels, and
//! the second pixel's weights are the first one's, moved by a tap (the record holds both).

use super::super::depthwise_weights::{RECORD, TapLayout, WORDS};
use super::super::{DepthRow, RowOutput};
use crate::quant::requantize;

/// How a row is cut into chunks of up to 64 output bytes. Where whole pixels fill 64 bytes, the row is one string of
/// bytes; otherwise each pixel has its own chunks, one for each 64 channels.
pub(super) struct ChunkPlan {
    pub(super) lines: [*const u8; 3],
    pub(super) records: *const u8,
    /// Chunks of one pixel, each with a record of its own.
    pub(super) phases: usize,
    /// Chunks along the row; bytes from one to the next in the input and in the output.
    pub(super) count: usize,
    pub(super) step: usize,
    pub(super) pitch: usize,
    /// Bytes from tap to tap.
    pub(super) channels: usize,
    /// Neighbours share transposed taps.
    pub(super) pairs: bool,
    /// Output bytes of the row, and of what the phases of one step cover.
    pub(super) total: usize,
    pub(super) width: usize,
}

impl ChunkPlan {
    pub(super) fn new(row: &DepthRow<'_>) -> Self {
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
            pairs: row.step == channels && (!form.string || channels == 64),
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

    /// Outputs of a chunk.
    pub(super) fn lanes(&self, phase: usize, index: usize) -> usize {
        let left = self.total - index * self.pitch - phase * 64;
        left.min(self.width - phase * 64).min(64)
    }

    /// Raw sums, or factors above 1/4: by the rule as it is written. `sums` are those of the chunk at an offset of the lines, by a
    /// record, in the order of its bytes.
    pub(super) fn scalar_epilogue(
        &self,
        row: &DepthRow<'_>,
        mut sink: RowOutput<'_>,
        sums: impl Fn(*const u8, usize) -> [i32; 64],
    ) {
        for phase in 0..self.phases {
            for index in 0..self.count {
                let sums = sums(self.record(phase), phase * 64 + index * self.step);
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

    /// The record of the chunks of a phase.
    pub(super) fn record(&self, phase: usize) -> *const u8 {
        self.records.wrapping_add(phase * RECORD)
    }
}

/// A vector of a record's words: `kind` 0 is the bias, 1 the multiplier, 2 the shift.
pub(super) fn words(record: *const u8, kind: usize, v: usize) -> *const u8 {
    record.wrapping_add(WORDS + kind * 256 + v * 64)
}
