//! Every way to resample against its definition, in every format.

use super::*;
use crate::frame::{LumaRange, Millis};
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
    let from = (frame.width_px(), frame.height_px());
    match frame.format() {
        PixelFormat::Rgb => weighted_means::<1>(from, size, rows, &RgbLuma(frame)),
        _ => weighted_means::<1>(from, size, rows, &Luma(frame)),
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

/// The rows as one of the quick ways fills them, if it does.
fn quick(
    shrink: impl for<'a> Fn(&Frame<'_>, (u32, u32), &mut core::slice::ChunksExactMut<'a, u8>) -> bool,
    frame: &Frame<'_>,
    size: (u32, u32),
) -> Option<Vec<u8>> {
    let mut out = vec![0; (size.0 * size.1) as usize];
    shrink(frame, size, &mut out.chunks_exact_mut(size.0 as usize)).then_some(out)
}

fn luma_columns(
    frame: &Frame<'_>,
    size: (u32, u32),
    rows: &mut core::slice::ChunksExactMut<'_, u8>,
) -> bool {
    let stretch = |mean| frame.range().stretch(mean);
    columns::shrink::<1>(&[(0, Plane::first(frame))], size, 0, stretch, rows)
}

/// The definition: each plane's weighted means by themselves, then one colour of the three.
fn general_colours(frame: &Frame<'_>, size: (u32, u32)) -> Vec<u8> {
    let luma = Plane::first(frame);
    let planes = Plane::others(frame).map(|[u, v]| [luma, u, v]);
    let mut out = vec![128; (3 * size.0 * size.1) as usize];
    for (channel, plane) in planes.into_iter().flatten().enumerate() {
        let rows = out.chunks_exact_mut(3 * size.0 as usize);
        let rows = rows.map(|row| &mut row[channel..]);
        weighted_means::<3>(plane.size_px(), size, rows, &Samples(plane));
    }
    if planes.is_none() {
        let rows = out.chunks_exact_mut(3 * size.0 as usize);
        weighted_means::<3>(luma.size_px(), size, rows, &Samples(luma));
    }
    for pixel in out.as_chunks_mut::<3>().0 {
        *pixel = frame.rgb_of(*pixel);
    }
    out
}

/// Chosen, not filtered: a test that throws too many of its cases away fails by chance.
fn with_luma() -> impl Strategy<Value = PixelFormat> {
    let has_luma = |format: &PixelFormat| *format != PixelFormat::Rgb;
    prop::sample::select(FORMATS.into_iter().filter(has_luma).collect::<Vec<_>>())
}

fn ranges() -> impl Strategy<Value = LumaRange> {
    prop_oneof![Just(LumaRange::Full), Just(LumaRange::Limited)]
}

#[test]
fn a_large_picture_equals_the_general_way_too() {
    // More than one tile of columns, at sizes of real cameras.
    for (format, from, to) in [
        (PixelFormat::Yuyv, (1280, 720), (300, 169)),
        (PixelFormat::Grey, (2592, 1944), (320, 240)),
        (PixelFormat::Nv12, (1030, 20), (1023, 3)),
        // More lines under a row than their sums are made of at a time.
        (PixelFormat::Grey, (20, 2000), (19, 3)),
    ] {
        let bytes = bytes_for(format, from, 6);
        let frame = frame_of(&bytes, format, from, 6);
        let fast = quick(luma_columns, &frame, to).unwrap();
        assert!(fast == general(&frame, to), "{format:?} {from:?}");
    }
    let white = vec![255; 3840 * 2160];
    let frame = frame_of(&white, PixelFormat::Grey, (3840, 2160), 0);
    for to in [(1024, 2), (2, 2160)] {
        let fast = quick(luma_columns, &frame, to);
        assert!(fast.is_none_or(|fast| fast.iter().all(|&byte| byte == 255)));
    }
    // In strips.
    let mut out = vec![0; 2 * 3839];
    resample(&frame, (3839, 2), Channels::Grey, 3839, &mut out);
    assert!(out.iter().all(|&byte| byte == 255));
    let wide = bytes_for(PixelFormat::Yuyv, (1022, 1), 0);
    let frame = frame_of(&wide, PixelFormat::Yuyv, (1022, 1), 0);
    for to in 1..8 {
        let fast = quick(luma_columns, &frame, (to, 1));
        assert_eq!(fast.is_some(), to > 4, "{to}");
        assert!(fast.is_none_or(|fast| fast == general(&frame, (to, 1))));
    }
}

fn grown(
    frame: &Frame<'_>,
    size: (u32, u32),
    rows: &mut core::slice::ChunksExactMut<'_, u8>,
) -> bool {
    let stretch = |mean| frame.range().stretch(mean);
    grow::grow::<1>(Plane::first(frame), size, 0, stretch, rows)
}

/// Nets nearly as large as the frame, as `[vision]` sizes of 480 and 640 make them: the chroma grows, the luma shrinks or stays.
#[test]
fn nets_of_nearly_the_frames_size_get_the_general_ways_colours() {
    for format in FORMATS {
        for (from, to) in [
            ((640, 480), (640, 480)),
            ((640, 480), (480, 360)),
            ((320, 240), (640, 480)),
            ((641, 361), (640, 360)),
            ((800, 600), (640, 480)),
        ] {
            let bytes = bytes_for(format, from, 6);
            let frame = frame_of(&bytes, format, from, 6);
            let mut out = vec![128; (3 * to.0 * to.1) as usize];
            resample(&frame, to, Channels::Rgb, 3 * to.0 as usize, &mut out);
            assert!(
                out == general_colours(&frame, to),
                "{format:?} {from:?} {to:?}"
            );
        }
    }
}

proptest! {
    #[test]
    fn what_grows_equals_the_general_way(
        w in 1..70_u32, h in 1..40_u32, more in 0..90_u32, to_h in 1..90_u32, gap in 0..5_usize,
        format in with_luma(), range in ranges(),
    ) {
        let bytes = bytes_for(format, (w, h), gap);
        let frame = frame_of(&bytes, format, (w, h), gap).with_range(range);
        let to = (w + more, to_h);
        let fast = quick(grown, &frame, to);
        prop_assert_eq!(fast, Some(general(&frame, to)));
    }

    #[test]
    fn blocks_equal_the_general_way(
        w in 1..40_u32, h in 1..12_u32, factor in prop::sample::select(vec![1_u32, 2, 3, 4, 6]), gap in 0..5_usize, format in 0..5_usize, range in ranges(),
    ) {
        let format = FORMATS[format];
        let size = (w * factor, h * factor);
        let bytes = bytes_for(format, size, gap);
        let frame = frame_of(&bytes, format, size, gap).with_range(range);
        let fast = quick(|f, to, rows| blocks::shrink(f, to, rows), &frame, (w, h));
        prop_assert_eq!(fast, Some(general(&frame, (w, h))));
    }

    #[test]
    fn colours_equal_the_general_way(
        w in 1..40_u32, h in 1..12_u32, factor in 1..7_u32, gap in 0..5_usize, format in 0..5_usize, range in ranges(),
    ) {
        let format = FORMATS[format];
        let size = (w * factor, h * factor);
        let bytes = bytes_for(format, size, gap);
        let frame = frame_of(&bytes, format, size, gap).with_range(range);
        let mut fast = vec![0; (3 * w * h) as usize];
        if colours::shrink(&frame, (w, h), &mut fast.chunks_exact_mut(3 * w as usize)) {
            let recolour = Recolour::new(&frame, Channels::Rgb);
            fast.chunks_exact_mut(3 * w as usize).for_each(|row| recolour.row(row));
            prop_assert_eq!(fast, general_colours(&frame, (w, h)));
        } else {
            prop_assert!(format != PixelFormat::Rgb || factor > 4);
        }
    }

    #[test]
    fn halves_equal_the_general_way(
        w in 1..70_u32, h in 1..6_u32, gap in 0..5_usize, format in 0..5_usize, range in ranges(), bgr: bool,
    ) {
        let format = FORMATS[format];
        let size = (w * 2, h * 2);
        let bytes = bytes_for(format, size, gap);
        let frame = frame_of(&bytes, format, size, gap).with_range(range);
        let way = Recolour::new(&frame, if bgr { Channels::Bgr } else { Channels::Rgb });
        let mut fast = vec![0; (3 * w * h) as usize];
        if halves::shrink(&frame, (w, h), way, &mut fast.chunks_exact_mut(3 * w as usize)) {
            if bgr {
                fast.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| pixel.reverse());
            }
            prop_assert_eq!(fast, general_colours(&frame, (w, h)));
        } else {
            prop_assert!(w < 16 || matches!(format, PixelFormat::Grey | PixelFormat::Rgb));
        }
    }

    #[test]
    fn the_same_size_equals_the_general_way(
        w in prop_oneof![1..70_u32, 500..560_u32, 1020..1100_u32], h in 1..8_u32, gap in 0..5_usize, format in 0..5_usize,
        range in ranges(), bgr: bool,
    ) {
        let format = FORMATS[format];
        let bytes = bytes_for(format, (w, h), gap);
        let frame = frame_of(&bytes, format, (w, h), gap).with_range(range);
        let way = Recolour::new(&frame, if bgr { Channels::Bgr } else { Channels::Rgb });
        let mut fast = vec![0; (3 * w * h) as usize];
        if same::copy(&frame, (w, h), way, &mut fast.chunks_exact_mut(3 * w as usize)) {
            if bgr {
                fast.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| pixel.reverse());
            }
            prop_assert!(fast == general_colours(&frame, (w, h)));
        } else {
            let stored = matches!(format, PixelFormat::Grey | PixelFormat::Rgb);
            prop_assert!(w < 16 || w % 2 == 1 || h % 2 == 1 || stored);
        }
    }

    #[test]
    fn wide_colours_equal_the_general_way(
        w in 300..1500_u32, h in 1..20_u32, to_w in prop_oneof![1..400_u32, 1000..2100_u32], to_h in 1..20_u32, gap in 0..5_usize,
        format in 0..5_usize, range in ranges(),
    ) {
        let bytes = bytes_for(FORMATS[format], (w, h), gap);
        let frame = frame_of(&bytes, FORMATS[format], (w, h), gap).with_range(range);
        let mut out = vec![0; (3 * to_w * to_h) as usize];
        resample(&frame, (to_w, to_h), Channels::Rgb, 3 * to_w as usize, &mut out);
        prop_assert!(out == general_colours(&frame, (to_w, to_h)));
        resample(&frame, (to_w, to_h), Channels::Grey, to_w as usize, &mut out);
        prop_assert!(out[..(to_w * to_h) as usize] == general(&frame, (to_w, to_h)));
    }

    #[test]
    fn any_size_in_colour_equals_the_general_way(
        w in 1..90_u32, h in 1..20_u32, to_w in 1..90_u32, to_h in 1..20_u32, gap in 0..5_usize,
        format in 0..5_usize, range in ranges(),
    ) {
        let bytes = bytes_for(FORMATS[format], (w, h), gap);
        let frame = frame_of(&bytes, FORMATS[format], (w, h), gap).with_range(range);
        let mut out = vec![0; (3 * to_w * to_h) as usize];
        resample(&frame, (to_w, to_h), Channels::Rgb, 3 * to_w as usize, &mut out);
        prop_assert_eq!(out, general_colours(&frame, (to_w, to_h)));
    }

    #[test]
    fn in_its_own_size_a_colour_is_the_pixel(w in 1..20_u32, h in 1..20_u32, format in 0..2_usize) {
        let bytes = bytes_for(FORMATS[format], (w, h), 1);
        let frame = frame_of(&bytes, FORMATS[format], (w, h), 1);
        let mut out = vec![0; (3 * w * h) as usize];
        resample(&frame, (w, h), Channels::Rgb, 3 * w as usize, &mut out);
        for (i, pixel) in (0..).zip(out.chunks_exact(3)) {
            prop_assert_eq!(pixel, frame.rgb(i % w, i / w));
        }
    }

    #[test]
    fn columns_equal_the_general_way(
        w in 1..600_u32, h in 1..20_u32, to_w in 1..600_u32, to_h in 1..20_u32, gap in 0..5_usize,
        format in with_luma(), range in ranges(),
    ) {
        let (w, to_w, h, to_h) = (w.max(to_w), w.min(to_w), h.max(to_h), h.min(to_h));
        let bytes = bytes_for(format, (w, h), gap);
        let frame = frame_of(&bytes, format, (w, h), gap).with_range(range);
        if let Some(fast) = quick(luma_columns, &frame, (to_w, to_h)) {
            prop_assert_eq!(fast, general(&frame, (to_w, to_h)));
        } else {
            let bytes = if format == PixelFormat::Yuyv { 2 * w } else { w };
            prop_assert!(bytes > 496 * to_w);
        }
    }

    #[test]
    fn shrinking_is_the_mean_over_the_area(
        w in 1..30_u32, h in 1..30_u32, to_w in 1..30_u32, to_h in 1..30_u32, format in 0..5_usize, range in ranges(),
    ) {
        let (w, to_w, h, to_h) = (w.max(to_w), w.min(to_w), h.max(to_h), h.min(to_h));
        let bytes = bytes_for(FORMATS[format], (w, h), 1);
        let frame = frame_of(&bytes, FORMATS[format], (w, h), 1).with_range(range);
        let raw = frame.with_range(LumaRange::Full);
        let mut out = vec![0; (to_w * to_h) as usize];
        resample(&frame, (to_w, to_h), Channels::Grey, to_w as usize, &mut out);
        // The definition: cut every source pixel into to_w x to_h pieces and average blocks of w x h pieces.
        for (i, &byte) in out.iter().enumerate() {
            let (x, y) = (i as u32 % to_w, i as u32 / to_w);
            let mut sum = 0_u64;
            for v in y * h..(y + 1) * h {
                sum += (x * w..(x + 1) * w).map(|u| u64::from(raw.luma(u / to_w, v / to_h))).sum::<u64>();
            }
            let area = u64::from(w * h);
            let mean = ((sum + area / 2) / area) as u8;
            prop_assert_eq!(byte, frame.range().stretch(mean));
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
