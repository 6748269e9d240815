//! All moods side by side with their names: for the README and for looking at them.

use embedded_graphics::{
    Drawable,
    mono_font::{MonoTextStyle, ascii::FONT_10X20},
    pixelcolor::Rgb888,
    prelude::{DrawTarget, Point, Size},
    primitives::Rectangle,
    text::{Alignment, Text},
};

use crate::{animate::Pose, draw::draw, look::Look, theme::Theme};

/// Faces in a row.
const COLUMNS: u32 = 6;
/// Height of a name under its face, in pixels.
const LABEL_PX: u32 = 32;

/// The sheet's size in pixels for faces of `face_px`.
pub const fn size(face_px: u32) -> Size {
    let rows = (Look::ALL.len() as u32).div_ceil(COLUMNS);
    Size::new(COLUMNS * face_px, rows * (face_px + LABEL_PX))
}

/// Draws the sheet at the target's origin; the names in `ink`.
///
/// # Errors
/// The target's own.
pub fn draw_sheet<D>(
    target: &mut D,
    face_px: u32,
    theme: &Theme,
    ink: Rgb888,
) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    target.fill_solid(
        &Rectangle::new(Point::zero(), size(face_px)),
        theme.background.into(),
    )?;
    for (i, mood) in Look::ALL.into_iter().enumerate() {
        let (column, row) = (i as u32 % COLUMNS, i as u32 / COLUMNS);
        let left = column * face_px;
        let top = row * (face_px + LABEL_PX);
        let area = Rectangle::new(
            Point::new(left as i32, top as i32),
            Size::new_equal(face_px),
        );
        draw(target, area, &Pose::still(mood), theme)?;
        let base = Point::new((left + face_px / 2) as i32, (top + face_px + 16) as i32);
        let style = MonoTextStyle::new(&FONT_10X20, ink.into());
        Text::with_alignment(mood.name(), base, style, Alignment::Center).draw(target)?;
    }
    Ok(())
}
