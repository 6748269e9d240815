//! Depthwise convolution: one filter per channel.

use super::Out;
use super::conv::{lines, sink};
use crate::kernel::pack::Packed;
use crate::kernel::{DepthRow, Kernel, scalar};
use crate::operator::Conv;
use crate::tensor::{Map, Shape};

/// `y = depthwise(x)`; `shape` is the output's.
pub(crate) fn run(
    kernel: Kernel,
    conv: &Conv<'_>,
    packed: Packed<'_>,
    x: Map<'_>,
    shape: Shape,
    y: &mut Out<'_>,
) {
    match (kernel, y) {
        (Kernel::Scalar, Out::Raw(out)) => scalar::conv_raw(conv, x, shape, out),
        (Kernel::Scalar, Out::Map(map)) => scalar::conv(conv, x, map),
        (_, y) => rows(kernel, conv, packed, x, shape, y),
    }
}

fn rows(
    kernel: Kernel,
    conv: &Conv<'_>,
    packed: Packed<'_>,
    x: Map<'_>,
    shape: Shape,
    y: &mut Out<'_>,
) {
    let per_row = shape.columns * shape.channels;
    for r in 0..shape.rows {
        let lines = lines(conv, x, r);
        let row = DepthRow {
            lines: &lines[..conv.kernel],
            step: conv.stride * x.shape.channels,
            pixels: shape.columns,
            channels: shape.channels,
            weights: conv.weights,
            packed,
        };
        kernel.depthwise(&row, sink(conv, y, r, per_row));
    }
}
