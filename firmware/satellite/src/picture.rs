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
pub struct BandedPicture {
    pub(crate) panel: Panel,
    pub(crate) poses: Poses,
    pub(crate) label: Label,
}

impl BandedPicture {
    /// Draws all rows, as many at a time as the buffer holds (at 240 pixels, 480 bytes each), from the top down, and
    /// shows each band. A buffer that does not hold one row shows nothing.
    pub fn bands(&self, buffer: &mut [u8], mut show: impl FnMut(&Band<'_>)) {
        let theme = self.theme();
        let label = [self.label.as_str()];
        let mut painter = self.painter(&theme, &label);
        let (width_px, height_px) = (self.panel.width_px, self.panel.height_px);
        let mut top = 0;
        while let Some(mut band) = Band::new(width_px, top..height_px, buffer) {
            let Ok(()) = painter.draw(&mut band);
            show(&band);
            top = band.rows().end;
        }
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
        let theme = self.theme();
        self.painter(&theme, &[self.label.as_str()]).draw(target)
    }

    const fn theme(&self) -> Theme {
        match self.panel.colour {
            Colour::Mono => Theme::MONO,
            Colour::Rgb565 => Theme::CLASSIC,
        }
    }

    fn painter<'a>(&'a self, theme: &'a Theme, label: &'a [&'a str]) -> Painter<'a> {
        let picture = picture::Picture {
            faces: &self.poses,
            lines: if self.label.is_empty() { &[] } else { label },
            glass: self.panel.glass,
            ..picture::Picture::default()
        };
        let size = Size::new(self.panel.width_px.into(), self.panel.height_px.into());
        Painter::new(Rectangle::new(Point::zero(), size), picture, theme)
    }
}
