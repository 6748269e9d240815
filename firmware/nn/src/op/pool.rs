//! Max pool 2x2, stride 2: an odd last row or column is dropped.

use crate::tensor::{Map, MapMut};

/// The largest byte of each 2x2 square, per channel.
pub(crate) fn run(x: Map<'_>, y: &mut MapMut<'_>) {
    let channels = x.shape.channels;
    for r in 0..y.shape.rows {
        let squares = x
            .row(2 * r)
            .chunks_exact(2 * channels)
            .zip(x.row(2 * r + 1).chunks_exact(2 * channels));
        for (y, (above, below)) in y.row(r).chunks_exact_mut(channels).zip(squares) {
            let (a, b) = above.split_at(channels);
            let (c, d) = below.split_at(channels);
            for ((((y, &a), &b), &c), &d) in y.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *y = a.max(b).max(c.max(d));
            }
        }
    }
}
