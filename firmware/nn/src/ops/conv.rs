//! Convolutions, full and depthwise, kernel 1 or 3, stride 1 or 2.

use core::ops::Range;

use super::OpOutput;
use crate::kernel::pack::Packed;
use crate::kernel::{DepthRow, Kernel, Row, RowOutput, scalar};
use crate::quant::OutputStage;
use crate::record::Conv;
use crate::tensor::{Shape, TensorView};

/// `y = conv(x)`; `shape` is the output's.
pub(crate) fn run(
    kernel: Kernel,
    conv: &Conv<'_>,
    packed: Packed<'_>,
    x: TensorView<'_>,
    shape: Shape,
    y: &mut OpOutput<'_>,
) {
    match (kernel, y) {
        (Kernel::Scalar, OpOutput::Raw(out)) => scalar::conv_raw(conv, x, shape, out),
        (Kernel::Scalar, OpOutput::Map(map)) => scalar::conv(conv, x, map),
        (_, y) => rows(kernel, conv, packed, x, shape, y),
    }
}

fn rows(
    kernel: Kernel,
    conv: &Conv<'_>,
    packed: Packed<'_>,
    x: TensorView<'_>,
    shape: Shape,
    y: &mut OpOutput<'_>,
) {
    let per_row = shape.columns * shape.channels;
    let step = conv.stride * x.shape.channels;
    for r in 0..shape.rows {
        let lines = lines(conv, x, r);
        let lines = &lines[..conv.kernel];
        let sink = sink(conv, y, r, per_row);
        if conv.depthwise {
            let row = DepthRow {
                lines,
                step,
                pixels: shape.columns,
                channels: shape.channels,
                weights: conv.weights,
                packed,
            };
            kernel.depthwise(&row, sink);
        } else {
            let inside = inside(conv, x, r);
            let row = Row {
                lines: &lines[inside.clone()],
                above: inside.start,
                kernel: conv.kernel,
                step,
                run: conv.kernel * x.shape.channels,
                pixels: shape.columns,
                outputs: shape.channels,
                packed,
            };
            kernel.conv(&row, sink);
        }
    }
}

/// Which of the kernel's lines lie in the picture for output row `r`. Lines of the border count as inside, unless its
/// bytes are 0 to the kernel: then they add nothing to any sum.
fn inside(conv: &Conv<'_>, x: TensorView<'_>, r: usize) -> Range<usize> {
    if conv.kernel == 1 || x.zero != x.offset {
        return 0..conv.kernel;
    }
    let first = r * conv.stride; // of the bordered picture's lines; the picture's are 1 ..= rows
    usize::from(first == 0)..conv.kernel.min(x.shape.rows + 1 - first)
}

/// The input lines under the kernel for output row `r`, from the first tap of the first pixel on.
fn lines<'a>(conv: &Conv<'_>, x: TensorView<'a>, r: usize) -> [&'a [u8]; 3] {
    // A tensor may have a border that this operator does not need.
    let inset = x.border - (conv.kernel - 1) / 2;
    core::array::from_fn(|line| {
        if line < conv.kernel {
            x.from(r * conv.stride + line + inset, inset)
        } else {
            &[] as &[u8]
        }
    })
}

/// Where row `r` of the output goes.
fn sink<'a>(conv: &Conv<'_>, y: &'a mut OpOutput<'_>, r: usize, per_row: usize) -> RowOutput<'a> {
    match (y, conv.tail) {
        (OpOutput::Raw(out), _) => RowOutput::Raw(&mut out[r * per_row..][..per_row]),
        (OpOutput::Map(map), OutputStage::Bytes { clamp, narrow, .. }) => RowOutput::Bytes {
            out: map.row(r),
            clamp,
            narrow,
        },
        (OpOutput::Map(_), OutputStage::Raw { .. }) => RowOutput::Raw(&mut []),
    }
}
