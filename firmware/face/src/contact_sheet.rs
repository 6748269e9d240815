//! Draws all looks side by side with their names: for the README and for choosing the faces' numbers.

use embedded_graphics::{
    pixelcolor::Rgb888,
    prelude::{DrawTarget, Point, Size},
    primitives::Rectangle,
};

use crate::{
    animate::Pose,
    draw::Drawing,
    look::Look,
    picture::ScreenShape,
    text::{self, Fit},
    theme::Theme,
};

/// Faces in a row.
const COLUMNS: u32 = 6;
/// Height of a name under its face, in pixels.
const LABEL_PX: u32 = 30;

/// The sheet's size in pixels for faces of `face_px`.
pub const fn size(face_px: u32) -> Size {
    let rows = (Look::ALL.len() as u32).div_ceil(COLUMNS);
    Size::new(COLUMNS * face_px, rows * (face_px + LABEL_PX))
}

/// Draws the sheet at the target's origin, each face as on glass of this shape.
///
/// # Errors
/// The target's own.
pub fn draw_sheet<D>(
    target: &mut D,
    face_px: u32,
    theme: &Theme,
    shape: ScreenShape,
) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    target.fill_solid(
        &Rectangle::new(Point::zero(), size(face_px)),
        theme.background.into(),
    )?;
    let mut drawing = Drawing::new();
    for (i, look) in Look::ALL.into_iter().enumerate() {
        let (column, row) = (i as u32 % COLUMNS, i as u32 / COLUMNS);
        let left = column * face_px;
        let top = row * (face_px + LABEL_PX);
        let area = Rectangle::new(
            Point::new(left as i32, top as i32),
            Size::new_equal(face_px),
        );
        drawing.set(area, &Pose::still(look), theme, shape);
        drawing.draw(target)?;
        let place = Rectangle::new(
            area.top_left + Size::new(0, face_px),
            Size::new(face_px, LABEL_PX),
        );
        let lines = [look.name()];
        if let Some(fit) = Fit::of(&lines, place.size, theme.shades) {
            text::draw(target, place, fit.font, &lines, theme)?;
        }
    }
    Ok(())
}
