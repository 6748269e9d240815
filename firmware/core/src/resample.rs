//! Resamples a frame: area averages when it shrinks, bilinear when it grows, each plane by itself. Whole numbers only,
//! so every machine gets the same bytes. Knows no aspect and no padding; [`crate::letterbox`] does.

mod axis;
mod blocks;
mod colours;
mod columns;
mod grow;
mod halves;
mod plane;
mod reciprocal;
mod recolour;
mod same;
mod strips;
#[cfg(test)]
mod tests;
mod tile;

use crate::{
    detect::Channels,
    frame::{Frame, PixelFormat, rgb_luma},
};
use axis::{Axis, Taps};
use columns::Channel;
use plane::Plane;
use recolour::Recolour;

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
        Channels::Rgb | Channels::Bgr => colours(frame, size_px, channels, row_bytes, out),
    }
}

fn colours(
    frame: &Frame<'_>,
    size_px: (u32, u32),
    channels: Channels,
    row_bytes: usize,
    out: &mut [u8],
) {
    let (width, height) = (size_px.0 as usize, size_px.1 as usize);
    let Some(others) = Plane::others(frame) else {
        luma(frame, size_px, row_bytes, out);
        return spread(width, out.chunks_exact_mut(row_bytes).take(height));
    };
    let mut rows = out.chunks_exact_mut(row_bytes).take(height);
    let recolour = Recolour::new(frame, channels);
    if halves::shrink(frame, size_px, recolour, &mut rows)
        || same::copy(frame, size_px, recolour, &mut rows)
    {
        return;
    }
    if !colours::shrink(frame, size_px, &mut rows) {
        stored_means(frame, others, size_px, row_bytes, out);
    }
    for row in out.chunks_exact_mut(row_bytes).take(height) {
        recolour.row(&mut row[..3 * width]);
    }
}

/// Means of what the frame stores, each channel into its byte of the pixels.
fn stored_means(
    frame: &Frame<'_>,
    others: [Plane<'_>; 2],
    size_px: (u32, u32),
    row_bytes: usize,
    out: &mut [u8],
) {
    let channels = [(0, Plane::first(frame)), (1, others[0]), (2, others[1])];
    let (one, two) = channels.split_at(1);
    // What shares its lines of bytes is read once, if it shrinks.
    match frame.format() {
        PixelFormat::Rgb | PixelFormat::Yuyv => {
            if !shrink_together(&channels, size_px, row_bytes, out) {
                each_alone(&channels, size_px, row_bytes, out);
            }
        }
        _ => {
            each_alone(one, size_px, row_bytes, out);
            let interleaved = frame.format() == PixelFormat::Nv12;
            if !(interleaved && shrink_together(two, size_px, row_bytes, out)) {
                each_alone(two, size_px, row_bytes, out);
            }
        }
    }
}

/// Means of planes that lie in the same lines, each into its byte of the pixels; `false` if they do not all shrink.
fn shrink_together(
    channels: &[Channel<'_>],
    size_px: (u32, u32),
    row_bytes: usize,
    out: &mut [u8],
) -> bool {
    strips::each::<3>(size_px, row_bytes, out, |left, mut rows| {
        columns::shrink::<3>(channels, size_px, left, |mean| mean, &mut rows)
    })
}

fn each_alone(channels: &[Channel<'_>], size_px: (u32, u32), row_bytes: usize, out: &mut [u8]) {
    for &(byte, plane) in channels {
        if shrink_together(&[(byte, plane)], size_px, row_bytes, out) {
            continue;
        }
        let grown = strips::each::<3>(size_px, row_bytes, out, |left, rows| {
            let mut rows = rows.map(|row| &mut row[byte..]);
            grow::grow::<3>(plane, size_px, left, |mean| mean, &mut rows)
        });
        if !grown {
            let rows = out.chunks_exact_mut(row_bytes).take(size_px.1 as usize);
            let rows = rows.map(|row| &mut row[byte..3 * size_px.0 as usize]);
            weighted_means::<3>(plane.size_px(), size_px, rows, &Samples(plane));
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
    let finish = |mean| range.stretch(mean);
    blocks::shrink(frame, size_px, &mut rows)
        || (frame.format() != PixelFormat::Rgb
            && strips::each::<1>(size_px, row_bytes, out, |left, mut rows| {
                columns::shrink::<1>(&[(0, plane)], size_px, left, finish, &mut rows)
                    || grow::grow::<1>(plane, size_px, left, finish, &mut rows)
            }))
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
