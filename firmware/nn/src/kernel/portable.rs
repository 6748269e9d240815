//! Safe Rust in loops of fixed length over 16 outputs, which compilers turn into vector instructions (SSE2, NEON).

use super::{BLOCK, DepthRow, Row, Sink};

/// Output pixels per tile: each weight that is loaded serves them all.
const TILE: usize = 4;

/// One output row of a full convolution.
pub(crate) fn conv(row: &Row<'_>, mut sink: Sink<'_>) {
    for block in 0..row.blocks() {
        let mut pixel = 0;
        while pixel + TILE <= row.pixels {
            tile::<TILE>(row, block, pixel, &mut sink);
            pixel += TILE;
        }
        for pixel in pixel..row.pixels {
            tile::<1>(row, block, pixel, &mut sink);
        }
    }
}

fn tile<const P: usize>(row: &Row<'_>, block: usize, pixel: usize, sink: &mut Sink<'_>) {
    let first = block * BLOCK;
    let bias: [i32; BLOCK] = core::array::from_fn(|lane| row.packed.bias.i32(first + lane));
    let mut acc = [bias; P];
    let per_line = row.run * BLOCK;
    for (index, line) in row.lines.iter().enumerate() {
        let weights =
            &row.packed.weights[(block * row.lines.len() + index) * per_line..][..per_line];
        let inputs: [&[u8]; P] =
            core::array::from_fn(|p| &line[(pixel + p) * row.step..][..row.run]);
        accumulate(&mut acc, inputs, weights.as_chunks().0);
    }
    let lanes = (row.outputs - first).min(BLOCK);
    for (p, acc) in acc.iter().enumerate() {
        let place = (pixel + p) * row.outputs + first;
        sink.put(place, &acc[..lanes], row.packed.m, row.packed.s, first);
    }
}

/// A byte times a weight fits 16 bits (255 * 127 < 2^15), and vector units multiply those best.
#[inline(always)]
fn accumulate<const P: usize>(
    acc: &mut [[i32; BLOCK]; P],
    inputs: [&[u8]; P],
    weights: &[[u8; BLOCK]],
) {
    for (k, weights) in weights.iter().enumerate() {
        let weights = weights.map(|weight| i16::from(weight.cast_signed()));
        for p in 0..P {
            let x = i16::from(inputs[p][k]);
            for lane in 0..BLOCK {
                acc[p][lane] = acc[p][lane].wrapping_add(i32::from(x.wrapping_mul(weights[lane])));
            }
        }
    }
}

/// One output row of a depthwise convolution.
#[inline(always)]
pub(crate) fn depthwise(row: &DepthRow<'_>, mut sink: Sink<'_>) {
    for pixel in 0..row.pixels {
        for first in (0..row.channels).step_by(BLOCK) {
            let lanes = (row.channels - first).min(BLOCK);
            let mut acc: [i32; BLOCK] =
                core::array::from_fn(|lane| row.packed.bias.i32(first + lane));
            let taps = row.lines.len();
            for tap in 0..taps * taps {
                let x =
                    &row.lines[tap / taps][pixel * row.step + tap % taps * row.channels + first..];
                let weights = &row.weights[tap * row.channels + first..];
                if let (Some(x), Some(weights)) = (x.first_chunk(), weights.first_chunk()) {
                    multiply::<BLOCK>(&mut acc, x, weights);
                } else {
                    for lane in 0..lanes {
                        let product = i32::from(x[lane]) * i32::from(weights[lane].cast_signed());
                        acc[lane] = acc[lane].wrapping_add(product);
                    }
                }
            }
            let place = pixel * row.channels + first;
            sink.put(place, &acc[..lanes], row.packed.m, row.packed.s, first);
        }
    }
}

#[inline(always)]
fn multiply<const N: usize>(acc: &mut [i32; N], x: &[u8; N], weights: &[u8; N]) {
    for lane in 0..N {
        let product = i16::from(x[lane]).wrapping_mul(i16::from(weights[lane].cast_signed()));
        acc[lane] = acc[lane].wrapping_add(i32::from(product));
    }
}
