//! Compares crops with what the frame shows at the same place.

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

/// A head turned by `roll_deg`, whose landmarks the detector drew turned by `drawn_deg`; and where they truly lie.
fn half_turned(roll_deg: f32, drawn_deg: f32) -> (Face, [Point; 5]) {
    let upright = Similarity {
        a: 2.0,
        b: 0.0,
        tx: 100.0,
        ty: 80.0,
    };
    let turned = |deg| moved(&upright, deg, TURN_CENTER, TURN_CENTER, 1.0);
    let truth = LANDMARKS_IN_CROP.map(|p| turned(roll_deg).apply(p));
    let landmarks = LANDMARKS_IN_CROP.map(|p| turned(drawn_deg).apply(p));
    let face = face_at(&turned(roll_deg));
    (Face { landmarks, ..face }, truth)
}

fn assert_near(landmarks: [Point; 5], expected: [Point; 5], px: f32) {
    for (p, q) in landmarks.iter().zip(expected) {
        assert!(p.distance(q) < px, "{landmarks:?} instead of {expected:?}");
    }
}

#[test]
fn landmarks_of_a_tilted_head_are_turned_with_it() {
    for (roll_deg, drawn_deg) in [(45.0, 22.0), (-30.0, -18.0), (10.0, 10.0), (60.0, 5.0)] {
        let (face, truth) = half_turned(roll_deg, drawn_deg);
        assert_near(landmarks_at(&face, roll_deg), truth, 1e-3);
        // Once is enough, and the crop stays where it was.
        let mended = Face {
            landmarks: landmarks_at(&face, roll_deg),
            ..face
        };
        assert_near(landmarks_at(&mended, roll_deg), truth, 1e-3);
        let (before, after) = (from_crop_at(&face, roll_deg), from_crop(&mended));
        assert!(before.apply(TURN_CENTER).distance(after.apply(TURN_CENTER)) < 1e-3);
        assert!((rotation_deg(&before) - rotation_deg(&after)).abs() < 1e-2);
    }
}

#[test]
fn a_head_on_its_top_has_its_eyes_below() {
    let (face, truth) = half_turned(180.0, 0.0);
    let landmarks = landmarks_at(&face, 180.0);
    assert_near(landmarks, truth, 1e-3);
    assert!(landmarks[0].y > landmarks[3].y && landmarks[0].x > landmarks[1].x);
}

fn grey(bytes: &[u8], w: u32, h: u32) -> Frame<'_> {
    Frame::packed(bytes, PixelFormat::Grey, (w, h), Millis(0)).unwrap()
}

/// [`align`] without brightening, so that the crop can be compared with the frame.
fn sampled(frame: &Frame<'_>, face: &Face, crop: &mut Crop) {
    sample(frame, &from_crop(face), crop);
}

#[test]
fn a_dark_face_is_brightened() {
    let bytes = [20; 48 * 48];
    let mut crop = EMPTY;
    align(
        &grey(&bytes, 48, 48),
        &face_at(&Similarity::IDENTITY),
        &mut crop,
    );
    assert_eq!(crop, [60; 48 * 48]);
}

fn painted(w: u32, h: u32, ink: impl Fn(f32, f32) -> u8) -> Vec<u8> {
    let at = |i: u32| ink((i % w) as f32 + 0.5, (i / w) as f32 + 0.5);
    (0..w * h).map(at).collect()
}

#[test]
fn the_framing_is_the_measured_one() {
    // The packaged crate stands without the models, so there may be none.
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../models/train/classifier/framing.json"
    );
    let Ok(json) = std::fs::read_to_string(path) else {
        return;
    };
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
    sampled(&grey(&bytes, 48, 48), &face_at(&turned), &mut crop);
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
    sampled(&grey(&bytes, 240, 200), &face, &mut crop);
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
        sampled(&grey(&bytes, 400, 400), &face_at(&to_frame), &mut crop);
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
        (PixelFormat::Yuyv, [93, 3].repeat(16)),
        (PixelFormat::Nv12, [[93; 16], [3; 16]].concat()),
    ] {
        let frame = Frame::packed(&bytes, format, (4, 4), Millis(0)).unwrap();
        sampled(&frame, &face_at(&Similarity::IDENTITY), &mut crop);
        assert_eq!(crop, [90; CROP_PX * CROP_PX], "{format:?}");
    }
}

/// A face 3 to 40 times as large as the crop, anywhere in the frame and over its edge.
fn large_faces() -> impl Strategy<Value = Similarity> {
    (
        3.0..40.0_f32,
        -3.1..3.1_f32,
        -100.0..700.0_f32,
        -100.0..500.0_f32,
    )
        .prop_map(|(scale, angle, x, y)| Similarity {
            a: scale * angle.cos(),
            b: scale * angle.sin(),
            tx: x,
            ty: y,
        })
}

/// Light and shade as a face has them, far larger than the blocks: 640x480 in one, two and three bytes a pixel.
fn shaded() -> &'static [Vec<u8>; 3] {
    static PICTURES: std::sync::OnceLock<[Vec<u8>; 3]> = std::sync::OnceLock::new();
    PICTURES.get_or_init(|| {
        let ink =
            |x: f32, y: f32| (128.0 + 60.0 * (x / 60.0).sin() + 50.0 * (y / 45.0).cos()) as u8;
        let grey = painted(640, 480, ink);
        [1, 2, 3].map(|bytes| {
            grey.iter()
                .flat_map(|&ink| [ink; 3].into_iter().take(bytes))
                .collect()
        })
    })
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
        sampled(&grey(&bytes, 480, 480), &face_at(&to_frame), &mut crop);
        for (i, &byte) in crop.iter().enumerate() {
            let p = to_frame.apply(Point::new((i % 48) as f32 + 0.5, (i / 48) as f32 + 0.5));
            if (1.0..479.0).contains(&p.x) && (1.0..479.0).contains(&p.y) {
                prop_assert!((f32::from(byte) - ink(p)).abs() < 4.0, "{p:?} {byte} {}", ink(p));
            }
        }
    }

    #[test]
    fn by_way_of_a_smaller_picture_a_large_face_is_the_same(to_frame in large_faces(), format in 0..3_usize) {
        let bytes = &shaded()[format];
        let format = [PixelFormat::Grey, PixelFormat::Yuyv, PixelFormat::Rgb][format];
        let frame = Frame::packed(bytes, format, (640, 480), Millis(0)).unwrap();
        let (mut quick, mut slow) = (EMPTY, EMPTY);
        if shrunk(&frame, &to_frame, &mut quick) {
            warp(&frame, &to_frame, &mut slow);
            for (i, (a, b)) in quick.iter().zip(slow).enumerate() {
                let p = to_frame.apply(Point::new((i % 48) as f32 + 0.5, (i / 48) as f32 + 0.5));
                // Samples lie apart where the face is huge, and at the edge a part of a block is missing.
                let near = to_frame.scale() < 16.0 && (40.0..600.0).contains(&p.x) && (40.0..440.0).contains(&p.y);
                prop_assert!(a.abs_diff(b) <= if near { 3 } else { 60 }, "{p:?} {a} {b}");
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
        sampled(&grey(&bytes, 8, 8), &face, &mut crop);
        prop_assert_eq!(crop, [9; CROP_PX * CROP_PX]);
    }
}

#[test]
fn a_crop_turned_to_a_roll_keeps_its_middle_and_its_scale() {
    let (sin, cos) = 0.3_f32.sin_cos();
    let placed = Similarity {
        a: 2.0 * cos,
        b: 2.0 * sin,
        tx: 70.0,
        ty: 40.0,
    };
    let face = face_at(&placed);
    assert!((landmarks_roll_deg(&face) - 0.3_f32.to_degrees()).abs() < 1e-3);
    for roll_deg in [-40.0, 0.0, 17.0, 45.0, 75.0, 435.0] {
        let turned = from_crop_at(&face, roll_deg);
        assert!((turned.scale() - 2.0).abs() < 1e-4);
        let off = rotation_deg(&turned) - wrap_deg(roll_deg);
        assert!(wrap_deg(off).abs() < 1e-2, "{roll_deg}");
        let moved = turned
            .apply(TURN_CENTER)
            .distance(placed.apply(TURN_CENTER));
        assert!(moved < 1e-3, "{moved}");
    }
    assert!(from_crop_at(&face, f32::NAN).tx.is_finite());
}

#[test]
fn a_head_on_its_top_is_cut_by_its_box_for_its_landmarks_are_an_upright_template() {
    let upright = Similarity {
        a: 2.0,
        b: 0.0,
        tx: 70.0,
        ty: 40.0,
    };
    let face = face_at(&upright);
    for roll_deg in [180.0, -170.0, 120.0, -90.0] {
        let turned = from_crop_at(&face, roll_deg);
        assert!((turned.scale() - 2.0).abs() < 1e-4);
        assert!(wrap_deg(rotation_deg(&turned) - roll_deg).abs() < 1e-2);
        let middle = turned.apply(BOX_IN_CROP.center());
        assert!(middle.distance(face.rect.center()) < 1e-3, "{middle:?}");
    }
}

#[test]
fn a_crop_is_mended_by_turn_offset_and_size() {
    // By the definition: linear part times rotation and size, and the offset point comes to the centre.
    let back = Similarity {
        a: 2.0,
        b: 0.5,
        tx: 7.0,
        ty: -3.0,
    };
    let pose = CropPose {
        roll_deg: 30.0,
        offset_px: Point::new(3.0, -2.0),
        log_size: 0.2,
        frontal: 1.0,
        profile: 0.0,
        lowered: 0.0,
    };
    let mended = mended(&back, &pose);
    assert!((rotation_deg(&mended) - rotation_deg(&back) - 30.0).abs() < 1e-3);
    assert!((mended.scale() / back.scale() - 0.2_f32.exp()).abs() < 1e-5);
    let at = mended.apply(TURN_CENTER);
    assert!(at.distance(back.apply(Point::new(27.0, 25.8))) < 1e-4);
}

#[test]
fn angles_are_brought_into_one_circle() {
    for (angle, expected) in [(0.0, 0.0), (180.0, -180.0), (-181.0, 179.0), (725.0, 5.0)] {
        assert!((wrap_deg(angle) - expected).abs() < 1e-3);
    }
    assert_eq!(wrap_deg(f32::NAN), 0.0);
}
