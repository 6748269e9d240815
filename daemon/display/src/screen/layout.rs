//! Cells to pixels of a screen: a large screen is drawn at a fraction of its size and scaled by whole numbers, so that a small
//! processor keeps up; a screen on its side is turned.

use moodring_base::config::board::Rotation;

use crate::spi::grid::{CellRect, Grid};

/// The longest side that is drawn, in cells.
const MOST_CELLS: u16 = 1024;

/// The bytes of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelForm {
    /// Two bytes, the low one first.
    Rgb565,
    /// Four bytes: blue, green, red, none.
    Xrgb8888,
}

impl PixelForm {
    /// Bytes of a pixel.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Rgb565 => 2,
            Self::Xrgb8888 => 4,
        }
    }

    fn push(self, raw: u16, to: &mut Vec<u8>) {
        match self {
            Self::Rgb565 => to.extend(raw.to_le_bytes()),
            Self::Xrgb8888 => {
                // Five and six bits to eight, the highest bits again below.
                let (r, g, b) = (raw >> 11, raw >> 5 & 0x3f, raw & 0x1f);
                let (r, g, b) = (r << 3 | r >> 2, g << 2 | g >> 4, b << 3 | b >> 2);
                to.extend([b as u8, g as u8, r as u8, 0]);
            }
        }
    }
}

/// A rectangle of pixels and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PixelBlock {
    /// First column.
    pub x: u16,
    /// First row.
    pub y: u16,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// The bytes of every `repeat`th row; the rows between are the same.
    pub bytes: Vec<u8>,
    /// How many rows each row of bytes stands for.
    pub repeat: u16,
}

impl PixelBlock {
    /// Each row's number on the screen and its bytes.
    pub fn rows(&self) -> impl Iterator<Item = (u16, &[u8])> {
        let length = self.bytes.len() * usize::from(self.repeat) / usize::from(self.height.max(1));
        let rows = self.bytes.chunks_exact(length.max(1));
        (self.y..).zip(rows.flat_map(|row| std::iter::repeat_n(row, self.repeat.into())))
    }
}

/// How cells lie on a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    screen_px: (u16, u16),
    form: PixelForm,
    rotation: Rotation,
    factor: u16,
    /// Red and blue change places.
    bgr: bool,
}

impl Layout {
    /// The layout of a screen of this size.
    pub fn new(screen_px: (u16, u16), form: PixelForm, rotation: Rotation) -> Self {
        let longest = screen_px.0.max(screen_px.1);
        Self {
            screen_px,
            form,
            rotation,
            factor: longest.div_ceil(MOST_CELLS).max(1),
            bgr: false,
        }
    }

    /// The same for a screen that takes blue for red.
    #[must_use]
    pub const fn with_bgr(self, bgr: bool) -> Self {
        Self { bgr, ..self }
    }

    /// Width and height of the picture in cells, as people see it.
    pub fn drawn_px(&self) -> (u16, u16) {
        let side = |pixels: u16| (pixels / self.factor).max(1);
        let (width, height) = (side(self.screen_px.0), side(self.screen_px.1));
        if self.rotation.swaps_sides() {
            (height, width)
        } else {
            (width, height)
        }
    }

    /// The pixels of an area of the picture.
    pub fn block(&self, picture: &Grid<u16>, area: CellRect) -> PixelBlock {
        let (width, height) = self.drawn_px();
        let (right, bottom) = (area.x + area.width, area.y + area.height);
        // The area on the screen, in cells: turned clockwise.
        let (x, y) = match self.rotation {
            Rotation::Deg0 => (area.x, area.y),
            Rotation::Deg90 => (height - bottom, area.x),
            Rotation::Deg180 => (width - right, height - bottom),
            Rotation::Deg270 => (area.y, width - right),
        };
        let (columns, rows) = if self.rotation.swaps_sides() {
            (area.height, area.width)
        } else {
            (area.width, area.height)
        };
        let factor = usize::from(self.factor);
        let mut bytes = Vec::with_capacity(
            usize::from(columns) * usize::from(rows) * factor * self.form.bytes(),
        );
        for row in y..y + rows {
            for column in x..x + columns {
                // The cell that is seen there.
                let (x, y) = match self.rotation {
                    Rotation::Deg0 => (column, row),
                    Rotation::Deg90 => (row, height - 1 - column),
                    Rotation::Deg180 => (width - 1 - column, height - 1 - row),
                    Rotation::Deg270 => (width - 1 - row, column),
                };
                let mut raw = picture.row(y).get(usize::from(x)).copied().unwrap_or(0);
                if self.bgr {
                    raw = raw << 11 | raw & 0x07e0 | raw >> 11;
                }
                for _ in 0..factor {
                    self.form.push(raw, &mut bytes);
                }
            }
        }
        PixelBlock {
            x: x * self.factor,
            y: y * self.factor,
            width: columns * self.factor,
            height: rows * self.factor,
            bytes,
            repeat: self.factor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(size: (u16, u16)) -> Grid<u16> {
        let mut grid = Grid::new(size, 0);
        for y in 0..size.1 {
            for x in 0..size.0 {
                *grid.cell_mut(x, y).unwrap() = y * 100 + x;
            }
        }
        grid
    }

    /// The screen's pixels after these areas.
    fn shown(layout: &Layout, picture: &Grid<u16>, areas: &[CellRect]) -> Vec<Vec<u16>> {
        let (width, height) = layout.screen_px;
        let mut screen = vec![vec![0xffff; width.into()]; height.into()];
        for area in areas {
            let block = layout.block(picture, *area);
            let rows: Vec<_> = block.rows().collect();
            assert_eq!(rows.len(), usize::from(block.height));
            for (y, row) in rows {
                assert_eq!(row.len(), usize::from(block.width) * 2);
                for (i, pixel) in row.chunks_exact(2).enumerate() {
                    let pixel = u16::from_le_bytes([pixel[0], pixel[1]]);
                    screen[usize::from(y)][usize::from(block.x) + i] = pixel;
                }
            }
        }
        screen
    }

    #[test]
    fn a_picture_is_turned_clockwise() {
        for (rotation, first_row) in [
            (Rotation::Deg0, vec![0, 1, 2, 3]),
            (Rotation::Deg90, vec![300, 200, 100, 0]),
            (Rotation::Deg180, vec![203, 202, 201, 200]),
            (Rotation::Deg270, vec![2, 102, 202, 302]),
        ] {
            let layout = Layout::new((4, 3), PixelForm::Rgb565, rotation);
            let picture = numbered(layout.drawn_px());
            let whole = shown(&layout, &picture, &[picture.area()]);
            assert_eq!(whole[0], first_row, "{rotation:?}");
            // In parts it is the same.
            let (w, h) = picture.size();
            let part = |x, y, width, height| CellRect {
                x,
                y,
                width,
                height,
            };
            let parts = [
                part(0, 0, 1, h),
                part(1, 0, w - 1, 1),
                part(1, 1, w - 1, h - 1),
            ];
            assert_eq!(shown(&layout, &picture, &parts), whole, "{rotation:?}");
        }
    }

    #[test]
    fn a_large_screen_is_drawn_smaller_and_scaled() {
        let layout = Layout::new((1920, 1080), PixelForm::Rgb565, Rotation::Deg0);
        assert_eq!(layout.drawn_px(), (960, 540));
        let tv = Layout::new((3840, 2160), PixelForm::Xrgb8888, Rotation::Deg90);
        assert_eq!(tv.drawn_px(), (540, 960));
        assert_eq!(
            Layout::new((800, 480), PixelForm::Rgb565, Rotation::Deg0).drawn_px(),
            (800, 480)
        );
        let picture = numbered(layout.drawn_px());
        let cell = CellRect {
            x: 3,
            y: 2,
            width: 2,
            height: 1,
        };
        let screen = shown(&layout, &picture, &[cell]);
        let row = |y: usize| screen[y][6..10].to_vec();
        assert_eq!((row(4), row(5)), (vec![203, 203, 204, 204], row(4)));
        assert_eq!(
            (screen[3][6], screen[6][6], screen[4][5]),
            (0xffff, 0xffff, 0xffff)
        );
    }

    #[test]
    fn red_and_blue_change_places_where_the_screen_wants_it() {
        let picture = Grid::new((2, 1), 0xf805_u16);
        for (bgr, shown_as) in [(false, 0xf805), (true, 0x281f)] {
            let layout = Layout::new((2, 1), PixelForm::Rgb565, Rotation::Deg0).with_bgr(bgr);
            assert_eq!(shown(&layout, &picture, &[picture.area()])[0][0], shown_as);
        }
    }

    #[test]
    fn colours_fill_eight_bits() {
        let mut bytes = Vec::new();
        for raw in [0xffff, 0, 0xf800, 0x07e0, 0x001f] {
            PixelForm::Xrgb8888.push(raw, &mut bytes);
        }
        let seen: Vec<_> = bytes.chunks_exact(4).map(|p| [p[2], p[1], p[0]]).collect();
        assert_eq!(
            seen,
            [[255; 3], [0; 3], [255, 0, 0], [0, 255, 0], [0, 0, 255]]
        );
    }
}
