//! Sum of two tensors of one shape.

use crate::kernel::{AddRow, Kernel};
use crate::quant::Clamp;
use crate::tensor::{TensorView, TensorViewMut};

/// Adds row by row.
pub(crate) fn run(
    kernel: Kernel,
    (ma, mb, s): (i32, i32, u32),
    clamp: Clamp,
    a: TensorView<'_>,
    b: TensorView<'_>,
    y: &mut TensorViewMut<'_>,
) {
    let row = AddRow {
        ma,
        mb,
        s,
        za: a.zero,
        zb: b.zero,
        clamp,
    };
    for r in 0..y.shape.rows {
        kernel.add(&row, a.row(r), b.row(r), y.row(r));
    }
}
