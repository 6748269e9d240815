//! Draws a whole screen: one face or several, lines of text, and the signs that the camera runs and is watched.

use core::hash::{Hash, Hasher};

use embedded_graphics::{
    pixelcolor::Rgb888,
    prelude::{DrawTarget, Size},
    primitives::Rectangle,
};
use hash32::FnvHasher;

use crate::{
    animate::Pose,
    draw::{Drawing, RowTarget},
    indicators,
    layout::{self, Layout, Tiles},
    text::{self, Font},
    theme::Theme,
};

/// Faces that one picture shows; more are left out.
pub const MAX_FACES: usize = 8;
/// Lines of text that one picture shows; more are left out.
pub const MAX_LINES: usize = 3;
pub use crate::layout::Regions;

/// The form of the glass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScreenShape {
    /// All of the area is seen.
    #[default]
    Square,
    /// Only the circle inside the area is seen (GC9A01): nothing that matters is put into the corners.
    Round,
}

/// Which signs are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Indicators {
    /// It is not shown.
    #[default]
    None,
    /// A small camera at the left of the top.
    CameraRuns,
    /// A lamp beside it, where both have room: somebody elsewhere can see the camera's picture.
    Preview,
}

/// What is to be seen. The caller owns its parts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Picture<'a> {
    /// The faces; the first is the one who counts and is drawn largest. None: only text.
    pub faces: &'a [Pose],
    /// Text, line by line, such as `happy 87%` and the device's name: ASCII and Latin-1. Lines that do not fit
    /// are left out, the last first.
    pub lines: &'a [&'a str],
    /// The signs that the camera runs and that others see its picture.
    pub indicators: Indicators,
    /// The form of the glass.
    pub shape: ScreenShape,
}

/// Draws one picture, whole or in bands. Made once for each picture; draws as often as there are bands.
///
/// ```
/// use embedded_graphics::{mock_display::MockDisplay, pixelcolor::Rgb888, prelude::*};
/// use moodring_face::{
///     animate::Pose,
///     look::Look,
///     picture::{Painter, Picture},
///     theme::Theme,
/// };
///
/// let mut display = MockDisplay::<Rgb888>::new();
/// display.set_allow_overdraw(true);
/// let picture = Picture {
///     faces: &[Pose::still(Look::Starting)],
///     lines: &["hall"],
///     ..Picture::default()
/// };
/// Painter::new(display.bounding_box(), picture, &Theme::CLASSIC).draw(&mut display)?;
/// # Ok::<(), core::convert::Infallible>(())
/// ```
#[derive(Debug)]
pub struct Painter<'a> {
    picture: Picture<'a>,
    theme: &'a Theme,
    area: Rectangle,
    tiles: Tiles,
    text: Option<(Rectangle, Font)>,
    /// The face that was drawn last, and which it was: prepared once for all bands that show it.
    drawing: Drawing,
    prepared: Option<usize>,
}

impl<'a> Painter<'a> {
    /// Lays the picture out in `area`.
    pub fn new(area: Rectangle, picture: Picture<'a>, theme: &'a Theme) -> Self {
        let layout = Layout::of(area, &picture, theme.shades);
        Self {
            picture,
            theme,
            area,
            tiles: layout.tiles,
            text: layout.text,
            drawing: Drawing::new(),
            prepared: None,
        }
    }

    /// Draws the part of the picture that the target shows (its bounding box): all of it, or some rows. Bands
    /// put together are the whole picture, byte by byte.
    ///
    /// # Errors
    /// The target's own.
    pub fn draw<D>(&mut self, target: &mut D) -> Result<(), D::Error>
    where
        D: DrawTarget,
        D::Color: From<Rgb888>,
    {
        self.draw_with(target, Drawing::draw)
    }

    /// As [`Painter::draw`], for targets that take whole pieces of rows.
    ///
    /// # Errors
    /// The target's own.
    pub fn draw_rows<D>(&mut self, target: &mut D) -> Result<(), D::Error>
    where
        D: RowTarget,
        D::Color: From<Rgb888>,
    {
        self.draw_with(target, Drawing::draw_rows)
    }

    fn draw_with<D>(
        &mut self,
        target: &mut D,
        draw_face: impl Fn(&Drawing, &mut D) -> Result<(), D::Error>,
    ) -> Result<(), D::Error>
    where
        D: DrawTarget,
        D::Color: From<Rgb888>,
    {
        let seen = self.area.intersection(&target.bounding_box());
        if seen.size == Size::zero() {
            return Ok(());
        }
        if !self
            .tiles
            .iter()
            .any(|tile| tile.intersection(&seen) == seen)
        {
            target.fill_solid(&seen, self.theme.background.into())?;
        }
        for face in 0..self.tiles.len() {
            if self.prepare(face, seen) {
                draw_face(&self.drawing, target)?;
            }
        }
        if let Some((place, font)) = &self.text {
            text::draw(target, *place, *font, self.picture.lines, self.theme)?;
        }
        let Picture {
            indicators, shape, ..
        } = self.picture;
        indicators::draw(target, self.area, indicators, shape, self.theme)
    }

    /// Prepares a face, unless it is the one that is prepared already; `false` if none of it is seen.
    fn prepare(&mut self, face: usize, seen: Rectangle) -> bool {
        let (Some(tile), Some(pose)) = (self.tiles.get(face), self.picture.faces.get(face)) else {
            return false;
        };
        if tile.intersection(&seen).is_zero_sized() {
            return false;
        }
        if self.prepared != Some(face) {
            self.drawing
                .set(*tile, pose, self.theme, self.picture.shape);
            self.prepared = Some(face);
        }
        true
    }

    /// The area in pieces that do not overlap: first the faces in their order, then the text, then what is left. Who
    /// draws in bands prepares each face once if its bands lie within these.
    pub fn regions(&self) -> Regions {
        layout::regions(self.area, &self.tiles, self.text.map(|(place, _)| place))
    }

    /// Whether a part of the screen shows what it showed: the same number for the same pixels, and another one, but for
    /// a chance of one in four billions, where a pixel differs. With the same theme.
    pub fn signature(&mut self, seen: Rectangle) -> u32 {
        let mut hasher = FnvHasher::default();
        seen.hash(&mut hasher);
        for face in 0..self.tiles.len() {
            if self.prepare(face, seen) {
                face.hash(&mut hasher);
                self.drawing.hash_seen(seen, &mut hasher);
            }
        }
        if let Some((place, font)) = &self.text
            && !place.intersection(&seen).is_zero_sized()
        {
            (place, font.height_px(), self.picture.lines).hash(&mut hasher);
        }
        (self.picture.indicators as u8).hash(&mut hasher);
        hasher.finish() as u32
    }
}
