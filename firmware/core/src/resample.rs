//! Resamples a frame: area averages when it shrinks, bilinear when it grows, each plane by itself. Whole numbers only,
//! so every machine gets the same bytes. Knows no aspect and no padding; [`crate::letterbox`] does.

mod axis;
mod blocks;
mod colours;
mod columns;
mod grow;
mod plane;
#[cfg(test)]
mod tests;

use crate::{
    detect::Channels,
    frame::{Frame, PixelFormat, rgb_luma},
};
use axis::{Axis, Taps};
use plane::Plane;

/// Writes all of `frame`, stretched to `size_px`, into rows of `row_bytes` bytes at the start of `out`.
///
/// `out` has at least `row_bytes * height` bytes and a row at least `width * channels`; what is right of the picture
/// stays as it is. Samples are averaged as they are stored; after that luma of a limited range is stretched, and YUV
/// made a colour.
pub(crate) fn resample(
    frame: &Frame<'_>,
    size_px: (u32, u32),
    channels: Channels,
    row_bytes: usize,
    out: &mut [u8],
) {
    match channels {
        Channels::Grey => luma(frame, size_px, row_bytes, out),
        Channels::Rgb => colours(frame, size_px, |rgb| rgb, row_bytes, out),
        Channels::Bgr => colours(frame, size_px, |[r, g, b]| [b, g, r], row_bytes, out),
    }
}

/// `order` is that of the channels in `out`, of red, green, blue.
fn colours(
    frame: &Frame<'_>,
    size_px: (u32, u32),
    order: impl Fn([u8; 3]) -> [u8; 3],
    row_bytes: usize,
    out: &mut [u8],
) {
    let (width, height) = (size_px.0 as usize, size_px.1 as usize);
    let mut rows = out.chunks_exact_mut(row_bytes).take(height);
    if colours::shrink(frame, size_px, &order, &mut rows) {
        return;
    }
    let Some(others) = Plane::others(frame) else {
        luma(frame, size_px, row_bytes, out);
        return spread(width, out.chunks_exact_mut(row_bytes).take(height));
    };
    let planes = [Plane::first(frame), others[0], others[1]];
    for (channel, plane) in planes.into_iter().enumerate() {
        let rows = out.chunks_exact_mut(row_bytes).take(height);
        let mut rows = rows.map(|row| &mut row[channel..3 * width]);
        let done = columns::shrink::<3>(plane, size_px, |mean| mean, &mut rows)
            || grow::grow::<3>(plane, size_px, |mean| mean, &mut rows);
        if !done {
            weighted_means::<3>(plane.size_px(), size_px, rows, &Samples(plane));
        }
    }
    for row in out.chunks_exact_mut(row_bytes).take(height) {
        for pixel in row.as_chunks_mut::<3>().0.iter_mut().take(width) {
            *pixel = order(frame.rgb_of(*pixel));
        }
    }
}

/// Rows that begin with `width` bytes of luma, as pixels of three equal channels.
fn spread<'a>(width: usize, rows: impl Iterator<Item = &'a mut [u8]>) {
    for row in rows {
        // From the end, so that no byte is written over before it is read.
        for x in (0..width).rev() {
            let luma = row[x];
            row[3 * x..][..3].fill(luma);
        }
    }
}

fn luma(frame: &Frame<'_>, size_px: (u32, u32), row_bytes: usize, out: &mut [u8]) {
    if quick_luma(frame, size_px, row_bytes, out) {
        return;
    }
    let from = (frame.width_px(), frame.height_px());
    let rows = out.chunks_exact_mut(row_bytes).take(size_px.1 as usize);
    let rows = rows.map(|row| &mut row[..size_px.0 as usize]);
    match frame.format() {
        PixelFormat::Rgb => weighted_means::<1>(from, size_px, rows, &RgbLuma(frame)),
        _ => weighted_means::<1>(from, size_px, rows, &Luma(frame)),
    }
}

/// How many times as large as `size_px` the frame is, if that is a whole number and the same in both directions.
fn whole_factor(frame: &Frame<'_>, size_px: (u32, u32)) -> Option<u32> {
    let factor = frame.width_px() / size_px.0;
    let whole = (size_px.0 * factor, size_px.1 * factor);
    (whole == (frame.width_px(), frame.height_px())).then_some(factor)
}

/// The ways for what cameras send; each gives the bytes of [`weighted_means`]. Returns whether one of them could.
fn quick_luma(frame: &Frame<'_>, size_px: (u32, u32), row_bytes: usize, out: &mut [u8]) -> bool {
    let rows = out.chunks_exact_mut(row_bytes).take(size_px.1 as usize);
    let mut rows = rows.map(|row| &mut row[..size_px.0 as usize]);
    let (range, plane) = (frame.range(), Plane::first(frame));
    blocks::shrink(frame, size_px, &mut rows)
        || (frame.format() != PixelFormat::Rgb
            && (columns::shrink::<1>(plane, size_px, |mean| range.stretch(mean), &mut rows)
                || grow::grow::<1>(plane, size_px, |mean| range.stretch(mean), &mut rows)))
}

/// The general way, and the truth: each output sample is the weighted mean of the source samples under it, rounded to
/// nearest; it is written to every `C`th byte of a row.
fn weighted_means<'a, const C: usize>(
    from_px: (u32, u32),
    size_px: (u32, u32),
    rows: impl Iterator<Item = &'a mut [u8]>,
    source: &impl RowSource,
) {
    let across = Axis::new(from_px.0, size_px.0);
    let down = Axis::new(from_px.1, size_px.1);
    let total = across.total() * down.total();
    for (y, row) in (0..).zip(rows) {
        let lines = down.taps(y);
        for (x, byte) in (0..size_px.0).zip(row.iter_mut().step_by(C)) {
            let taps = across.taps(x);
            let sum: u64 = (lines.first..=lines.last)
                .map(|line| lines.weight(line) * source.sum(line, &taps))
                .sum();
            // A weighted mean of bytes is a byte.
            *byte = source.finish(((sum + total / 2) / total) as u8);
        }
    }
}

/// Where samples come from, a row at a time.
trait RowSource {
    fn sum(&self, y: u32, taps: &Taps) -> u64;

    /// A mean as it is to be shown.
    fn finish(&self, mean: u8) -> u8 {
        mean
    }
}

/// A plane's samples as they are.
struct Samples<'a>(Plane<'a>);

impl RowSource for Samples<'_> {
    fn sum(&self, y: u32, taps: &Taps) -> u64 {
        let (row, step) = (self.0.from(0, y), self.0.step());
        taps.sum(|x| row[x * step])
    }
}

/// The luma bytes of a format that has them, in the frame's range until they are averaged.
struct Luma<'a>(&'a Frame<'a>);

impl RowSource for Luma<'_> {
    fn sum(&self, y: u32, taps: &Taps) -> u64 {
        Samples(Plane::first(self.0)).sum(y, taps)
    }

    fn finish(&self, mean: u8) -> u8 {
        self.0.range().stretch(mean)
    }
}

/// The luma of RGB pixels.
struct RgbLuma<'a>(&'a Frame<'a>);

impl RowSource for RgbLuma<'_> {
    fn sum(&self, y: u32, taps: &Taps) -> u64 {
        let row = &self.0.data()[y as usize * self.0.stride()..];
        taps.sum(|x| rgb_luma([row[3 * x], row[3 * x + 1], row[3 * x + 2]]))
    }
}
