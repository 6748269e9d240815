//! Draws the symbols that a camera runs and that others see its picture, pixel by pixel, so that they are crisp at any
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

/// A symbol and where it is drawn.
struct Symbol {
    rows: &'static [&'static str],
    /// Pixels of a square's side.
    scale: u32,
    /// Where it begins.
    corner: Point,
}

impl Symbol {
    fn new(rows: &'static [&'static str], scale: u32) -> Self {
        Self {
            rows,
            scale: scale.max(1),
            corner: Point::zero(),
        }
    }

    fn size(&self) -> Size {
        Size::new(WIDTH, self.rows.len() as u32) * self.scale
    }
}

/// Draws the symbols on the left of the top: the letters of a face (question mark, z) stand on its right. On square glass
/// they fill the corner that the head leaves free; on round glass they lie along its edge.
pub(crate) fn draw<D>(
    target: &mut D,
    area: Rectangle,
    indicators: Indicators,
    shape: ScreenShape,
    theme: &Theme,
) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    let side = area.size.width.min(area.size.height);
    // The lamp is larger than the camera, because it matters more.
    let (camera, lamp) = match shape {
        ScreenShape::Square => (
            Symbol::new(&CAMERA, side / 90),
            Symbol::new(&LAMP, side / 64),
        ),
        ScreenShape::Round => (
            Symbol::new(&CAMERA, side / 150),
            Symbol::new(&LAMP, side / 110),
        ),
    };
    let symbols = match indicators {
        Indicators::None => [None, None],
        Indicators::CameraRuns => [Some(camera), None],
        // Where both have no room the lamp stands alone: nobody can see the picture of a camera that does not run.
        Indicators::Preview => {
            let narrow = 27 * side < 100 * (lamp.size().width + camera.size().width);
            [Some(lamp), (!narrow).then_some(camera)]
        }
    };
    match shape {
        ScreenShape::Square => in_a_row(target, area, symbols, theme),
        ScreenShape::Round => along_the_edge(target, area, symbols, theme),
    }
}

/// Draws the symbols side by side from the left top corner on.
fn in_a_row<D>(
    target: &mut D,
    area: Rectangle,
    symbols: [Option<Symbol>; 2],
    theme: &Theme,
) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    let gap = area.size.width.min(area.size.height) / 80;
    let mut left = gap;
    for mut symbol in symbols.into_iter().flatten() {
        symbol.corner = area.top_left + Size::new(left, gap);
        left += symbol.size().width + gap.max(1);
        stamp(target, area, &symbol, theme)?;
    }
    Ok(())
}

/// Draws the symbols at the left top of the circle; each on a dark ground, because they lie on the head. Alone a symbol stands
/// at 45 degrees, two at 35 and 65: above a raised brow's end and beside it.
fn along_the_edge<D>(
    target: &mut D,
    area: Rectangle,
    symbols: [Option<Symbol>; 2],
    theme: &Theme,
) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    let side = area.size.width.min(area.size.height) as i32;
    // 0.94, 0.9 and 0.92 of the radius, in thousandths of the side.
    let places = match symbols {
        [_, None] => [(332, 332); 2],
        [_, Some(_)] => [(369, 258), (194, 417)],
    };
    for (symbol, (left, up)) in symbols.into_iter().zip(places) {
        let Some(mut symbol) = symbol else { continue };
        let half = Point::new(
            symbol.size().width as i32 / 2,
            symbol.size().height as i32 / 2,
        );
        symbol.corner = area.center() - Point::new(side * left / 1000, side * up / 1000) - half;
        let edge = Size::new_equal(symbol.scale);
        let ground = Rectangle::new(symbol.corner - edge, symbol.size() + edge * 2);
        target.fill_solid(&ground.intersection(&area), theme.background.into())?;
        stamp(target, area, &symbol, theme)?;
    }
    Ok(())
}

/// Draws a symbol's squares.
fn stamp<D>(target: &mut D, area: Rectangle, symbol: &Symbol, theme: &Theme) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    let scale = symbol.scale;
    for (y, row) in symbol.rows.iter().enumerate() {
        for (x, square) in row.bytes().enumerate() {
            if square == b'#' {
                let at = symbol.corner + Size::new(x as u32 * scale, y as u32 * scale);
                let dot = Rectangle::new(at, Size::new_equal(scale)).intersection(&area);
                target.fill_solid(&dot, theme.indicator.into())?;
            }
        }
    }
    Ok(())
}
