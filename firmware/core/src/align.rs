//! Landmarks to an upright 48x48 crop, framed as FER2013 frames faces. Knows no net.

use crate::{
    classify::{CROP_PX, Crop},
    detect::{Channels, Face},
    frame::{Frame, PixelFormat, rgb_luma},
    geometry::{Point, Rect, Similarity},
    resample::resample,
};

/// Where the five landmarks lie in the crop, in crop pixels, in [`Face::landmarks`]' order: the medians over 13,915
/// upright frontal faces of FER2013's training pictures (`models/train/classifier/framing.json`).
pub const LANDMARKS_IN_CROP: [Point; 5] = [
    Point::new(15.4, 18.84),
    Point::new(32.6, 18.84),
    Point::new(24.0, 28.62),
    Point::new(16.73, 36.34),
    Point::new(31.27, 36.34),
];

/// Where the detector's box lies in the crop, for faces whose landmarks are no use: the medians over 78 frontal faces
/// that YuNet_n at 640 px found in Flickr photos, brought into the crop by their landmarks.
pub const BOX_IN_CROP: Rect = Rect::new(5.1, -0.5, 37.8, 49.4);

/// Landmarks that ask for a crop this many times larger or smaller than the box does are not believed. All 137 faces
/// of 28 px and taller in the same photos, profiles among them, are between 0.6 and 1.2.
const SCALE_LIMIT: f32 = 2.0;

/// Samples across a crop pixel at most; beyond 16 frame pixels a crop pixel they no longer touch each other.
const SAMPLES_LIMIT: u32 = 16;

/// The transform from the frame to the crop: the similarity that fits the landmarks best, or if they contradict the
/// box or coincide, the box without rotation.
pub fn to_crop(face: &Face) -> Similarity {
    let from_box = box_to_crop(&face.rect);
    let Some(fitted) = Similarity::from_points(&face.landmarks, &LANDMARKS_IN_CROP) else {
        return from_box;
    };
    let ratio = fitted.scale() / from_box.scale();
    let off = fitted
        .apply(face.rect.center())
        .distance(BOX_IN_CROP.center());
    let believed = (1.0 / SCALE_LIMIT..=SCALE_LIMIT).contains(&ratio) && off < CROP_PX as f32 / 2.0;
    if believed { fitted } else { from_box }
}

fn box_to_crop(rect: &Rect) -> Similarity {
    // A box smaller than a pixel shows nothing; the limit keeps the way back finite.
    let scale = BOX_IN_CROP.side() / rect.side().max(1.0);
    let shift = BOX_IN_CROP.center() - rect.center() * scale;
    let transform = Similarity {
        a: scale,
        b: 0.0,
        tx: shift.x,
        ty: shift.y,
    };
    if rect.is_finite() && shift.is_finite() && scale.is_normal() {
        transform
    } else {
        Similarity::IDENTITY
    }
}

/// Cuts the face out of the frame, upright. Averages where the face is larger than the crop, interpolates
/// bilinearly where it is smaller, repeats the border where it reaches over the frame's edge.
pub fn align(frame: &Frame<'_>, face: &Face, crop: &mut Crop) {
    let back = to_crop(face).inverse().unwrap_or(Similarity::IDENTITY);
    let (data, stride) = (frame.data(), frame.stride());
    // One copy of the loop for each layout: this is the crop's whole cost.
    match frame.format() {
        PixelFormat::Grey | PixelFormat::Nv12 | PixelFormat::I420 => {
            warp(frame, &back, crop, |x, y| data[y * stride + x]);
        }
        PixelFormat::Yuyv => warp(frame, &back, crop, |x, y| data[y * stride + 2 * x]),
        PixelFormat::Rgb => warp(frame, &back, crop, |x, y| {
            let p = y * stride + 3 * x;
            rgb_luma([data[p], data[p + 1], data[p + 2]])
        }),
    }
}

/// The whole picture as a crop, for pictures that are face crops already. A 48x48 grey picture stays as it is;
/// others are stretched.
pub fn whole(frame: &Frame<'_>, crop: &mut Crop) {
    let size = (CROP_PX as u32, CROP_PX as u32);
    resample(frame, size, Channels::Grey, CROP_PX, crop);
}

/// Each crop pixel is the mean of `n * n` bilinear samples, spaced about one frame pixel apart.
fn warp(frame: &Frame<'_>, back: &Similarity, crop: &mut Crop, luma: impl Fn(usize, usize) -> u8) {
    let n = (libm::ceilf(back.scale() - 1e-3) as u32).clamp(1, SAMPLES_LIMIT);
    let sampler = Sampler {
        last_x: i64::from(frame.width_px()) - 1,
        last_y: i64::from(frame.height_px()) - 1,
        luma,
    };
    let spacing = 1.0 / n as f32;
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
                    *sum += sampler.at(x, y);
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

/// Pixels with 32 binary places, so that hundreds of steps add up without drift. Cut far outside of any frame, where
/// all is border and sums cannot overflow.
fn fixed(px: f32) -> i64 {
    (px.clamp(-1e6, 1e6) * 4_294_967_296.0) as i64
}

/// Bilinear samples of a picture that repeats its border.
struct Sampler<F> {
    last_x: i64,
    last_y: i64,
    luma: F,
}

impl<F: Fn(usize, usize) -> u8> Sampler<F> {
    /// The luma at a place counted from the first pixel's centre, times 2^16.
    fn at(&self, x: i64, y: i64) -> u32 {
        let (left, top) = (x >> 32, y >> 32);
        let eighth_bits = |v: i64| ((v >> 24) & 0xff) as u32;
        let (right_part, lower_part) = (eighth_bits(x), eighth_bits(y));
        let [x0, x1] = [left, left + 1].map(|x| x.clamp(0, self.last_x) as usize);
        let [y0, y1] = [top, top + 1].map(|y| y.clamp(0, self.last_y) as usize);
        let row = |y| {
            u32::from((self.luma)(x0, y)) * (256 - right_part)
                + u32::from((self.luma)(x1, y)) * right_part
        };
        row(y0) * (256 - lower_part) + row(y1) * lower_part
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fake::assert_picture, frame::Millis};
    use proptest::prelude::*;
    use std::{vec, vec::Vec};

    const EMPTY: Crop = [0; CROP_PX * CROP_PX];

    /// The face whose crop is taken by `to_frame` from the crop.
    fn face_at(to_frame: &Similarity) -> Face {
        let center = to_frame.apply(BOX_IN_CROP.center());
        let (w, h) = (
            BOX_IN_CROP.w * to_frame.scale(),
            BOX_IN_CROP.h * to_frame.scale(),
        );
        Face {
            rect: Rect::new(center.x - w / 2.0, center.y - h / 2.0, w, h),
            landmarks: LANDMARKS_IN_CROP.map(|p| to_frame.apply(p)),
            score: 1.0,
        }
    }

    fn grey(bytes: &[u8], w: u32, h: u32) -> Frame<'_> {
        Frame::packed(bytes, PixelFormat::Grey, (w, h), Millis(0)).unwrap()
    }

    fn painted(w: u32, h: u32, ink: impl Fn(f32, f32) -> u8) -> Vec<u8> {
        let at = |i: u32| ink((i % w) as f32 + 0.5, (i / w) as f32 + 0.5);
        (0..w * h).map(at).collect()
    }

    #[test]
    fn the_framing_is_the_measured_one() {
        let json = include_str!("../../../models/train/classifier/framing.json");
        let (_, rest) = json.split_once("\"landmarks\":").unwrap();
        let (landmarks, _) = rest.split_once("\"interquartile").unwrap();
        let numbers = landmarks.split(|c: char| c != '.' && !c.is_ascii_digit());
        let measured: Vec<f32> = numbers.filter_map(|n| n.parse().ok()).collect();
        let ours: Vec<f32> = LANDMARKS_IN_CROP.iter().flat_map(|p| [p.x, p.y]).collect();
        assert_eq!(ours, measured);
    }

    #[test]
    fn a_face_framed_as_the_crop_stays_as_it_is() {
        let bytes: Vec<u8> = (0..48 * 48).map(|i| (i * 7 % 251) as u8).collect();
        let mut crop = EMPTY;
        whole(&grey(&bytes, 48, 48), &mut crop);
        assert_eq!(crop[..], bytes);
        let turned = Similarity {
            a: 0.0,
            b: 1.0,
            tx: 48.0,
            ty: 0.0,
        };
        align(&grey(&bytes, 48, 48), &face_at(&turned), &mut crop);
        // A quarter turn clockwise: the crop's row 0 is the frame's last column, read downwards.
        for i in 0..48 {
            assert!(crop[i].abs_diff(bytes[i * 48 + 47]) <= 1);
        }
    }

    #[test]
    fn a_tilted_face_comes_out_upright() {
        // A face of two eyes and a mouth, tilted by 30 degrees and 2.5 times as large as the crop.
        let (sin, cos) = 30_f32.to_radians().sin_cos();
        let to_frame = Similarity {
            a: 2.5 * cos,
            b: 2.5 * sin,
            tx: 90.0,
            ty: 20.0,
        };
        let back = to_frame.inverse().unwrap();
        let [right, left, .., mouth_right, mouth_left] = LANDMARKS_IN_CROP;
        let bytes = painted(240, 200, |x, y| {
            let p = back.apply(Point::new(x, y));
            let eye = p.distance(right) < 4.0 || p.distance(left) < 4.0;
            let mouth = (mouth_right.x..mouth_left.x).contains(&p.x)
                && (p.y - (mouth_right.y + mouth_left.y) / 2.0).abs() < 3.0;
            if eye || mouth { 255 } else { 0 }
        });
        let face = face_at(&to_frame);
        assert!((face.roll_deg() - 30.0).abs() < 1e-3);
        let mut crop = EMPTY;
        align(&grey(&bytes, 240, 200), &face, &mut crop);
        let mut small = [0; 144];
        let upright = grey(&crop, 48, 48);
        resample(&upright, (12, 12), Channels::Grey, 12, &mut small);
        assert_picture(
            &small,
            12,
            "
            ............
            ............
            ............
            ...-....-...
            ...#*..*#...
            ...++..++...
            ............
            ............
            ....+**+....
            ....****....
            ............
            ............",
        );
    }

    #[test]
    fn a_large_face_is_averaged_not_sampled() {
        // A checkerboard of single pixels: any aliasing would leave black and white spots.
        let bytes = painted(400, 400, |x, y| ((x as u32 + y as u32) % 2 * 255) as u8);
        for scale in [2.0, 3.3, 5.0, 8.0] {
            let to_frame = Similarity {
                a: scale,
                ..Similarity::IDENTITY
            };
            let mut crop = EMPTY;
            align(&grey(&bytes, 400, 400), &face_at(&to_frame), &mut crop);
            let off = crop.iter().map(|p| p.abs_diff(127)).max();
            assert!(off < Some(30), "scale {scale}: {off:?}");
        }
    }

    #[test]
    fn useless_landmarks_fall_back_to_the_box() {
        let rect = Rect::new(100.0, 50.0, 2.0 * BOX_IN_CROP.w, 2.0 * BOX_IN_CROP.h);
        let good = face_at(&box_to_crop(&rect).inverse().unwrap());
        let of = |landmarks| to_crop(&Face { landmarks, ..good });
        assert!((of(good.landmarks).scale() - 0.5).abs() < 1e-3);
        for bad in [
            [rect.center(); 5],
            good.landmarks.map(|p| p * 5.0),
            good.landmarks.map(|p| p + Point::new(80.0, 0.0)),
            [Point::new(f32::NAN, 0.0); 5],
        ] {
            assert_eq!(of(bad), box_to_crop(&rect));
        }
        assert_eq!(box_to_crop(&Rect::default()).scale(), BOX_IN_CROP.side());
    }

    #[test]
    fn every_format_gives_its_luma_and_the_edge_is_repeated() {
        let mut crop = EMPTY;
        for (format, bytes) in [
            (PixelFormat::Rgb, vec![90; 48]),
            (PixelFormat::Yuyv, [90, 3].repeat(16)),
            (PixelFormat::Nv12, [[90; 16], [3; 16]].concat()),
        ] {
            let frame = Frame::packed(&bytes, format, (4, 4), Millis(0)).unwrap();
            align(&frame, &face_at(&Similarity::IDENTITY), &mut crop);
            assert_eq!(crop, [90; CROP_PX * CROP_PX], "{format:?}");
        }
    }

    proptest! {
        #[test]
        fn the_crop_shows_what_the_frame_shows_there(
            scale in 0.5..4.0_f32, angle in -1.0..1.0_f32, x in 80.0..160.0_f32, y in 80.0..160.0_f32,
        ) {
            let to_frame = Similarity { a: scale * angle.cos(), b: scale * angle.sin(), tx: x, ty: y };
            let ink = |p: Point| 128.0 + 60.0 * (p.x / 40.0).sin() + 60.0 * (p.y / 30.0).cos();
            let bytes = painted(480, 480, |x, y| ink(Point::new(x, y)) as u8);
            let mut crop = EMPTY;
            align(&grey(&bytes, 480, 480), &face_at(&to_frame), &mut crop);
            for (i, &byte) in crop.iter().enumerate() {
                let p = to_frame.apply(Point::new((i % 48) as f32 + 0.5, (i / 48) as f32 + 0.5));
                if (1.0..479.0).contains(&p.x) && (1.0..479.0).contains(&p.y) {
                    prop_assert!((f32::from(byte) - ink(p)).abs() < 4.0, "{p:?} {byte} {}", ink(p));
                }
            }
        }

        #[test]
        fn no_face_panics(values in prop::array::uniform14(prop::num::f32::ANY)) {
            let bytes = [9; 64];
            let face = Face {
                rect: Rect::new(values[0], values[1], values[2], values[3]),
                landmarks: core::array::from_fn(|i| Point::new(values[4 + 2 * i], values[5 + 2 * i])),
                score: 1.0,
            };
            let mut crop = EMPTY;
            align(&grey(&bytes, 8, 8), &face, &mut crop);
            prop_assert_eq!(crop, [9; CROP_PX * CROP_PX]);
        }
    }
}
