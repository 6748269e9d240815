//! The sign that a camera runs: a small camera, pixel by pixel, so that it is crisp at any size.

use embedded_graphics::{
    pixelcolor::Rgb888,
    prelude::{DrawTarget, Point, Size},
    primitives::Rectangle,
};

use crate::{picture::Glass, theme::Theme};

const CAMERA: [&str; 7] = [
    "  ###    ",
    "#########",
    "###   ###",
    "##  #  ##",
    "##  #  ##",
    "###   ###",
    "#########",
];
const WIDTH: u32 = 9;
const HEIGHT: u32 = 7;

/// Draws the sign into the left top corner of `area`, or on its circle's left top where the glass is round.
pub(crate) fn draw<D>(
    target: &mut D,
    area: Rectangle,
    glass: Glass,
    theme: &Theme,
) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    let side = area.size.width.min(area.size.height);
    let scale = match glass {
        Glass::Square => side / 90,
        Glass::Round => side / 150,
    }
    .max(1);
    let corner = match glass {
        Glass::Square => area.top_left + Size::new_equal(side / 80),
        Glass::Round => {
            // 0.94 of the radius, to the left and up by 45 degrees.
            let off = (side * 332 / 1000) as i32;
            let half = Point::new((WIDTH * scale / 2) as i32, (HEIGHT * scale / 2) as i32);
            area.center() - Point::new(off, off) - half
        }
    };
    for (y, row) in CAMERA.iter().enumerate() {
        for (x, sign) in row.bytes().enumerate() {
            if sign == b'#' {
                let at = corner + Size::new(x as u32 * scale, y as u32 * scale);
                let dot = Rectangle::new(at, Size::new_equal(scale)).intersection(&area);
                target.fill_solid(&dot, theme.notice.into())?;
            }
        }
    }
    Ok(())
}
