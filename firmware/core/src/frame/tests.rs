//! Every layout's grey and colours, ranges, and bytes that are too few.

use super::*;

#[test]
fn refuses_bytes_that_are_too_few_for_the_size() {
    let bytes = [0_u8; 11];
    let at = |format, size| Frame::packed(&bytes, format, size, Millis(0)).map(|_| ());
    assert_eq!(at(PixelFormat::Grey, (4, 3)), Err(FrameError::Short));
    assert_eq!(at(PixelFormat::Grey, (0, 3)), Err(FrameError::Size));
    assert_eq!(at(PixelFormat::Grey, (40_000, 1)), Err(FrameError::Size));
    assert_eq!(at(PixelFormat::Nv12, (2, 3)), Ok(()));
    assert_eq!(at(PixelFormat::Nv12, (3, 3)), Err(FrameError::Short));
    let stride = Frame::new(&bytes, PixelFormat::Rgb, (2, 1), 5, Millis(0));
    assert_eq!(stride.map(|_| ()), Err(FrameError::Stride));
}

#[test]
fn luma_of_every_format() {
    let yuyv = [10, 0, 20, 0, 30, 0, 40, 0];
    let frame = Frame::packed(&yuyv, PixelFormat::Yuyv, (2, 2), Millis(0)).unwrap();
    assert_eq!(frame.range(), LumaRange::Limited);
    assert_eq!([frame.luma(0, 0), frame.luma(1, 1)], [0, 28]);
    let frame = frame.with_range(LumaRange::Full);
    assert_eq!(
        [
            frame.luma(0, 0),
            frame.luma(1, 0),
            frame.luma(0, 1),
            frame.luma(9, 9)
        ],
        [10, 20, 30, 40]
    );
    let rgb = [255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 0, 255];
    let frame = Frame::packed(&rgb, PixelFormat::Rgb, (2, 2), Millis(0)).unwrap();
    assert_eq!(
        [
            frame.luma(0, 0),
            frame.luma(1, 0),
            frame.luma(0, 1),
            frame.luma(1, 1)
        ],
        [255, 0, 77, 29]
    );
}

#[test]
fn a_limited_range_is_stretched_to_the_full_one() {
    for luma in 0..=255_u8 {
        let exact = (f32::from(luma) - 16.0) * 255.0 / 219.0;
        let got = LumaRange::Limited.stretch(luma);
        assert!(
            (f32::from(got) - exact.clamp(0.0, 255.0)).abs() <= 0.6,
            "{luma}: {got}"
        );
        // Grey of YUV and grey of its RGB are the same.
        assert_eq!(
            YuvRgb::of(LumaRange::Limited).rgb([luma, 128, 128]),
            [got; 3]
        );
        assert_eq!(YuvRgb::of(LumaRange::Full).rgb([luma, 128, 128]), [luma; 3]);
    }
}

#[test]
fn rgb_of_every_format() {
    // Red in BT.601 limited range is (81, 90, 240), white (235, 128, 128), black (16, 128, 128).
    let yuyv = [81, 90, 81, 240, 235, 128, 16, 128];
    let nv12 = [81, 81, 235, 16, 81, 81, 235, 16, 90, 240, 128, 128];
    let i420 = [81, 81, 235, 16, 81, 81, 235, 16, 90, 128, 240, 128];
    let red = [255, 0, 0];
    for (format, bytes, height) in [
        (PixelFormat::Yuyv, &yuyv[..], 1),
        (PixelFormat::Nv12, &nv12, 2),
        (PixelFormat::I420, &i420, 2),
    ] {
        let frame = Frame::packed(bytes, format, (4, height), Millis(0)).unwrap();
        for y in 0..height {
            let row = [0, 1, 2, 3].map(|x| frame.rgb(x, y));
            let off = row[0].iter().zip(red).map(|(a, b)| a.abs_diff(b)).max();
            assert!(off <= Some(1), "{format:?}: {row:?}");
            assert_eq!(row[1], row[0]);
            assert_eq!(row[2..], [[255; 3], [0; 3]]);
        }
    }
    let odd = [16; 8];
    let frame = Frame::packed(&odd, PixelFormat::Nv12, (1, 5), Millis(0)).unwrap();
    assert_eq!(frame.rgb(0, 4)[0], 0);
}
