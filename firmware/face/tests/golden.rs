//! Every look in every theme, and whole screens, against golden pictures beside this file. `MOODRING_BLESS=1` draws
//! them anew: then look at them.

mod canvas;

use std::{fs, path::PathBuf};

use canvas::Canvas;
use embedded_graphics::{pixelcolor::Rgb888, prelude::*};
use image::RgbImage;
use moodring_core::expression::Expression;
use moodring_face::{
    animate::Pose,
    look::Look,
    picture::{Indicators, Picture, ScreenShape},
    theme::Theme,
};

fn compare(name: &str, drawn: &RgbImage) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let path = folder.join(format!("{name}.png"));
    if std::env::var_os("MOODRING_BLESS").is_some() {
        let folder = path.parent().expect("a file lies in a folder");
        fs::create_dir_all(folder).expect("the folder of golden pictures can be made");
        drawn.save(&path).expect("golden pictures can be written");
    }
    let golden = image::open(&path)
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        .to_rgb8();
    assert_eq!(golden.dimensions(), drawn.dimensions(), "{name}");
    // No tolerance: every machine draws the same bytes.
    let wrong = golden.pixels().zip(drawn.pixels()).filter(|(a, b)| a != b);
    let wrong = wrong.count();
    assert_eq!(
        wrong,
        0,
        "{name}: pixels that differ from {}",
        path.display()
    );
}

fn every_look(theme: &str, size: Size) {
    for look in Look::ALL {
        let pose = Pose::still(look);
        let theme_of = Theme::from_name(theme).expect("a theme of that name");
        let canvas = Canvas::<Rgb888>::face(size, &pose, theme_of);
        let name = format!("{theme}-{}x{}/{}", size.width, size.height, look.name());
        let image = canvas.image();
        // What a display of two colours makes of it, not our greys.
        let bits = RgbImage::from_fn(size.width, size.height, |x, y| {
            image::Rgb(
                [if image.get_pixel(x, y)[1] < 128 {
                    0
                } else {
                    255
                }; 3],
            )
        });
        compare(&name, if theme == "mono" { &bits } else { &image });
    }
}

#[test]
fn classic_looks_as_before() {
    every_look("classic", Size::new(240, 240));
    every_look("classic", Size::new(64, 64));
}

#[test]
fn contrast_looks_as_before() {
    every_look("contrast", Size::new(96, 96));
}

#[test]
fn minimal_looks_as_before() {
    every_look("minimal", Size::new(96, 96));
}

#[test]
fn mono_looks_as_before() {
    every_look("mono", Size::new(64, 64));
    every_look("mono", Size::new(128, 128));
}

#[test]
fn a_tilted_head_looks_as_before() {
    for roll_deg in [-40.0, 25.0] {
        let pose = Pose {
            roll_deg,
            ..Pose::still(Expression::Sad)
        };
        let canvas = Canvas::<Rgb888>::face(Size::new(120, 96), &pose, &Theme::CLASSIC);
        compare(&format!("screens/sad-roll{roll_deg:+}"), &canvas.image());
    }
}

/// Name, size, faces, text, form and colours of a screen.
type Screen<'a> = (
    &'a str,
    (u32, u32),
    &'a [Pose],
    &'a [&'a str],
    ScreenShape,
    &'a Theme,
);

/// Every form of screen that we know, with one face and several, with and without text.
#[test]
fn whole_screens_look_as_before() {
    use Expression::{Angry, Disgust, Fear, Happy, Neutral, Sad, Surprise};
    let faces = [Happy, Sad, Surprise, Angry, Fear, Disgust, Neutral].map(Pose::still);
    let unsure = [Pose::still(moodring_core::mood::Mood::Uncertain)];
    let lines = ["happy 87%", "kitchen"];
    let screens: [Screen<'_>; 12] = [
        (
            "st7735-160x128",
            (160, 128),
            &faces[..1],
            &lines,
            ScreenShape::Square,
            &Theme::CLASSIC,
        ),
        (
            "st7789-135x240",
            (135, 240),
            &faces[..1],
            &lines,
            ScreenShape::Square,
            &Theme::CLASSIC,
        ),
        (
            "st7789-240x240-three",
            (240, 240),
            &faces[..3],
            &[],
            ScreenShape::Square,
            &Theme::CLASSIC,
        ),
        (
            "st7789-240x240-text",
            (240, 240),
            &unsure,
            &lines,
            ScreenShape::Square,
            &Theme::CLASSIC,
        ),
        (
            "ili9341-320x240-seven",
            (320, 240),
            &faces,
            &lines,
            ScreenShape::Square,
            &Theme::CONTRAST,
        ),
        (
            "st7796-320x480-four",
            (320, 480),
            &faces[..4],
            &lines,
            ScreenShape::Square,
            &Theme::CLASSIC,
        ),
        (
            "gc9a01-round",
            (240, 240),
            &unsure,
            &[],
            ScreenShape::Round,
            &Theme::CLASSIC,
        ),
        (
            "gc9a01-round-text",
            (240, 240),
            &faces[..1],
            &lines,
            ScreenShape::Round,
            &Theme::MINIMAL,
        ),
        (
            "gc9a01-round-three",
            (240, 240),
            &faces[..3],
            &[],
            ScreenShape::Round,
            &Theme::CLASSIC,
        ),
        (
            "ssd1306-128x64",
            (128, 64),
            &faces[..1],
            &lines,
            ScreenShape::Square,
            &Theme::MONO,
        ),
        (
            "ssd1306-64x64-text",
            (64, 64),
            &faces[1..2],
            &["sad 87%"],
            ScreenShape::Square,
            &Theme::MONO,
        ),
        (
            "ssd1306-64x64-three",
            (64, 64),
            &faces[..3],
            &[],
            ScreenShape::Square,
            &Theme::MONO,
        ),
    ];
    compare_screens(&screens, Indicators::CameraRuns);
}

/// While somebody elsewhere sees the camera's picture, the display shows everybody in front of it a sign.
#[test]
fn the_sign_of_the_preview_looks_as_before() {
    let face = [Pose::still(Expression::Happy)];
    let (square, round) = (ScreenShape::Square, ScreenShape::Round);
    let screens: [Screen<'_>; 4] = [
        (
            "preview-240x240",
            (240, 240),
            &face,
            &[],
            square,
            &Theme::CLASSIC,
        ),
        (
            "preview-round",
            (240, 240),
            &face,
            &[],
            round,
            &Theme::CLASSIC,
        ),
        (
            "preview-160x128",
            (160, 128),
            &face,
            &["happy 87%"],
            square,
            &Theme::CONTRAST,
        ),
        (
            "preview-128x64",
            (128, 64),
            &face,
            &[],
            square,
            &Theme::MONO,
        ),
    ];
    compare_screens(&screens, Indicators::Preview);
}

fn compare_screens(screens: &[Screen<'_>], indicators: Indicators) {
    for (name, (w, h), faces, lines, shape, theme) in screens.iter().copied() {
        let picture = Picture {
            faces,
            lines,
            shape,
            indicators,
        };
        let image = Canvas::<Rgb888>::picture(Size::new(w, h), picture, theme).image();
        compare(&format!("screens/{name}"), &image);
    }
}
