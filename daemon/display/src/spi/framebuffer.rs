//! Pictures in the form of a display's memory: RGB565 pixels, or pages of black and white. The face is drawn into them.

use std::convert::Infallible;

use embedded_graphics::{
    pixelcolor::{Rgb565, Rgb888, raw::RawU16},
    prelude::{DrawTarget, OriginDimensions, Pixel, RawData, RgbColor, Size},
};
use moodring_base::config::board::Rotation;
use moodring_face::theme::Theme;

use super::{dirty::Cost, grid::Grid};

/// What the system calls and D/C changes around a rectangle cost, as the number of bytes that take the same time. An
/// estimate for a Pi at 40 MHz: a dozen calls of 5 us each.
const AREA_BYTES: usize = 300;

/// A picture in the form of a display's memory.
pub trait Framebuffer: DrawTarget<Color = Rgb888, Error = Infallible> + Send {
    /// One cell of the memory.
    type Cell: Copy + PartialEq + Send;

    /// The costs of sending.
    const COST: Cost;

    /// The theme that suits it.
    const THEME: Theme;

    /// The memory.
    fn grid(&self) -> &Grid<Self::Cell>;

    /// Sets how bright to draw from now on, in percent.
    fn set_gain(&mut self, percent: u8);
}

/// RGB565 pixels in the order that people see; the chip rotates them.
#[derive(Clone, Debug)]
pub struct ColourBuffer {
    grid: Grid<u16>,
    /// Brightness; 256 is full.
    gain: u16,
}

impl ColourBuffer {
    /// A black picture of this size, in pixels.
    pub fn new(size_px: (u16, u16)) -> Self {
        Self {
            grid: Grid::new(size_px, 0),
            gain: 256,
        }
    }
}

impl Framebuffer for ColourBuffer {
    type Cell = u16;
    const COST: Cost = Cost {
        cell: 2,
        area: AREA_BYTES,
    };
    const THEME: Theme = Theme::CLASSIC;

    fn grid(&self) -> &Grid<u16> {
        &self.grid
    }

    fn set_gain(&mut self, percent: u8) {
        self.gain = u16::from(percent.min(100)) * 256 / 100;
    }
}

impl OriginDimensions for ColourBuffer {
    fn size(&self) -> Size {
        let (width, height) = self.grid.size();
        Size::new(width.into(), height.into())
    }
}

impl DrawTarget for ColourBuffer {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        let gain = self.gain;
        // At most 255 * 256 / 256.
        let dim = |value: u8| (u16::from(value) * gain / 256) as u8;
        for Pixel(at, colour) in pixels {
            if let Some(cell) = cell_mut(&mut self.grid, at.x, at.y) {
                let colour = match gain {
                    256 => colour,
                    _ => Rgb888::new(dim(colour.r()), dim(colour.g()), dim(colour.b())),
                };
                *cell = RawU16::from(Rgb565::from(colour)).into_inner();
            }
        }
        Ok(())
    }
}

/// Black and white: a cell is eight pixels below each other, the topmost in bit 0. The chip can turn such a memory
/// upside down, but not by a quarter, so quarters are turned here.
#[derive(Clone, Debug)]
pub struct MonoBuffer {
    grid: Grid<u8>,
    quarter: bool,
}

impl MonoBuffer {
    /// A black picture on a glass of this size in pixels (the height a multiple of 8).
    pub fn new((width, height): (u16, u16), rotation: Rotation) -> Self {
        Self {
            grid: Grid::new((width, height / 8), 0),
            quarter: rotation.swaps_sides(),
        }
    }
}

impl Framebuffer for MonoBuffer {
    type Cell = u8;
    const COST: Cost = Cost {
        cell: 1,
        // Most are on I2C, where a message costs a system call and a byte takes 22 us.
        area: 16,
    };
    const THEME: Theme = Theme::MONO;

    fn grid(&self) -> &Grid<u8> {
        &self.grid
    }

    // The chip's contrast sets the brightness.
    fn set_gain(&mut self, _: u8) {}
}

impl OriginDimensions for MonoBuffer {
    fn size(&self) -> Size {
        let (width, pages) = self.grid.size();
        let (width, height) = (u32::from(width), u32::from(pages) * 8);
        if self.quarter {
            Size::new(height, width)
        } else {
            Size::new(width, height)
        }
    }
}

impl DrawTarget for MonoBuffer {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        let width = i32::from(self.grid.size().0);
        for Pixel(at, colour) in pixels {
            let (x, y) = if self.quarter {
                (width - 1 - at.y, at.x)
            } else {
                (at.x, at.y)
            };
            if y < 0 {
                continue;
            }
            let bit = 1 << (y % 8);
            if let Some(cell) = cell_mut(&mut self.grid, x, y / 8) {
                // Luma by Rec. 601, as integers.
                let luma = 77 * u32::from(colour.r())
                    + 150 * u32::from(colour.g())
                    + 29 * u32::from(colour.b());
                *cell = if luma >= 128 * 256 {
                    *cell | bit
                } else {
                    *cell & !bit
                };
            }
        }
        Ok(())
    }
}

fn cell_mut<P: Copy>(grid: &mut Grid<P>, x: i32, y: i32) -> Option<&mut P> {
    grid.cell_mut(u16::try_from(x).ok()?, u16::try_from(y).ok()?)
}

#[cfg(test)]
mod tests {
    use embedded_graphics::prelude::Point;

    use super::*;

    fn white(x: i32, y: i32) -> [Pixel<Rgb888>; 1] {
        [Pixel(Point::new(x, y), Rgb888::WHITE)]
    }

    #[test]
    fn colour_rounds_to_565_and_dims() {
        let mut framebuffer = ColourBuffer::new((4, 3));
        let Ok(()) = framebuffer.draw_iter(white(3, 2));
        let Ok(()) = framebuffer.draw_iter([Pixel(Point::new(0, 0), Rgb888::new(255, 0, 0))]);
        assert_eq!(framebuffer.grid().row(2), [0, 0, 0, 0xffff]);
        assert_eq!(framebuffer.grid().row(0)[0], 0xf800);
        framebuffer.set_gain(50);
        let Ok(()) = framebuffer.draw_iter(white(0, 0));
        assert_eq!(framebuffer.grid().row(0)[0], 0x7bef);
        framebuffer.set_gain(0);
        let Ok(()) = framebuffer.draw_iter(white(0, 0));
        assert_eq!(framebuffer.grid().row(0)[0], 0);
    }

    #[test]
    fn mono_pages_hold_eight_rows() {
        let mut framebuffer = MonoBuffer::new((16, 16), Rotation::Deg0);
        let Ok(()) = framebuffer.draw_iter(white(2, 9));
        let Ok(()) = framebuffer.draw_iter(white(15, 0));
        assert_eq!(
            (framebuffer.grid().row(1)[2], framebuffer.grid().row(0)[15]),
            (2, 1)
        );
        let Ok(()) = framebuffer.draw_iter([Pixel(Point::new(2, 9), Rgb888::BLACK)]);
        assert_eq!(framebuffer.grid().row(1)[2], 0);
    }

    #[test]
    fn mono_turns_by_a_quarter_clockwise() {
        let mut framebuffer = MonoBuffer::new((32, 16), Rotation::Deg90);
        assert_eq!(framebuffer.size(), Size::new(16, 32));
        // The picture's top left is the glass's top right.
        let Ok(()) = framebuffer.draw_iter(white(0, 0));
        assert_eq!(framebuffer.grid().row(0)[31], 1);
    }

    #[test]
    fn what_lies_outside_is_not_drawn() {
        let (mut colour, mut mono) = (
            ColourBuffer::new((4, 4)),
            MonoBuffer::new((8, 8), Rotation::Deg270),
        );
        for (x, y) in [
            (-1, 0),
            (0, -1),
            (100, 0),
            (0, 100),
            (4, 0),
            (i32::MAX, i32::MIN),
        ] {
            let Ok(()) = colour.draw_iter(white(x, y));
        }
        for (x, y) in [(-1, 0), (0, -1), (8, 0), (0, 8)] {
            let Ok(()) = mono.draw_iter(white(x, y));
        }
        assert!(colour.grid().cells().iter().all(|c| *c == 0));
        assert!(mono.grid().cells().iter().all(|c| *c == 0));
    }
}
