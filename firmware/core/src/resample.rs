//! A frame's pixels at another size: area averages when it shrinks, bilinear when it grows. Whole numbers only, so
//! every machine gets the same bytes. Knows no aspect and no padding; that is [`crate::letterbox`]'s.

use crate::{
    detect::Channels,
    frame::{Frame, PixelFormat, rgb_luma},
};

/// Writes all of `frame`, stretched to `size_px`, into rows of `row_bytes` bytes at the start of `out`.
///
/// `out` has at least `row_bytes * height` bytes and a row at least `width * channels`; what is right of the picture
/// stays as it is.
pub(crate) fn resample(
    frame: &Frame<'_>,
    size_px: (u32, u32),
    channels: Channels,
    row_bytes: usize,
    out: &mut [u8],
) {
    if channels == Channels::Grey && block_means(frame, size_px, row_bytes, out) {
        return;
    }
    let rows = out.chunks_exact_mut(row_bytes).take(size_px.1 as usize);
    let blue_first = |[r, g, b]: [u8; 3]| [b, g, r];
    match (channels, frame.format()) {
        (Channels::Grey, PixelFormat::Rgb) => weighted_means(frame, size_px, rows, &RgbLuma(frame)),
        (Channels::Grey, _) => weighted_means(frame, size_px, rows, &Luma(frame)),
        (Channels::Rgb, _) => weighted_means(frame, size_px, rows, &Colour(frame, |rgb| rgb)),
        (Channels::Bgr, _) => weighted_means(frame, size_px, rows, &Colour(frame, blue_first)),
    }
}

/// The general way: each output pixel is the weighted mean of the source pixels under it, rounded to nearest.
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
            for (byte, sum) in pixel.iter_mut().zip(sums) {
                // A weighted mean of bytes is a byte.
                *byte = (sum / total) as u8;
            }
        }
    }
}

/// One direction of the picture: `from` source pixels become `to`.
#[derive(Clone, Copy)]
struct Axis {
    from: u32,
    to: u32,
}

/// The source pixels `first..=last` under one output pixel and their weights, which sum to [`Axis::total`].
struct Taps {
    first: u32,
    last: u32,
    first_weight: u64,
    inner_weight: u64,
    last_weight: u64,
}

impl Axis {
    /// Both at most [`Frame::MAX_SIDE_PX`], so no product below leaves its type.
    const fn new(from: u32, to: u32) -> Self {
        Self { from, to }
    }

    const fn total(self) -> u64 {
        if self.to <= self.from {
            self.from as u64
        } else {
            2 * self.to as u64
        }
    }

    fn taps(self, at: u32) -> Taps {
        if self.to <= self.from {
            self.area(at)
        } else {
            self.linear(at)
        }
    }

    /// In units of `1 / to` source pixels the output pixel covers `at * from .. (at + 1) * from`.
    fn area(self, at: u32) -> Taps {
        let (start, end) = (at * self.from, (at + 1) * self.from);
        let (first, last) = (start / self.to, (end - 1) / self.to);
        let one = first == last;
        Taps {
            first,
            last,
            first_weight: u64::from(if one {
                self.from
            } else {
                (first + 1) * self.to - start
            }),
            inner_weight: u64::from(self.to),
            last_weight: u64::from(if one { 0 } else { end - last * self.to }),
        }
    }

    /// The output pixel's centre lies at `(at + 1/2) * from / to - 1/2` counted from the first source pixel's centre.
    fn linear(self, at: u32) -> Taps {
        let unit = 2 * u64::from(self.to);
        let centre = (2 * u64::from(at) + 1) * u64::from(self.from);
        let centre = centre.saturating_sub(u64::from(self.to));
        let first = (centre / unit) as u32;
        let last = (first + 1).min(self.from - 1);
        let part = if last == first { 0 } else { centre % unit };
        Taps {
            first,
            last,
            first_weight: unit - part,
            inner_weight: 0,
            last_weight: part,
        }
    }
}

impl Taps {
    fn weight(&self, at: u32) -> u64 {
        if at == self.first {
            self.first_weight
        } else if at == self.last {
            self.last_weight
        } else {
            self.inner_weight
        }
    }

    /// The weighted sum of what `pixel` gives at each place.
    fn sum<const C: usize>(&self, pixel: impl Fn(usize) -> [u8; C]) -> [u64; C] {
        let mut inner = [0_u32; C];
        for x in self.first + 1..self.last {
            for (sum, byte) in inner.iter_mut().zip(pixel(x as usize)) {
                *sum += u32::from(byte);
            }
        }
        let (first, last) = (pixel(self.first as usize), pixel(self.last as usize));
        core::array::from_fn(|c| {
            self.first_weight * u64::from(first[c])
                + self.inner_weight * u64::from(inner[c])
                + self.last_weight * u64::from(last[c])
        })
    }
}

/// Where pixels of `C` bytes come from, a row at a time.
trait Source<const C: usize> {
    fn sum(&self, y: u32, taps: &Taps) -> [u64; C];
}

/// The luma bytes of a format that has them.
struct Luma<'a>(&'a Frame<'a>);

impl Source<1> for Luma<'_> {
    fn sum(&self, y: u32, taps: &Taps) -> [u64; 1] {
        match self.0.luma_row(y) {
            Some((row, 1)) => taps.sum(|x| [row[x]]),
            Some((row, step)) => taps.sum(|x| [row[x * step]]),
            None => [0],
        }
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

/// Three channels, in the order that the function gives them.
struct Colour<'a, F>(&'a Frame<'a>, F);

impl<F: Fn([u8; 3]) -> [u8; 3]> Source<3> for Colour<'_, F> {
    fn sum(&self, y: u32, taps: &Taps) -> [u64; 3] {
        // The cast undoes the one in `Taps::sum`.
        taps.sum(|x| self.1(self.0.rgb(x as u32, y)))
    }
}

/// The hot case: shrunk to luma by the same whole factor in both directions, as a camera's 640x480 to 320x240.
/// Returns whether it was that case; the bytes are the same as from [`weighted_means`].
fn block_means(frame: &Frame<'_>, size_px: (u32, u32), row_bytes: usize, out: &mut [u8]) -> bool {
    match frame.format() {
        PixelFormat::Grey | PixelFormat::Nv12 | PixelFormat::I420 => {
            by_factor::<1>(frame, size_px, row_bytes, out, |pixel| pixel[0])
        }
        PixelFormat::Yuyv => by_factor::<2>(frame, size_px, row_bytes, out, |pixel| pixel[0]),
        PixelFormat::Rgb => {
            by_factor::<3>(frame, size_px, row_bytes, out, |&pixel| rgb_luma(pixel))
        }
    }
}

/// One copy of the loop for each factor that cameras call for; `STEP` is the bytes from pixel to pixel.
fn by_factor<const STEP: usize>(
    frame: &Frame<'_>,
    size_px: (u32, u32),
    row_bytes: usize,
    out: &mut [u8],
    luma: impl Fn(&[u8; STEP]) -> u8,
) -> bool {
    let factor = frame.width_px() / size_px.0;
    if (size_px.0 * factor, size_px.1 * factor) != (frame.width_px(), frame.height_px()) {
        return false;
    }
    let rows = out.chunks_exact_mut(row_bytes).take(size_px.1 as usize);
    let rows = rows.map(|row| &mut row[..size_px.0 as usize]);
    match factor {
        1 => blocks::<1, STEP>(frame, rows, luma),
        2 => blocks::<2, STEP>(frame, rows, luma),
        3 => blocks::<3, STEP>(frame, rows, luma),
        4 => blocks::<4, STEP>(frame, rows, luma),
        6 => blocks::<6, STEP>(frame, rows, luma),
        _ => return false,
    }
    true
}

/// Means of blocks of `K` x `K` pixels.
fn blocks<'a, const K: usize, const STEP: usize>(
    frame: &Frame<'_>,
    rows: impl Iterator<Item = &'a mut [u8]>,
    luma: impl Fn(&[u8; STEP]) -> u8,
) {
    // 36 bytes and half of 36 fit.
    let area = (K * K) as u16;
    for (y, out) in rows.enumerate() {
        let lines: [&[u8]; K] = core::array::from_fn(|i| {
            let start = (y * K + i) * frame.stride();
            &frame.data()[start..start + out.len() * K * STEP]
        });
        for (x, mean) in out.iter_mut().enumerate() {
            let mut sum = area / 2;
            for line in lines {
                let (pixels, _) = line[x * K * STEP..][..K * STEP].as_chunks::<STEP>();
                for pixel in pixels {
                    sum += u16::from(luma(pixel));
                }
            }
            *mean = (sum / area) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Millis;
    use proptest::prelude::*;
    use std::{vec, vec::Vec};

    const FORMATS: [PixelFormat; 5] = [
        PixelFormat::Grey,
        PixelFormat::Rgb,
        PixelFormat::Yuyv,
        PixelFormat::Nv12,
        PixelFormat::I420,
    ];

    /// Bytes without a pattern, the same on every run.
    fn noise(len: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..len).map(|_| next()).collect()
    }

    fn frame_of(bytes: &[u8], format: PixelFormat, size: (u32, u32), gap: usize) -> Frame<'_> {
        let stride = format.row_bytes(size.0) + gap;
        Frame::new(bytes, format, size, stride, Millis(0)).unwrap()
    }

    fn bytes_for(format: PixelFormat, size: (u32, u32), gap: usize) -> Vec<u8> {
        noise(format.picture_bytes(size.1, format.row_bytes(size.0) + gap))
    }

    fn general(frame: &Frame<'_>, size: (u32, u32)) -> Vec<u8> {
        let mut out = vec![0; (size.0 * size.1) as usize];
        let rows = out.chunks_exact_mut(size.0 as usize);
        match frame.format() {
            PixelFormat::Rgb => weighted_means(frame, size, rows, &RgbLuma(frame)),
            _ => weighted_means(frame, size, rows, &Luma(frame)),
        }
        out
    }

    #[test]
    fn by_two_is_the_exact_mean_of_four() {
        let bytes = [0, 1, 9, 10, 1, 0, 10, 10];
        let frame = frame_of(&bytes, PixelFormat::Grey, (4, 2), 0);
        let mut out = [0; 2];
        resample(&frame, (2, 1), Channels::Grey, 2, &mut out);
        assert_eq!(out, [1, 10], "halves are rounded up");
    }

    #[test]
    fn colours_come_in_the_asked_order() {
        let frame = frame_of(&[10, 20, 30], PixelFormat::Rgb, (1, 1), 0);
        let mut out = [0; 3];
        resample(&frame, (1, 1), Channels::Rgb, 3, &mut out);
        assert_eq!(out, [10, 20, 30]);
        resample(&frame, (1, 1), Channels::Bgr, 3, &mut out);
        assert_eq!(out, [30, 20, 10]);
    }

    proptest! {
        #[test]
        fn the_fast_way_equals_the_general_way(
            w in 1..40_u32, h in 1..12_u32, factor in 1..7_u32, gap in 0..5_usize, format in 0..5_usize,
        ) {
            let format = FORMATS[format];
            prop_assume!(factor != 5);
            let size = (w * factor, h * factor);
            let bytes = bytes_for(format, size, gap);
            let frame = frame_of(&bytes, format, size, gap);
            let mut fast = vec![0; (w * h) as usize];
            prop_assert!(block_means(&frame, (w, h), w as usize, &mut fast));
            prop_assert_eq!(fast, general(&frame, (w, h)));
        }

        #[test]
        fn shrinking_is_the_mean_over_the_area(
            w in 1..30_u32, h in 1..30_u32, to_w in 1..30_u32, to_h in 1..30_u32, format in 0..5_usize,
        ) {
            prop_assume!(to_w <= w && to_h <= h);
            let bytes = bytes_for(FORMATS[format], (w, h), 1);
            let frame = frame_of(&bytes, FORMATS[format], (w, h), 1);
            let mut out = vec![0; (to_w * to_h) as usize];
            resample(&frame, (to_w, to_h), Channels::Grey, to_w as usize, &mut out);
            // The definition: cut every source pixel into to_w x to_h pieces and average blocks of w x h pieces.
            for (i, &byte) in out.iter().enumerate() {
                let (x, y) = (i as u32 % to_w, i as u32 / to_w);
                let mut sum = 0_u64;
                for v in y * h..(y + 1) * h {
                    sum += (x * w..(x + 1) * w).map(|u| u64::from(frame.luma(u / to_w, v / to_h))).sum::<u64>();
                }
                let area = u64::from(w * h);
                prop_assert_eq!(u64::from(byte), (sum + area / 2) / area);
            }
        }

        #[test]
        fn growing_is_bilinear(w in 1..12_u32, h in 1..12_u32, to_w in 12..40_u32, to_h in 12..40_u32) {
            let bytes = bytes_for(PixelFormat::Grey, (w, h), 0);
            let frame = frame_of(&bytes, PixelFormat::Grey, (w, h), 0);
            let mut out = vec![0; (to_w * to_h) as usize];
            resample(&frame, (to_w, to_h), Channels::Grey, to_w as usize, &mut out);
            for (i, &byte) in out.iter().enumerate() {
                let at = |i: u32, from: u32, to: u32| {
                    ((f64::from(i) + 0.5) * f64::from(from) / f64::from(to) - 0.5).clamp(0.0, f64::from(from - 1))
                };
                let (x, y) = (at(i as u32 % to_w, w, to_w), at(i as u32 / to_w, h, to_h));
                let p = |x: f64, y: f64| f64::from(frame.luma(x as u32, y as u32));
                let (l, t) = (x.floor(), y.floor());
                let row = |y: f64| p(l, y) + (p(l + 1.0, y) - p(l, y)) * (x - l);
                let value = row(t) + (row(t + 1.0) - row(t)) * (y - t);
                prop_assert!((f64::from(byte) - value).abs() <= 0.5 + 1e-6, "{byte} {value}");
            }
        }

        #[test]
        fn no_size_and_format_panics(
            w in 1..50_u32, h in 1..50_u32, to_w in 1..50_u32, to_h in 1..50_u32, format in 0..5_usize,
        ) {
            let bytes = bytes_for(FORMATS[format], (w, h), 0);
            let frame = frame_of(&bytes, FORMATS[format], (w, h), 0);
            for channels in [Channels::Grey, Channels::Rgb, Channels::Bgr] {
                let row_bytes = to_w as usize * channels.count();
                let mut out = vec![0; row_bytes * to_h as usize];
                resample(&frame, (to_w, to_h), channels, row_bytes, &mut out);
            }
        }
    }
}
