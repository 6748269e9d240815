//! The emoji as PNG bytes in memory, for browsers: the face that follows the mood, and single looks to lay over photos.

use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use image::{ExtendedColorType, ImageEncoder, ImageResult, codecs::png::PngEncoder};
use moodring_base::config::{DisplaySettings, ThemeName};
use moodring_core::frame::Millis;
use moodring_face::{
    animate::{IdleMotion, Pose},
    look::Look,
    picture::{Picture, ScreenShape},
    svg,
    theme::Theme,
};

use super::{View, canvas::Canvas, faces::Faces};

/// The face that follows the mood; it is drawn again only when it looks different.
#[derive(Debug)]
pub struct FaceImage {
    faces: Faces,
    theme: Theme,
    canvas: Canvas,
    /// What was returned last.
    shown: Option<Canvas>,
}

impl FaceImage {
    /// A square picture of this side in pixels, with the faces and the text of the settings. It blinks.
    pub fn new(settings: &DisplaySettings, size_px: u32, now: Millis) -> Self {
        Self {
            faces: Faces::new(settings, IdleMotion::Calm, now),
            theme: settings.theme.or(&Theme::CLASSIC),
            canvas: Canvas::new(size_px, size_px),
            shown: None,
        }
    }

    /// Uses this theme from now on.
    pub fn set_theme(&mut self, theme: ThemeName) {
        self.theme = theme.or(&Theme::CLASSIC);
    }

    /// The picture as PNG; `None` if it looks as it did last time.
    ///
    /// # Errors
    /// The encoder's error.
    pub fn draw(&mut self, view: &View<'_>) -> ImageResult<Option<Vec<u8>>> {
        let scene = self.faces.scene(view);
        scene.with_picture(ScreenShape::Square, |picture| {
            self.canvas.paint(picture, &self.theme);
        });
        if self.shown.as_ref() == Some(&self.canvas) {
            return Ok(None);
        }
        let mut png = Vec::new();
        self.canvas.encode_png(&mut png)?;
        self.shown = Some(self.canvas.clone());
        Ok(Some(png))
    }
}

/// The face that follows the mood as SVG, sharp at every size; the one who counts alone, without text and signs.
#[derive(Debug)]
pub struct FaceSvg {
    faces: Faces,
    theme: Theme,
    shown: Option<Pose>,
}

impl FaceSvg {
    /// A square picture with the theme of the settings. It blinks.
    pub fn new(settings: &DisplaySettings, now: Millis) -> Self {
        Self {
            faces: Faces::new(settings, IdleMotion::Calm, now),
            theme: settings.theme.or(&Theme::CLASSIC),
            shown: None,
        }
    }

    /// Uses this theme from now on.
    pub fn set_theme(&mut self, theme: ThemeName) {
        let theme = theme.or(&Theme::CLASSIC);
        if theme != self.theme {
            (self.theme, self.shown) = (theme, None);
        }
    }

    /// The picture at `now` as one line of text; `None` if it looks as it did the last time.
    pub fn draw(&mut self, view: &View<'_>) -> Option<String> {
        let pose = self.faces.scene(view).first()?;
        if self.shown == Some(pose) {
            return None;
        }
        self.shown = Some(pose);
        Some(vector(&pose, &self.theme))
    }
}

/// A look at rest as SVG.
pub fn vector_sticker(look: Look, theme: &Theme) -> String {
    vector(&Pose::still(look), theme)
}

fn vector(pose: &Pose, theme: &Theme) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = svg::write(&mut text, pose, theme);
    text
}

/// A look at rest as a square PNG; everything but the face is transparent.
///
/// # Errors
/// The encoder's error.
pub fn sticker(look: Look, size_px: u32, theme: &Theme) -> ImageResult<Vec<u8>> {
    let rgba = sticker_rgba(look, size_px, theme);
    let mut png = Vec::new();
    PngEncoder::new(&mut png).write_image(&rgba, size_px, size_px, ExtendedColorType::Rgba8)?;
    Ok(png)
}

/// The same as bytes: red, green, blue and opacity of each pixel, row by row.
pub fn sticker_rgba(look: Look, size_px: u32, theme: &Theme) -> Vec<u8> {
    let on = |ground: Rgb888| {
        let mut canvas = Canvas::new(size_px, size_px);
        let picture = Picture {
            faces: &[Pose::still(look)],
            shape: ScreenShape::Square,
            ..Picture::default()
        };
        canvas.paint(picture, &theme.on(ground, Rgb888::BLACK));
        canvas
    };
    // The renderer has no transparency. Where drawings on black and on white differ, the ground shows through.
    let (black, white) = (on(Rgb888::BLACK), on(Rgb888::WHITE));
    let mut rgba = Vec::with_capacity(size_px as usize * size_px as usize * 4);
    for y in 0..size_px {
        for x in 0..size_px {
            rgba.extend(unmixed(black.pixel(x, y), white.pixel(x, y)));
        }
    }
    rgba
}

/// The colour and opacity that give these two colours on black and on white.
fn unmixed(black: [u8; 3], white: [u8; 3]) -> [u8; 4] {
    let gap = |i: usize| u16::from(white[i].saturating_sub(black[i]));
    let through = gap(0).max(gap(1)).max(gap(2));
    let opaque = 255 - through;
    if opaque == 0 {
        return [0; 4];
    }
    // Rounding may take a colour a step beyond 255.
    let colour = |c: u8| (u16::from(c) * 255 / opaque).min(255) as u8;
    let [r, g, b] = black.map(colour);
    [r, g, b, opaque as u8]
}

#[cfg(test)]
mod tests {
    use moodring_core::expression::Expression;

    use super::*;
    use moodring_base::snapshot::{BrokerState, Snapshot};

    #[test]
    fn a_sticker_has_a_face_in_the_middle_and_nothing_in_the_corners() {
        let png = sticker(Expression::Happy.into(), 64, &Theme::CLASSIC).unwrap();
        let picture = image::load_from_memory(&png).unwrap().to_rgba8();
        assert_eq!(picture.dimensions(), (64, 64));
        assert_eq!(picture.get_pixel(0, 0)[3], 0);
        let cheek = picture.get_pixel(32, 20);
        assert_eq!(cheek[3], 255);
        assert!(cheek[0] > 200 && cheek[1] > 150, "yellow: {cheek:?}");
    }

    /// `MOODRING_BLESS=1` draws them anew.
    #[test]
    fn the_module_for_magicmirror_has_our_faces() {
        let folder = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../deploy/magicmirror/MMM-moodring/faces"
        );
        for look in Look::ALL {
            let path = format!("{folder}/{}.png", look.name());
            let drawn = sticker(look, 512, &Theme::CLASSIC).unwrap();
            if std::env::var_os("MOODRING_BLESS").is_some() {
                std::fs::write(&path, &drawn).unwrap();
            }
            let pixels = |png: &[u8]| image::load_from_memory(png).unwrap().to_rgba8();
            let kept = pixels(&std::fs::read(&path).unwrap());
            assert!(kept == pixels(&drawn), "{path} is not what moodring draws");
        }
    }

    #[test]
    fn a_mix_is_taken_apart() {
        assert_eq!(unmixed([0; 3], [255; 3]), [0; 4]);
        assert_eq!(unmixed([10, 20, 30], [10, 20, 30]), [10, 20, 30, 255]);
        let [r, g, b, a] = unmixed([100, 50, 0], [228, 178, 128]);
        assert_eq!(a, 127);
        assert!(r.abs_diff(200) < 3 && g.abs_diff(100) < 3 && b == 0);
    }

    #[test]
    fn a_vector_face_is_drawn_only_when_it_differs() {
        let mut image = FaceSvg::new(&DisplaySettings::default(), Millis(0));
        let snapshot = Snapshot::default();
        let view = View {
            snapshot: &snapshot,
            broker: BrokerState::Off,
            source: "test",
            device: "test",
            preview: false,
            now: Millis(10_000),
            minute: 0,
        };
        let first = image.draw(&view).unwrap();
        assert!(
            first.starts_with("<svg ") && !first.contains('\n'),
            "{first:.80}"
        );
        assert_eq!(image.draw(&view), None);
        image.set_theme(ThemeName::Classic);
        assert_eq!(image.draw(&view), None, "the same colours");
    }

    #[test]
    fn a_face_image_is_drawn_only_when_it_differs() {
        let mut image = FaceImage::new(&DisplaySettings::default(), 48, Millis(0));
        let snapshot = Snapshot::default();
        let view = View {
            snapshot: &snapshot,
            broker: BrokerState::Off,
            source: "test",
            device: "test",
            preview: false,
            now: Millis(10_000),
            minute: 0,
        };
        assert!(image.draw(&view).unwrap().is_some());
        assert!(image.draw(&view).unwrap().is_none());
    }
}
