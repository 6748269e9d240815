//! Every mood against its golden picture beside this file. `MOODRING_BLESS=1` draws the pictures anew.

use std::{convert::Infallible, fs, path::PathBuf};

use embedded_graphics::{
    pixelcolor::{BinaryColor, PixelColor, Rgb888},
    prelude::*,
    primitives::Rectangle,
};
use image::{Rgb, RgbImage};
use moodring_core::{expression::Expression, mood::Mood};
use moodring_face::{animate::Pose, draw::draw, look::Look, theme::Theme};

/// A picture in memory.
struct Canvas<C> {
    size: Size,
    pixels: Vec<C>,
}

impl<C: PixelColor + From<Rgb888>> Canvas<C> {
    fn face(size: Size, pose: &Pose, theme: &Theme) -> Self {
        let mut canvas = Self {
            size,
            // A colour that no face has: whatever is left was forgotten.
            pixels: vec![Rgb888::new(255, 0, 255).into(); (size.width * size.height) as usize],
        };
        let Ok(()) = draw(
            &mut canvas,
            Rectangle::new(Point::zero(), size),
            pose,
            theme,
        );
        canvas
    }
}

impl<C> OriginDimensions for Canvas<C> {
    fn size(&self) -> Size {
        self.size
    }
}

impl<C: PixelColor> DrawTarget for Canvas<C> {
    type Color = C;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<C>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(at, colour) in pixels {
            assert!(
                Rectangle::new(Point::zero(), self.size).contains(at),
                "{at:?} is outside"
            );
            self.pixels[(at.y as u32 * self.size.width + at.x as u32) as usize] = colour;
        }
        Ok(())
    }
}

impl Canvas<Rgb888> {
    fn image(&self) -> RgbImage {
        RgbImage::from_fn(self.size.width, self.size.height, |x, y| {
            let c = self.pixels[(y * self.size.width + x) as usize];
            Rgb([c.r(), c.g(), c.b()])
        })
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn compare(name: &str, drawn: &RgbImage) {
    let path = folder().join(format!("{name}.png"));
    if std::env::var_os("MOODRING_BLESS").is_some() {
        fs::create_dir_all(folder()).expect("the folder of golden pictures can be made");
        drawn.save(&path).expect("golden pictures can be written");
    }
    let golden = image::open(&path)
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        .to_rgb8();
    assert_eq!(golden.dimensions(), drawn.dimensions(), "{name}");
    // No tolerance: libm and plain f32 give the same bits on every machine.
    let wrong = golden
        .pixels()
        .zip(drawn.pixels())
        .filter(|(a, b)| a != b)
        .count();
    assert_eq!(
        wrong,
        0,
        "{name}: pixels that differ from {}",
        path.display()
    );
}

#[test]
fn every_mood_looks_as_before() {
    for mood in &Look::ALL[..9] {
        let canvas = Canvas::face(Size::new_equal(96), &Pose::still(*mood), &Theme::CLASSIC);
        compare(mood.name(), &canvas.image());
    }
}

#[test]
fn a_tilted_head_looks_as_before() {
    let pose = Pose {
        roll_deg: 25.0,
        ..Pose::still(Mood::Showing(Expression::Sad))
    };
    let canvas = Canvas::<Rgb888>::face(Size::new(120, 96), &pose, &Theme::CLASSIC);
    compare("sad-roll-25", &canvas.image());
}

#[test]
fn mono_looks_as_before() {
    for mood in &Look::ALL[..9] {
        let canvas =
            Canvas::<BinaryColor>::face(Size::new_equal(64), &Pose::still(*mood), &Theme::MONO);
        let image = RgbImage::from_fn(64, 64, |x, y| {
            let on = canvas.pixels[(y * 64 + x) as usize].is_on();
            Rgb([if on { 255 } else { 0 }; 3])
        });
        compare(&format!("mono-{}", mood.name()), &image);
    }
}

#[test]
fn every_pair_of_moods_differs_clearly_at_64_by_64_mono() {
    let drawn = Look::ALL[..9]
        .iter()
        .map(|mood| {
            Canvas::<BinaryColor>::face(Size::new_equal(64), &Pose::still(*mood), &Theme::MONO)
                .pixels
        })
        .collect::<Vec<_>>();
    for (i, a) in drawn.iter().enumerate() {
        for (j, b) in drawn.iter().enumerate().skip(i + 1) {
            let differ = a.iter().zip(b).filter(|(a, b)| a != b).count();
            assert!(
                differ >= 100,
                "{:?} and {:?} differ in {differ} pixels",
                Look::ALL[i],
                Look::ALL[j]
            );
        }
    }
}

#[test]
fn bands_are_the_same_picture_as_the_whole() {
    /// Sees only some rows of a larger screen.
    struct Band<'a> {
        rows: Rectangle,
        screen: &'a mut Canvas<Rgb888>,
    }
    impl Dimensions for Band<'_> {
        fn bounding_box(&self) -> Rectangle {
            self.rows
        }
    }
    impl DrawTarget for Band<'_> {
        type Color = Rgb888;
        type Error = Infallible;
        fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
            &mut self,
            pixels: I,
        ) -> Result<(), Infallible> {
            let rows = self.rows;
            self.screen
                .draw_iter(pixels.into_iter().inspect(|p| assert!(rows.contains(p.0))))
        }
    }
    let size = Size::new(101, 80);
    let pose = Pose {
        roll_deg: -12.0,
        ..Pose::still(Mood::Showing(Expression::Fear))
    };
    let whole = Canvas::<Rgb888>::face(size, &pose, &Theme::CLASSIC);
    let mut screen = Canvas {
        size,
        pixels: vec![Rgb888::BLUE; 101 * 80],
    };
    for top in (0..80).step_by(16) {
        let rows = Rectangle::new(Point::new(0, top), Size::new(101, 16));
        let mut band = Band {
            rows,
            screen: &mut screen,
        };
        draw(
            &mut band,
            Rectangle::new(Point::zero(), size),
            &pose,
            &Theme::CLASSIC,
        )
        .unwrap();
    }
    assert!(screen.pixels == whole.pixels);
}

#[test]
fn odd_areas_are_filled_or_left_alone() {
    for size in [
        Size::new(1, 1),
        Size::new(2, 1),
        Size::new(3, 64),
        Size::new(64, 3),
    ] {
        let canvas = Canvas::<Rgb888>::face(size, &Pose::still(Mood::Nobody), &Theme::CLASSIC);
        assert!(
            !canvas.pixels.contains(&Rgb888::new(255, 0, 255)),
            "{size:?}"
        );
    }
    Canvas::<Rgb888>::face(Size::zero(), &Pose::still(Mood::Nobody), &Theme::CLASSIC);
}
