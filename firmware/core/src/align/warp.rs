//! Turns, scales and shifts a picture into a crop: bilinear samples, whole numbers from pixel to pixel.

use crate::{
    classify::{CROP_PX, Crop},
    frame::{Frame, PixelFormat, rgb_luma},
    geometry::{Point, Similarity},
};

/// Samples across a crop pixel at most; beyond 16 pixels of the picture a crop pixel they no longer touch each other.
const SAMPLES_LIMIT: u32 = 16;

/// Fills the crop with what the picture shows at the places that `back` leads to. Each crop pixel is the mean of
/// `n * n` samples about one pixel of the picture apart, then stretched to the full range; the border is repeated.
pub(super) fn warp(frame: &Frame<'_>, back: &Similarity, crop: &mut Crop) {
    // One copy of the loop for each layout: this is the crop's whole cost.
    match frame.format() {
        PixelFormat::Grey | PixelFormat::Nv12 | PixelFormat::I420 => {
            sample::<1>(frame, back, crop, |pixel| pixel[0]);
        }
        PixelFormat::Yuyv => sample::<2>(frame, back, crop, |pixel| pixel[0]),
        PixelFormat::Rgb => sample::<3>(frame, back, crop, |&pixel| rgb_luma(pixel)),
    }
    for byte in crop {
        *byte = frame.range().stretch(*byte);
    }
}

/// `STEP` is the bytes of a pixel.
fn sample<const STEP: usize>(
    frame: &Frame<'_>,
    back: &Similarity,
    crop: &mut Crop,
    luma: impl Fn(&[u8; STEP]) -> u8,
) {
    let sampler = Sampler { frame, luma };
    let grid = Grid::new(back);
    if grid.is_inside(frame) {
        grid.fill(crop, |x, y| sampler.inside(x, y));
    } else {
        grid.fill(crop, |x, y| sampler.anywhere(x, y));
    }
}

/// Where the samples of a crop lie: `n * n` for each of its pixels.
struct Grid {
    back: Similarity,
    n: u32,
    spacing: f32,
}

impl Grid {
    fn new(back: &Similarity) -> Self {
        let n = (libm::ceilf(back.scale() - 1e-3) as u32).clamp(1, SAMPLES_LIMIT);
        Self {
            back: *back,
            n,
            spacing: 1.0 / n as f32,
        }
    }

    /// Whether all samples surely lie between four pixels of the picture.
    fn is_inside(&self, frame: &Frame<'_>) -> bool {
        // A hundredth is far more than all rounding, from the corners to the sums of steps.
        let (least, x_most, y_most) = (
            0.51,
            frame.width_px() as f32 - 0.51,
            frame.height_px() as f32 - 0.51,
        );
        let side = CROP_PX as f32;
        let corners = [(0.0, 0.0), (side, 0.0), (0.0, side), (side, side)];
        corners.into_iter().all(|(x, y)| {
            let p = self.back.apply(Point::new(x, y));
            (least..x_most).contains(&p.x) && (least..y_most).contains(&p.y)
        })
    }

    /// `at` gives the luma at a place, times 2^16.
    fn fill(&self, crop: &mut Crop, at: impl Fn(i64, i64) -> u32) {
        let Self { back, n, spacing } = *self;
        let (step_x, step_y) = (fixed(back.a * spacing), fixed(back.b * spacing));
        let parts = (n * n) << 16;
        for (y, row) in crop.chunks_exact_mut(CROP_PX).enumerate() {
            let mut sums = [parts / 2; CROP_PX];
            for i in 0..n {
                let v = y as f32 + (i as f32 + 0.5) * spacing;
                let start = back.apply(Point::new(0.5 * spacing, v)) - Point::new(0.5, 0.5);
                let (mut x, mut y) = (fixed(start.x), fixed(start.y));
                for sum in &mut sums {
                    for _ in 0..n {
                        *sum += at(x, y);
                        x += step_x;
                        y += step_y;
                    }
                }
            }
            for (byte, sum) in row.iter_mut().zip(sums) {
                *byte = (sum / parts) as u8;
            }
        }
    }
}

/// Pixels with 32 binary places, so that hundreds of steps add up without drift. Cut far outside of any frame, where
/// all is border and sums cannot overflow.
fn fixed(px: f32) -> i64 {
    (px.clamp(-1e6, 1e6) * 4_294_967_296.0) as i64
}

/// Bilinear samples of a picture, at places counted from the first pixel's centre, times 2^16.
struct Sampler<'a, const STEP: usize, F> {
    frame: &'a Frame<'a>,
    luma: F,
}

impl<const STEP: usize, F: Fn(&[u8; STEP]) -> u8> Sampler<'_, STEP, F> {
    /// At any place; the picture repeats its border. The truth.
    fn anywhere(&self, x: i64, y: i64) -> u32 {
        let (last_x, last_y) = (self.frame.width_px() - 1, self.frame.height_px() - 1);
        let [x0, x1] = [x >> 32, (x >> 32) + 1].map(|x| x.clamp(0, last_x.into()) as usize);
        let [y0, y1] = [y >> 32, (y >> 32) + 1].map(|y| y.clamp(0, last_y.into()) as usize);
        let row = |y: usize| [x0, x1].map(|x| self.pixel(y * self.frame.stride() + x * STEP));
        mix(row(y0), row(y1), x, y)
    }

    /// At a place between four pixels.
    fn inside(&self, x: i64, y: i64) -> u32 {
        let at = (y >> 32) as usize * self.frame.stride() + (x >> 32) as usize * STEP;
        // One check for all four.
        let (reach, data) = (self.frame.stride() + 2 * STEP, self.frame.data());
        let Some(four) = data.get(at..at + reach) else {
            return 0;
        };
        let (upper, lower) = (
            four.as_chunks::<STEP>().0,
            four[self.frame.stride()..].as_chunks::<STEP>().0,
        );
        let row = |pixels: &[[u8; STEP]]| match pixels {
            [left, right, ..] => [left, right].map(|pixel| u32::from((self.luma)(pixel))),
            _ => [0; 2],
        };
        mix(row(upper), row(lower), x, y)
    }

    fn pixel(&self, at: usize) -> u32 {
        let bytes = self.frame.data()[at..].first_chunk::<STEP>();
        u32::from(bytes.map_or(0, &self.luma))
    }
}

/// The mean of four pixels by the next eight binary places.
fn mix(upper: [u32; 2], lower: [u32; 2], x: i64, y: i64) -> u32 {
    let [right, below] = [x, y].map(|v| (v >> 24 & 0xff) as i32);
    // The same as `a * (256 - right) + b * right`, with one multiplication less.
    let across = |[a, b]: [u32; 2]| {
        let (a, b) = (a as i32, b as i32);
        (a << 8) + (b - a) * right
    };
    let (above, under) = (across(upper), across(lower));
    // Between 0 and 255 times 2^16.
    ((above << 8) + (under - above) * below) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Millis;
    use proptest::prelude::*;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn inside_equals_anywhere(
            scale in 0.3..3.0_f32, angle in -3.1..3.1_f32, x in 0.0..220.0_f32, y in 0.0..160.0_f32, format in 0..3_usize,
        ) {
            let bytes: Vec<u8> = (0..220 * 160 * 3).map(|i| (i * 31 % 253) as u8).collect();
            let format = [PixelFormat::Grey, PixelFormat::Yuyv, PixelFormat::Rgb][format];
            let frame = Frame::packed(&bytes, format, (220, 160), Millis(0)).unwrap();
            let back = Similarity { a: scale * angle.cos(), b: scale * angle.sin(), tx: x, ty: y };
            let grid = Grid::new(&back);
            prop_assume!(grid.is_inside(&frame));
            let crops = match format {
                PixelFormat::Rgb => both::<3>(&grid, &frame, |&pixel| rgb_luma(pixel)),
                PixelFormat::Yuyv => both::<2>(&grid, &frame, |pixel| pixel[0]),
                _ => both::<1>(&grid, &frame, |pixel| pixel[0]),
            };
            prop_assert!(crops[0] == crops[1]);
        }
    }

    fn both<const STEP: usize>(
        grid: &Grid,
        frame: &Frame<'_>,
        luma: impl Fn(&[u8; STEP]) -> u8,
    ) -> [Crop; 2] {
        let sampler = Sampler { frame, luma };
        let mut crops = [[0; CROP_PX * CROP_PX]; 2];
        grid.fill(&mut crops[0], |x, y| sampler.inside(x, y));
        grid.fill(&mut crops[1], |x, y| sampler.anywhere(x, y));
        crops
    }
}
