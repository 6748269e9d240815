//! Global average pool: one value per channel.

use crate::quant::{Clamp, requantize};
use crate::tensor::{Map, MapMut};

/// Channels summed together: as many as stay in registers.
const GROUP: usize = 16;

/// `clamp(zy + requantize(sum(x - zx), m, s), lo, hi)`; the factor holds `1 / (h * w)`.
pub(crate) fn run(m: i32, s: u32, clamp: Clamp, x: Map<'_>, y: &mut MapMut<'_>) {
    let channels = x.shape.channels;
    // At most 2048 * 2048 * 255, see MAX_SIDE.
    let offset = i32::from(x.zero) * (x.shape.rows * x.shape.columns) as i32;
    for (group, y) in y.row(0).chunks_mut(GROUP).enumerate() {
        let mut sums = [0_i32; GROUP];
        for r in 0..x.shape.rows {
            for pixel in x.row(r).chunks_exact(channels) {
                for (sum, &value) in sums.iter_mut().zip(&pixel[group * GROUP..]) {
                    *sum += i32::from(value);
                }
            }
        }
        for (y, sum) in y.iter_mut().zip(sums) {
            *y = clamp.apply(requantize(sum - offset, m, s));
        }
    }
}
