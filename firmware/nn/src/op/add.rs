//! Sum of two tensors of one shape.

use crate::kernel::{AddRow, Kernel};
use crate::quant::Clamp;
use crate::tensor::{Map, MapMut};

/// Adds row by row.
pub(crate) fn run(
    kernel: Kernel,
    (ma, mb, s): (i32, i32, u32),
    clamp: Clamp,
    a: Map<'_>,
    b: Map<'_>,
    y: &mut MapMut<'_>,
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
