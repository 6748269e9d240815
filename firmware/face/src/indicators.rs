//! Draws the signs that a camera runs and that others see its picture, pixel by pixel, so that they are crisp at any
//! size.

use embedded_graphics::{
    pixelcolor::Rgb888,
    prelude::{DrawTarget, Point, Size},
    primitives::Rectangle,
};

use crate::{
    picture::{Indicators, ScreenShape},
    theme::Theme,
};

const CAMERA: [&str; 7] = [
    "  ###    ",
    "#########",
    "###   ###",
    "##  #  ##",
    "##  #  ##",
    "###   ###",
    "#########",
];
/// A recording lamp.
const LAMP: [&str; 9] = [
    "  #####  ",
    " #     # ",
    "#  ###  #",
    "# ##### #",
    "# ##### #",
    "# ##### #",
    "#  ###  #",
    " #     # ",
    "  #####  ",
];
/// Columns of both.
const WIDTH: u32 = 9;

/// Draws the camera into the left top corner of `area` and the lamp into the right one; where the glass is round, onto
/// its circle's left and right top.
pub(crate) fn draw<D>(
    target: &mut D,
    area: Rectangle,
    notice: Indicators,
    glass: ScreenShape,
    theme: &Theme,
) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    let side = area.size.width.min(area.size.height);
    let scale = |square: u32, round: u32| match glass {
        ScreenShape::Square => (side / square).max(1),
        ScreenShape::Round => (side / round).max(1),
    };
    if notice != Indicators::None {
        let scale = scale(90, 150);
        let corner = corner(area, glass, -1, Size::new(WIDTH, 7) * scale);
        ground(
            target,
            area,
            glass,
            (corner, Size::new(WIDTH, 7), scale),
            theme,
        )?;
        stamp(target, area, &CAMERA, (corner, scale), theme)?;
    }
    if notice == Indicators::Preview {
        // Larger than the camera sign, because it matters more.
        let scale = scale(64, 110);
        let corner = corner(area, glass, 1, Size::new(WIDTH, 9) * scale);
        ground(
            target,
            area,
            glass,
            (corner, Size::new(WIDTH, 9), scale),
            theme,
        )?;
        stamp(target, area, &LAMP, (corner, scale), theme)?;
    }
    Ok(())
}

/// Where a sign of this size begins, at the left (-1) or the right (1) top.
fn corner(area: Rectangle, glass: ScreenShape, hand: i32, sign: Size) -> Point {
    let side = area.size.width.min(area.size.height);
    match glass {
        ScreenShape::Square => {
            let gap = side / 80;
            let left = match hand {
                -1 => gap,
                _ => area.size.width.saturating_sub(gap + sign.width),
            };
            area.top_left + Size::new(left, gap)
        }
        ScreenShape::Round => {
            // 0.94 of the radius, to the side and up by 45 degrees.
            let off = (side * 332 / 1000) as i32;
            let half = Point::new((sign.width / 2) as i32, (sign.height / 2) as i32);
            area.center() + Point::new(hand * off, -off) - half
        }
    }
}

/// Darkens the place of a sign where the glass is round: there it lies on the head.
fn ground<D>(
    target: &mut D,
    area: Rectangle,
    glass: ScreenShape,
    (corner, squares, scale): (Point, Size, u32),
    theme: &Theme,
) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    if glass == ScreenShape::Square {
        return Ok(());
    }
    let edge = Size::new_equal(scale);
    let place = Rectangle::new(corner - edge, squares * scale + edge * 2);
    target.fill_solid(&place.intersection(&area), theme.background.into())
}

/// Draws a sign of squares of `scale` pixels.
fn stamp<D>(
    target: &mut D,
    area: Rectangle,
    rows: &[&str],
    (corner, scale): (Point, u32),
    theme: &Theme,
) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    for (y, row) in rows.iter().enumerate() {
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
