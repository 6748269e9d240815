//! One moment of the face, drawn into as little memory as there is.

use embedded_graphics::{
    pixelcolor::Rgb888,
    prelude::{DrawTarget, Point, Size},
    primitives::Rectangle,
};
use moodring_face::{
    picture::{self, Painter},
    theme::Theme,
};
use moodring_link::message::{Colour, Label};

use crate::{band::Band, faces::Poses, panel::Panel};

/// What the display is to show now.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub(crate) panel: Panel,
    pub(crate) poses: Poses,
    pub(crate) label: Label,
}

impl Picture {
    /// Draws from row `top` on as many rows as the buffer holds: at 240 pixels, 480 bytes each. `None` below the last
    /// row, or if the buffer does not hold one.
    pub fn band<'a>(&self, top: u16, buffer: &'a mut [u8]) -> Option<Band<'a>> {
        let mut band = Band::new(self.panel.width_px, top..self.panel.height_px, buffer)?;
        let Ok(()) = self.draw(&mut band);
        Some(band)
    }

    /// Draws what of the picture the target has.
    ///
    /// # Errors
    /// The target's own.
    pub fn draw<D>(&self, target: &mut D) -> Result<(), D::Error>
    where
        D: DrawTarget,
        D::Color: From<Rgb888>,
    {
        let theme = match self.panel.colour {
            Colour::Mono => Theme::MONO,
            Colour::Rgb565 => Theme::CLASSIC,
        };
        let line = [self.label.as_str()];
        let picture = picture::Picture {
            faces: &self.poses,
            lines: if self.label.is_empty() { &[] } else { &line },
            glass: self.panel.glass,
            ..picture::Picture::default()
        };
        let size = Size::new(self.panel.width_px.into(), self.panel.height_px.into());
        let area = Rectangle::new(Point::zero(), size);
        Painter::new(area, picture, &theme).draw(target)
    }
}
