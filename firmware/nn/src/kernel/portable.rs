//! Safe Rust in loops of fixed length over 16 outputs, which compilers turn into vector instructions (SSE2, NEON).

use core::array::from_fn;

use super::pack::Packed;
use super::{AddRow, BLOCK, DepthRow, Row, RowOutput};
use crate::quant::requantize;

/// Output pixels per tile: each weight that is loaded serves them all.
const TILE: usize = 4;

/// One output row of a full convolution.
pub(crate) fn conv(row: &Row<'_>, mut sink: RowOutput<'_>) {
    for index in 0..row.blocks() {
        let block = Block::new(row, index);
        let mut pixel = 0;
        while pixel + TILE <= row.pixels {
            block.tile::<TILE>(pixel, &mut sink);
            pixel += TILE;
        }
        for pixel in pixel..row.pixels {
            block.tile::<1>(pixel, &mut sink);
        }
    }
}

/// The constants of 16 outputs.
struct Block<'a> {
    row: &'a Row<'a>,
    weights: &'a [u8],
    words: BlockWords,
}

impl<'a> Block<'a> {
    fn new(row: &'a Row<'a>, index: usize) -> Self {
        let length = row.kernel * row.run * BLOCK;
        let weights = &row.packed.weights[index * length..][..length];
        Self {
            row,
            weights,
            words: BlockWords::load(row.packed, index * BLOCK, row.outputs),
        }
    }

    fn tile<const P: usize>(&self, pixel: usize, sink: &mut RowOutput<'_>) {
        let row = self.row;
        let mut acc = [self.words.bias; P];
        let lines = self.weights.chunks_exact(row.run * BLOCK).skip(row.above);
        for (line, weights) in row.lines.iter().zip(lines) {
            let start = |p| (pixel + p) * row.step;
            let inputs = from_fn(|p| &line[start(p)..][..row.run]);
            acc = accumulate(acc, inputs, weights.as_chunks().0);
        }
        for (p, acc) in acc.iter().enumerate() {
            self.words.put(sink, (pixel + p) * row.outputs, acc);
        }
    }
}

/// A byte times a weight fits 16 bits (255 * 127 < 2^15), and vector units multiply those best. The sums are taken
/// and given by value so that they stay in registers.
#[inline(always)]
fn accumulate<const P: usize>(
    mut acc: [[i32; BLOCK]; P],
    inputs: [&[u8]; P],
    weights: &[[u8; BLOCK]],
) -> [[i32; BLOCK]; P] {
    let inputs = inputs.map(|input| &input[..weights.len()]);
    for (k, weights) in weights.iter().enumerate() {
        let weights: [i16; BLOCK] = from_fn(|lane| i16::from(weights[lane].cast_signed()));
        for p in 0..P {
            let x = i16::from(inputs[p][k]);
            let products: [i16; BLOCK] = from_fn(|lane| x.wrapping_mul(weights[lane]));
            for lane in 0..BLOCK {
                acc[p][lane] = acc[p][lane].wrapping_add(i32::from(products[lane]));
            }
        }
    }
    acc
}

/// One output row of a depthwise convolution.
#[inline(always)]
pub(crate) fn depthwise(row: &DepthRow<'_>, mut sink: RowOutput<'_>) {
    for first in (0..row.channels).step_by(BLOCK) {
        let words = BlockWords::load(row.packed, first, row.channels);
        for pixel in 0..row.pixels {
            let acc = depth_sums(row, words.bias, pixel, first);
            words.put(&mut sink, pixel * row.channels, &acc);
        }
    }
}

/// Sums of all taps for the 16 channels from `first` on, or as many as there are.
#[inline(always)]
pub(crate) fn depth_sums(
    row: &DepthRow<'_>,
    mut acc: [i32; BLOCK],
    pixel: usize,
    first: usize,
) -> [i32; BLOCK] {
    for tap in 0..row.lines.len() * row.lines.len() {
        multiply(&mut acc, row, pixel, tap, first);
    }
    acc
}

/// Adds one tap's products for up to 16 channels.
#[inline(always)]
fn multiply(acc: &mut [i32; BLOCK], row: &DepthRow<'_>, pixel: usize, tap: usize, first: usize) {
    let taps = row.lines.len();
    let x = &row.lines[tap / taps][pixel * row.step + tap % taps * row.channels + first..];
    let weights = &row.weights[tap * row.channels + first..];
    let product =
        |x: u8, weight: u8| i32::from(i16::from(x).wrapping_mul(i16::from(weight.cast_signed())));
    if let (Some(x), Some(weights)) = (x.first_chunk::<BLOCK>(), weights.first_chunk::<BLOCK>()) {
        for lane in 0..BLOCK {
            acc[lane] = acc[lane].wrapping_add(product(x[lane], weights[lane]));
        }
    } else {
        for ((acc, &x), &weight) in acc.iter_mut().zip(x).zip(weights) {
            *acc = acc.wrapping_add(product(x, weight));
        }
    }
}

/// Bias, multipliers and shifts of up to 16 outputs.
struct BlockWords {
    first: usize,
    lanes: usize,
    bias: [i32; BLOCK],
    m: [i32; BLOCK],
    s: [u32; BLOCK],
}

impl BlockWords {
    #[inline(always)]
    fn load(packed: Packed<'_>, first: usize, outputs: usize) -> Self {
        Self {
            first,
            lanes: (outputs - first).min(BLOCK),
            bias: from_fn(|lane| packed.bias.i32(first + lane)),
            m: from_fn(|lane| packed.m.i32(first + lane)),
            s: from_fn(|lane| packed.s.u32(first + lane)),
        }
    }

    /// Stores finished accumulators of the pixel whose values begin at `pixel`.
    #[inline(always)]
    fn put(&self, sink: &mut RowOutput<'_>, pixel: usize, acc: &[i32; BLOCK]) {
        let place = pixel + self.first;
        match sink {
            RowOutput::Raw(out) => out[place..][..self.lanes].copy_from_slice(&acc[..self.lanes]),
            RowOutput::Bytes { out, clamp, .. } => {
                let bytes: [u8; BLOCK] =
                    from_fn(|lane| clamp.apply(requantize(acc[lane], self.m[lane], self.s[lane])));
                out[place..][..self.lanes].copy_from_slice(&bytes[..self.lanes]);
            }
        }
    }
}

/// `clamp(zy + (((a - za) * ma + (b - zb) * mb + 2^(s-1)) >> s), lo, hi)`: at most `2 * 255 * 2^22 + 2^19`, so
/// 32 bits are enough.
#[inline(always)]
pub(crate) fn add(row: &AddRow, a: &[u8], b: &[u8], y: &mut [u8]) {
    let constant = row.constant();
    let [zero, lo, hi] = [row.clamp.zero, row.clamp.lo, row.clamp.hi].map(i32::from);
    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        let sum = (i32::from(a) * row.ma)
            .wrapping_add(i32::from(b) * row.mb)
            .wrapping_add(constant);
        *y = (zero + (sum >> row.s)).clamp(lo, hi) as u8;
    }
}
