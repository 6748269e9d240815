//! Upsample by 2, nearest: `y[r][c] = x[r/2][c/2]`.

use crate::tensor::{TensorView, TensorViewMut};

/// Each pixel four times.
pub(crate) fn run(x: TensorView<'_>, y: &mut TensorViewMut<'_>) {
    let channels = x.shape.channels;
    for r in 0..y.shape.rows {
        let pixels = x.row(r / 2).chunks_exact(channels);
        for (pair, pixel) in y.row(r).chunks_exact_mut(2 * channels).zip(pixels) {
            let (left, right) = pair.split_at_mut(channels);
            left.copy_from_slice(pixel);
            right.copy_from_slice(pixel);
        }
    }
}
