//! Lays out depthwise 3x3 weights for dot products of four bytes: the three taps of a line together, in records of
//! 64 outputs, each with its outputs' words.

use super::Kernel;
use super::pack::{factor, folded_bias};
use crate::record::Conv;

/// Bytes of one record: `[2][line][4][16][4]` weights, first `w0 w1 w2 0`, then `0 w0 w1 w2` for the right neighbour;
/// then `[4][16]` words each of bias, multiplier and shift. Vector `v` of the four holds the outputs `4v ..= 4v+3` of
/// each 16, as unpacking bytes brings them.
pub(crate) const RECORD: usize = WORDS + 3 * 256;
/// Where a record's words begin.
pub(crate) const WORDS: usize = 2 * 3 * 256;

/// How depthwise outputs are cut into records.
#[derive(Clone, Copy)]
pub(crate) struct TapLayout {
    channels: usize,
    /// Whole pixels fill 64 bytes, so that one record serves the whole row.
    pub(crate) string: bool,
}

impl TapLayout {
    pub(crate) fn of(channels: usize, stride: usize) -> Self {
        let string = stride == 1 && 64 % channels == 0;
        Self { channels, string }
    }

    pub(crate) fn records(self) -> usize {
        self.channels.div_ceil(64)
    }

    /// The channel of output `lane` of a record, if there is one.
    fn channel(self, record: usize, lane: usize) -> Option<usize> {
        let o = if self.string {
            lane % self.channels
        } else {
            record * 64 + lane
        };
        (o < self.channels).then_some(o)
    }
}

/// Bytes of a depthwise convolution's records; 0 if the kernel reads its weights from the file.
pub(super) fn bytes(kernel: Kernel, conv: &Conv<'_>, channels: usize) -> usize {
    if matches!(kernel, Kernel::AvxVnni | Kernel::Vnni) && conv.kernel == 3 {
        TapLayout::of(channels, conv.stride).records() * RECORD
    } else {
        0
    }
}

/// Writes as many records as `memory` holds.
pub(super) fn fill(conv: &Conv<'_>, channels: usize, zero: u8, memory: &mut [u8]) {
    memory.fill(0);
    let form = TapLayout::of(channels, conv.stride);
    for (record, memory) in memory.as_chunks_mut::<RECORD>().0.iter_mut().enumerate() {
        for lane in 0..64 {
            // Vector, and place in it.
            let place = lane / 4 % 4 * 16 + lane / 16 * 4 + lane % 4;
            let mut word = |index: usize, bytes: [u8; 4]| {
                memory[(index * 64 + place) * 4..][..4].copy_from_slice(&bytes);
            };
            let o = form.channel(record, lane);
            if let Some(o) = o {
                for line in 0..3 {
                    let tap = |t: usize| conv.weights[(line * 3 + t) * channels + o];
                    word(line, [tap(0), tap(1), tap(2), 0]);
                    word(3 + line, [0, tap(0), tap(1), tap(2)]);
                }
                word(6, folded_bias(conv, o, channels, zero.into()));
            }
            word(7, factor(conv, o, 0));
            word(8, factor(conv, o, 1));
        }
    }
}
