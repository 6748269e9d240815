//! What must hold for every drawing: bands, odd areas, looks that differ, and few pixels that change.

mod canvas;

use canvas::Canvas;
use embedded_graphics::{
    pixelcolor::{BinaryColor, Rgb565, Rgb888},
    prelude::*,
    primitives::Rectangle,
};
use moodring_core::{expression::Expression, frame::Millis, mood::Mood};
use moodring_face::{
    animate::{Animator, IdleMotion, Pose},
    look::Look,
    picture::{Indicators, Painter, Picture, ScreenShape},
    theme::Theme,
};

#[test]
fn every_pair_of_looks_differs_clearly_at_64_by_64_mono() {
    let size = Size::new_equal(64);
    let drawn = Look::ALL
        .map(|look| Canvas::<BinaryColor>::face(size, &Pose::still(look), &Theme::MONO).pixels);
    for (i, a) in drawn.iter().enumerate() {
        for (j, b) in drawn.iter().enumerate().skip(i + 1) {
            let differ = a.iter().zip(b).filter(|(a, b)| a != b).count();
            let (a, b) = (Look::ALL[i], Look::ALL[j]);
            assert!(differ >= 150, "{a:?} and {b:?} differ in {differ} pixels");
        }
    }
}

#[test]
fn bands_are_the_same_picture_as_the_whole() {
    let mut faces = [Expression::Fear, Expression::Happy, Expression::Sad].map(Pose::still);
    faces[0].roll_deg = -12.0;
    let lines = ["fear 61%", "hall"];
    // Wider than a piece of a row, and not a multiple of the band's height.
    for (w, h, shape, count) in [
        (101, 80, ScreenShape::Square, 1),
        (320, 111, ScreenShape::Square, 3),
        (240, 240, ScreenShape::Round, 3),
        (300, 290, ScreenShape::Square, 1),
    ] {
        let size = Size::new(w, h);
        let picture = Picture {
            faces: &faces[..count],
            lines: &lines,
            indicators: Indicators::CameraRuns,
            shape,
        };
        let whole = Canvas::<Rgb565>::picture(size, picture, &Theme::CLASSIC);
        let area = Rectangle::new(Point::zero(), size);
        let mut painter = Painter::new(area, picture, &Theme::CLASSIC);
        let mut rows = Vec::new();
        for top in (0..h).step_by(16) {
            let band = Size::new(w, 16.min(h - top));
            let mut band = Canvas::<Rgb565>::new(band, top as i32);
            painter.draw(&mut band).unwrap();
            rows.extend(band.pixels);
        }
        assert!(rows == whole.pixels, "{w}x{h}");
    }
}

#[test]
fn a_picture_is_the_same_wherever_its_area_begins() {
    let size = Size::new(70, 60);
    let pose = Pose::still(Mood::Uncertain);
    let here = Canvas::<Rgb888>::face(size, &pose, &Theme::CLASSIC);
    let mut there = Canvas::<Rgb888>::new(size, 500);
    let area = Rectangle::new(Point::new(0, 500), size);
    moodring_face::draw::draw(&mut there, area, &pose, &Theme::CLASSIC).unwrap();
    assert!(here.pixels == there.pixels);
}

#[test]
fn odd_areas_are_filled_or_left_alone() {
    let pose = Pose::still(Mood::Nobody);
    for (w, h) in [(1, 1), (2, 1), (3, 64), (64, 3), (700, 5), (1, 600)] {
        let canvas = Canvas::<Rgb888>::face(Size::new(w, h), &pose, &Theme::CLASSIC);
        assert!(
            !canvas.pixels.contains(&Rgb888::new(255, 0, 255)),
            "{w}x{h}"
        );
    }
    Canvas::<Rgb888>::face(Size::zero(), &pose, &Theme::CLASSIC);
}

#[test]
fn a_picture_fills_its_area_whatever_is_in_it() {
    let faces = [Pose::still(Look::Starting); 9];
    for count in 0..9 {
        for shape in [ScreenShape::Square, ScreenShape::Round] {
            let picture = Picture {
                faces: &faces[..count],
                lines: &["a"][..count % 2],
                shape,
                indicators: Indicators::None,
            };
            let canvas = Canvas::<Rgb888>::picture(Size::new(97, 61), picture, &Theme::MINIMAL);
            assert!(
                !canvas.pixels.contains(&Rgb888::new(255, 0, 255)),
                "{count}"
            );
        }
    }
}

#[test]
fn round_glass_shows_all_that_is_not_background() {
    for look in Look::ALL {
        let poses = [Pose {
            roll_deg: 15.0,
            ..Pose::still(look)
        }; 8];
        for (count, lines) in [1, 2, 3, 8]
            .into_iter()
            .flat_map(|count| [(count, &[][..]), (count, &["surprise 100%", "living room"])])
        {
            let picture = Picture {
                faces: &poses[..count],
                lines,
                indicators: Indicators::CameraRuns,
                shape: ScreenShape::Round,
            };
            let canvas = Canvas::<Rgb888>::picture(Size::new(240, 240), picture, &Theme::CLASSIC);
            for (i, colour) in canvas.pixels.iter().enumerate() {
                let (x, y) = ((i % 240) as f32 - 119.5, (i / 240) as f32 - 119.5);
                assert!(
                    x.hypot(y) < 120.5 || *colour == Rgb888::BLACK,
                    "{count} of {look:?} {x} {y}"
                );
            }
        }
    }
}

/// Issue 24: the lamp covered the question mark of `uncertain`.
#[test]
fn no_indicator_covers_a_letter_or_a_line() {
    let theme = Theme {
        note: Rgb888::new(1, 2, 3),
        line: Rgb888::new(1, 2, 4),
        sign: Rgb888::new(1, 2, 5),
        text: Rgb888::new(1, 2, 6),
        ..Theme::CLASSIC
    };
    let kept = [theme.note, theme.line, theme.sign, theme.text];
    let sizes = [
        (64, 64),
        (128, 64),
        (135, 240),
        (160, 80),
        (240, 240),
        (320, 240),
        (480, 320),
    ];
    for look in Look::ALL {
        let mut drifted = Pose::still(look);
        drifted.params.extras.float = 1.0;
        // Only the letters of sleep drift.
        let poses = &[Pose::still(look), drifted][..1 + usize::from(look == Mood::Nobody.into())];
        let texts: [&[&str]; 2] = [&[], &["surprise 100%", "living room"]];
        let cases = poses
            .iter()
            .flat_map(|pose| sizes.iter().map(move |size| (*pose, *size)));
        for ((pose, (w, h)), lines) in cases.flat_map(|case| texts.map(|lines| (case, lines))) {
            for shape in [ScreenShape::Square, ScreenShape::Round] {
                // Round glass has 240 pixels; on less than half of them a sign is as large as a brow.
                if shape == ScreenShape::Round && w.min(h) < 200 {
                    continue;
                }
                let draw = |indicators| {
                    let picture = Picture {
                        faces: &[pose, pose, pose][..lines.len() + 1],
                        lines,
                        indicators,
                        shape,
                    };
                    Canvas::<Rgb888>::picture(Size::new(w, h), picture, &theme).pixels
                };
                let bare = draw(Indicators::None);
                for indicators in [Indicators::CameraRuns, Indicators::Preview] {
                    let signed = draw(indicators);
                    let covered = bare
                        .iter()
                        .zip(&signed)
                        .filter(|(a, b)| kept.contains(a) && a != b);
                    assert_eq!(
                        covered.count(),
                        0,
                        "{look:?} {w}x{h} {shape:?} {indicators:?} {lines:?}"
                    );
                    assert!(bare != signed);
                }
            }
        }
    }
}

/// Pixels that change between two moments.
fn changed(face: &Animator, from: u64, to: u64) -> usize {
    let draw = |ms| {
        Canvas::<Rgb565>::face(
            Size::new_equal(240),
            &face.pose(Millis(ms)),
            &Theme::CLASSIC,
        )
        .pixels
    };
    draw(from)
        .iter()
        .zip(draw(to))
        .filter(|(a, b)| **a != *b)
        .count()
}

#[test]
fn at_rest_only_blinks_change_pixels_and_only_around_the_eyes() {
    let face = Animator::new(Expression::Neutral, IdleMotion::Calm, Millis(0));
    let counts: Vec<_> = (0..240)
        .map(|i| changed(&face, 33 * i, 33 * (i + 1)))
        .collect();
    let busy = counts.iter().filter(|n| **n > 0).count();
    assert!(
        (4..=24).contains(&busy),
        "{busy} of 240 frames change: two blinks of 180 ms"
    );
    assert!(counts.iter().all(|n| *n < 57_600 / 16), "{counts:?}");
}

#[test]
fn a_sleeper_breathes_in_few_steps() {
    let face = Animator::new(Mood::Nobody, IdleMotion::Alive, Millis(0));
    let counts: Vec<_> = (0..240)
        .map(|i| changed(&face, 33 * i, 33 * (i + 1)))
        .collect();
    let busy = counts.iter().filter(|n| **n > 0).count();
    assert!((8..=40).contains(&busy), "{busy} of 240 frames change");
    assert!(counts.iter().all(|n| *n < 57_600 / 16), "{counts:?}");
}

#[test]
fn a_trembling_head_is_at_rest() {
    let mut face = Animator::new(Expression::Neutral, IdleMotion::Still, Millis(0));
    for i in 0..100_u64 {
        let tremble = if i % 2 == 0 { 1.2 } else { -1.0 };
        face.aim(
            Expression::Neutral,
            0.9 + 0.01 * tremble,
            tremble,
            Millis(33 * i),
        );
        assert_eq!(changed(&face, 33 * i, 33 * (i + 1)), 0, "frame {i}");
    }
}
