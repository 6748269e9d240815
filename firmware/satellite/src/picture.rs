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

use crate::{band::Band, faces::Poses, panel::Panel, sent_bands::SentBands};

/// What the display is to show now.
#[derive(Clone, Debug, PartialEq)]
pub struct BandedPicture {
    pub(crate) panel: Panel,
    pub(crate) poses: Poses,
    pub(crate) label: Label,
}

impl BandedPicture {
    /// Draws the whole picture, as many rows of each part of it at a time as the buffer holds (at 240 pixels, 480 bytes
    /// each), and shows each band. A buffer that does not hold a row leaves that part out.
    pub fn bands(&self, buffer: &mut [u8], show: impl FnMut(&Band<'_>)) {
        self.changed_bands(&mut SentBands::default(), buffer, show);
    }

    /// As [`BandedPicture::bands`], but only what looks otherwise than what the display shows already, and one band more,
    /// another one each time: so a display that lost pixels has them again soon.
    pub fn changed_bands(
        &self,
        shown: &mut SentBands,
        buffer: &mut [u8],
        mut show: impl FnMut(&Band<'_>),
    ) {
        let theme = self.theme();
        let label = [self.label.as_str()];
        let mut painter = self.painter(&theme, &label);
        shown.begin();
        for region in painter.regions() {
            // Screens are measured in u16, and a region lies within one.
            let Rectangle { top_left, size } = region;
            let (left, mut top) = (top_left.x as u16, top_left.y as u16);
            let columns = left..left + size.width as u16;
            let bottom = top + size.height as u16;
            while let Some(mut band) = Band::new(columns.clone(), top..bottom, buffer) {
                top = band.rows().end;
                if shown.is_stale(painter.signature(band.area())) {
                    let Ok(()) = painter.draw_rows(&mut band);
                    show(&band);
                }
            }
        }
        shown.end();
    }

    /// How many faces it shows.
    pub fn faces(&self) -> usize {
        self.poses.len()
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
            shape: self.panel.shape,
            ..picture::Picture::default()
        };
        let size = Size::new(self.panel.width_px.into(), self.panel.height_px.into());
        Painter::new(Rectangle::new(Point::zero(), size), picture, theme)
    }
}
