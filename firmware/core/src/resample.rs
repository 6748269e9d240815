//! A frame's pixels at another size: area averages when it shrinks, bilinear when it grows. Whole numbers only, so
//! every machine gets the same bytes. Knows no aspect and no padding; that is [`crate::letterbox`]'s.

mod axis;
mod blocks;
mod colours;
mod columns;
#[cfg(test)]
mod tests;

use crate::{
    detect::Channels,
    frame::{Frame, PixelFormat, rgb_luma},
};
use axis::{Axis, Taps};

/// Writes all of `frame`, stretched to `size_px`, into rows of `row_bytes` bytes at the start of `out`.
///
/// `out` has at least `row_bytes * height` bytes and a row at least `width * channels`; what is right of the picture
/// stays as it is. What is stored is averaged; after that luma of a limited range
/// is stretched, and YUV made a colour.
pub(crate) fn resample(
    frame: &Frame<'_>,
    size_px: (u32, u32),
    channels: Channels,
    row_bytes: usize,
    out: &mut [u8],
) {
    let order = match channels {
        Channels::Grey => return luma(frame, size_px, row_bytes, out),
        Channels::Rgb => |rgb| rgb,
        Channels::Bgr => |[r, g, b]: [u8; 3]| [b, g, r],
    };
    let mut rows = out.chunks_exact_mut(row_bytes).take(size_px.1 as usize);
    if !colours::shrink(frame, size_px, order, &mut rows) {
        weighted_means(frame, size_px, rows, &Colour(frame, order));
    }
}

fn luma(frame: &Frame<'_>, size_px: (u32, u32), row_bytes: usize, out: &mut [u8]) {
    if quick_luma(frame, size_px, row_bytes, out) {
        return;
    }
    let rows = out.chunks_exact_mut(row_bytes).take(size_px.1 as usize);
    match frame.format() {
        PixelFormat::Rgb => weighted_means(frame, size_px, rows, &RgbLuma(frame)),
        _ => weighted_means(frame, size_px, rows, &Luma(frame)),
    }
}

/// The ways for what cameras send; each gives the bytes of [`weighted_means`]. Returns whether one of them could.
fn quick_luma(frame: &Frame<'_>, size_px: (u32, u32), row_bytes: usize, out: &mut [u8]) -> bool {
    let rows = out.chunks_exact_mut(row_bytes).take(size_px.1 as usize);
    let mut rows = rows.map(|row| &mut row[..size_px.0 as usize]);
    blocks::shrink(frame, size_px, &mut rows) || columns::shrink(frame, size_px, &mut rows)
}

/// The general way, and the truth: each output pixel is the weighted mean of the source pixels under it, rounded to nearest.
fn weighted_means<'a, const C: usize>(
    frame: &Frame<'_>,
    size_px: (u32, u32),
    rows: impl Iterator<Item = &'a mut [u8]>,
    source: &impl Source<C>,
) {
    let across = Axis::new(frame.width_px(), size_px.0);
    let down = Axis::new(frame.height_px(), size_px.1);
    let total = across.total() * down.total();
    for (y, row) in (0..).zip(rows) {
        let lines = down.taps(y);
        for (x, pixel) in (0..size_px.0).zip(row.chunks_exact_mut(C)) {
            let taps = across.taps(x);
            let mut sums = [total / 2; C];
            for line in lines.first..=lines.last {
                let weight = lines.weight(line);
                let sum = source.sum(line, &taps);
                for (total, part) in sums.iter_mut().zip(sum) {
                    *total += weight * part;
                }
            }
            // A weighted mean of bytes is a byte.
            let mean = sums.map(|sum| (sum / total) as u8);
            pixel.copy_from_slice(&source.finish(mean));
        }
    }
}

/// Where pixels of `C` bytes come from, a row at a time.
trait Source<const C: usize> {
    fn sum(&self, y: u32, taps: &Taps) -> [u64; C];

    /// A mean as it is to be shown.
    fn finish(&self, mean: [u8; C]) -> [u8; C] {
        mean
    }
}

/// The luma bytes of a format that has them, in the frame's range until they are averaged.
struct Luma<'a>(&'a Frame<'a>);

impl Source<1> for Luma<'_> {
    fn sum(&self, y: u32, taps: &Taps) -> [u64; 1] {
        match self.0.luma_row(y) {
            Some((row, 1)) => taps.sum(|x| [row[x]]),
            Some((row, step)) => taps.sum(|x| [row[x * step]]),
            None => [0],
        }
    }

    fn finish(&self, [mean]: [u8; 1]) -> [u8; 1] {
        [self.0.range().stretch(mean)]
    }
}

/// The luma of RGB pixels.
struct RgbLuma<'a>(&'a Frame<'a>);

impl Source<1> for RgbLuma<'_> {
    fn sum(&self, y: u32, taps: &Taps) -> [u64; 1] {
        let row = &self.0.data()[y as usize * self.0.stride()..];
        taps.sum(|x| [rgb_luma([row[3 * x], row[3 * x + 1], row[3 * x + 2]])])
    }
}

/// Three channels, in the order that the function gives them. What is stored is averaged, then made a colour.
struct Colour<'a, F>(&'a Frame<'a>, F);

impl<F: Fn([u8; 3]) -> [u8; 3]> Source<3> for Colour<'_, F> {
    fn sum(&self, y: u32, taps: &Taps) -> [u64; 3] {
        taps.sum(|x| self.0.stored(x, y as usize))
    }

    fn finish(&self, mean: [u8; 3]) -> [u8; 3] {
        (self.1)(self.0.rgb_of(mean))
    }
}
