//! The plain loops of `ARITHMETIC.md`, on the weights as they are in the file. Slow, obvious, and the reference for all
//! other kernels: it tests borders instead of trusting them, and subtracts zero points instead of folding them.

use super::AddRow;
use crate::quant::{OutputStage, requantize};
use crate::record::Conv;
use crate::tensor::{Shape, TensorView};

/// A full or depthwise convolution; `write(index, accumulator)` gets every value in the output's order.
fn accumulate(conv: &Conv<'_>, x: TensorView<'_>, shape: Shape, mut write: impl FnMut(usize, i32)) {
    let mut index = 0;
    for row in 0..shape.rows {
        for column in 0..shape.columns {
            for o in 0..shape.channels {
                write(index, conv.bias.i32(o) + dot(conv, x, (row, column), o));
                index += 1;
            }
        }
    }
}

fn dot(conv: &Conv<'_>, x: TensorView<'_>, (row, column): (usize, usize), o: usize) -> i32 {
    let (kernel, inputs) = (conv.kernel, x.shape.channels);
    let padding = (kernel - 1) / 2;
    let mut sum = 0;
    for tap in 0..kernel * kernel {
        let r = (row * conv.stride + tap / kernel)
            .checked_sub(padding)
            .filter(|&r| r < x.shape.rows);
        let c = (column * conv.stride + tap % kernel)
            .checked_sub(padding)
            .filter(|&c| c < x.shape.columns);
        let (Some(r), Some(c)) = (r, c) else { continue };
        let pixel = &x.row(r)[c * inputs..][..inputs];
        let term = |value: u8, weight: u8| {
            (i32::from(value) - i32::from(x.zero)) * i32::from(weight.cast_signed())
        };
        if conv.depthwise {
            sum += term(pixel[o], conv.weights[tap * inputs + o]);
        } else {
            let weights = &conv.weights[(o * kernel * kernel + tap) * inputs..][..inputs];
            sum += pixel
                .iter()
                .zip(weights)
                .map(|(&value, &weight)| term(value, weight))
                .sum::<i32>();
        }
    }
    sum
}

/// Raw: the accumulators as they are.
pub(crate) fn conv_raw(conv: &Conv<'_>, x: TensorView<'_>, shape: Shape, out: &mut [i32]) {
    accumulate(conv, x, shape, |index, acc| out[index] = acc);
}

/// Requantized; `out(row)` is the row to write.
pub(crate) fn conv(conv: &Conv<'_>, x: TensorView<'_>, y: &mut crate::tensor::TensorViewMut<'_>) {
    let OutputStage::Bytes { m, s, clamp, .. } = conv.tail else {
        return;
    };
    let shape = y.shape;
    let per_row = shape.columns * shape.channels;
    accumulate(conv, x, shape, |index, acc| {
        let o = index % shape.channels;
        y.row(index / per_row)[index % per_row] = clamp.apply(requantize(acc, m.i32(o), s.u32(o)));
    });
}

/// The sum of two rows.
pub(crate) fn add(row: &AddRow, a: &[u8], b: &[u8], y: &mut [u8]) {
    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        let (a, b) = (
            i32::from(a) - i32::from(row.za),
            i32::from(b) - i32::from(row.zb),
        );
        let sum = (a * row.ma + b * row.mb + (1 << (row.s - 1))) >> row.s;
        *y = row.clamp.apply(i64::from(sum));
    }
}
