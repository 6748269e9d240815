//! Global average pool: one value per channel.

use crate::quant::{Clamp, requantize};
use crate::tensor::{TensorView, TensorViewMut};

/// Channels summed together: as many as stay in registers.
const GROUP: usize = 16;

/// `clamp(zy + requantize(sum(x - zx), m, s), lo, hi)`; the factor holds `1 / (h * w)`.
pub(crate) fn run(m: i32, s: u32, clamp: Clamp, x: TensorView<'_>, y: &mut TensorViewMut<'_>) {
    let channels = x.shape.channels;
    // At most 2048 * 2048 * 255, see MAX_SIDE.
    let zeros = i32::from(x.zero) * (x.shape.rows * x.shape.columns) as i32;
    for (group, out) in y.row(0).chunks_mut(GROUP).enumerate() {
        let mut sums = [0_i32; GROUP];
        for r in 0..x.shape.rows {
            for pixel in x.row(r).chunks_exact(channels) {
                for (sum, &value) in sums.iter_mut().zip(&pixel[group * GROUP..]) {
                    *sum += i32::from(value ^ x.offset);
                }
            }
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = clamp.apply(requantize(sum - zeros, m, s)) ^ x.offset;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Shape;

    #[test]
    fn average_is_taken_above_the_zero_point() {
        let x = TensorView {
            data: &[10, 4, 21, 4],
            shape: Shape {
                rows: 2,
                columns: 1,
                channels: 2,
            },
            border: 0,
            zero: 4,
            offset: 0,
        };
        let mut data = [0; 2];
        let shape = Shape {
            rows: 1,
            columns: 1,
            channels: 2,
        };
        let mut y = TensorViewMut {
            data: &mut data,
            shape,
            border: 0,
            zero: 3,
            offset: 0,
        };
        let clamp = Clamp {
            zero: 3,
            lo: 0,
            hi: 255,
        };
        // A factor of 1/2: the mean of 6 and 17 is 11.5, rounded up; of 0 and 0 it is 0.
        run(1 << 30, 31, clamp, x, &mut y);
        assert_eq!(data, [15, 3]);
    }
}
