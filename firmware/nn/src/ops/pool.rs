//! Max pool 2x2, stride 2: an odd last row or column is dropped.

use crate::tensor::{TensorView, TensorViewMut};

/// Values compared together.
const LANES: usize = 16;

/// The largest value of each 2x2 square, per channel.
pub(crate) fn run(x: TensorView<'_>, y: &mut TensorViewMut<'_>) {
    match x.offset {
        0 => squares(x, y, u8::max),
        _ => squares(x, y, |a, b| {
            a.cast_signed().max(b.cast_signed()).cast_unsigned()
        }),
    }
}

fn squares(x: TensorView<'_>, y: &mut TensorViewMut<'_>, max: impl Fn(u8, u8) -> u8) {
    let channels = x.shape.channels;
    for r in 0..y.shape.rows {
        let squares = x
            .row(2 * r)
            .chunks_exact(2 * channels)
            .zip(x.row(2 * r + 1).chunks_exact(2 * channels));
        for (y, (above, below)) in y.row(r).chunks_exact_mut(channels).zip(squares) {
            largest(y, above.split_at(channels), below.split_at(channels), &max);
        }
    }
}

/// The largest of four, value by value; 16 at a time, because compilers know what to do with loops of fixed length.
fn largest(
    y: &mut [u8],
    (a, b): (&[u8], &[u8]),
    (c, d): (&[u8], &[u8]),
    max: &impl Fn(u8, u8) -> u8,
) {
    let most = |[a, b, c, d]: [u8; 4]| max(max(a, b), max(c, d));
    let (chunks, rest) = y.as_chunks_mut::<LANES>();
    let [(a, last_a), (b, last_b), (c, last_c), (d, last_d)] =
        [a, b, c, d].map(<[u8]>::as_chunks::<LANES>);
    for (y, (((a, b), c), d)) in chunks.iter_mut().zip(a.iter().zip(b).zip(c).zip(d)) {
        *y = core::array::from_fn(|i| most([a[i], b[i], c[i], d[i]]));
    }
    for (y, (((&a, &b), &c), &d)) in rest
        .iter_mut()
        .zip(last_a.iter().zip(last_b).zip(last_c).zip(last_d))
    {
        *y = most([a, b, c, d]);
    }
}
