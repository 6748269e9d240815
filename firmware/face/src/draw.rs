//! Draws a pose: every pixel once, row by row. Needs no framebuffer.

use core::hash::{Hash, Hasher};

use embedded_graphics::{
    pixelcolor::Rgb888,
    prelude::{DrawTarget, Point},
    primitives::Rectangle,
};
use heapless::Vec;

use crate::{
    animate::Pose,
    layers::{Brush, LayerStack, MAX_LAYERS},
    parts,
    picture::ScreenShape,
    raster::row::{Colour, PIECE},
    theme::Theme,
};

/// Draws the face in the middle of `area`, as large as fits, and fills the rest with the theme's background. A target
/// that shows only a part of the area gets only that part's pixels. A caller that draws in bands prepares a [`Drawing`]
/// once instead.
///
/// # Errors
/// The target's own.
pub fn draw<D>(target: &mut D, area: Rectangle, pose: &Pose, theme: &Theme) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    let mut drawing = Drawing::new();
    drawing.set(area, pose, theme, ScreenShape::Square);
    drawing.draw(target)
}

/// A target that takes whole pieces of rows: on a microcontroller, calls for each pixel cost more than the drawing.
pub trait RowTarget: DrawTarget {
    /// Puts colours, as `0x00RRGGBB`, from `at` on to the right. They lie within the target's bounding box.
    ///
    /// # Errors
    /// The target's own.
    fn put(&mut self, at: Point, colours: &[u32]) -> Result<(), Self::Error>;

    /// Puts one colour, as `0x00RRGGBB`, onto `count` pixels from `at` on to the right. They lie within the target's
    /// bounding box.
    ///
    /// # Errors
    /// The target's own.
    fn put_run(&mut self, at: Point, count: usize, colour: u32) -> Result<(), Self::Error>;
}

/// A face prepared for drawing: about 15 KB. All floats are behind it; what is left is whole numbers.
#[derive(Debug)]
pub struct Drawing {
    stack: LayerStack,
    area: Rectangle,
    /// One for each layer, once somebody asked.
    digests: Vec<u32, MAX_LAYERS>,
}

impl Default for Drawing {
    fn default() -> Self {
        Self::new()
    }
}

impl Drawing {
    /// Nothing to draw yet.
    pub fn new() -> Self {
        Self {
            stack: LayerStack::default(),
            area: Rectangle::zero(),
            digests: Vec::new(),
        }
    }

    /// Prepares a face in the middle of `area`, as large as fits.
    pub fn set(&mut self, area: Rectangle, pose: &Pose, theme: &Theme, shape: ScreenShape) {
        self.area = area;
        self.stack.clear();
        self.digests.clear();
        parts::build(&mut self.stack, area, pose, theme, shape);
    }

    /// Draws the part of the area that the target shows. Bands put together are the whole picture, byte by byte.
    ///
    /// # Errors
    /// The target's own.
    pub fn draw<D>(&self, target: &mut D) -> Result<(), D::Error>
    where
        D: DrawTarget,
        D::Color: From<Rgb888>,
    {
        let seen = self.area.intersection(&target.bounding_box());
        if seen.is_zero_sized() {
            return Ok(());
        }
        target.fill_contiguous(&seen, Pixels::new(self, seen).map(D::Color::from))
    }

    /// As [`Drawing::draw`], piece by piece of each row, and background in one go.
    ///
    /// # Errors
    /// The target's own.
    pub fn draw_rows<D: RowTarget>(&self, target: &mut D) -> Result<(), D::Error> {
        let seen = self.area.intersection(&target.bounding_box());
        let background = self.stack.background;
        let Some(end) = seen.bottom_right() else {
            return Ok(());
        };
        let origin = self.area.top_left;
        let mut brush = Brush::new();
        for y in seen.top_left.y..=end.y {
            let mut x = seen.top_left.x;
            while x <= end.x {
                // Sizes of screens are far below i32's range.
                let len = ((end.x - x + 1) as usize).min(PIECE);
                self.stack
                    .paint(&mut brush, y - origin.y, x - origin.x, len);
                let painted = brush.painted.start.min(len)..brush.painted.end;
                for bare in [0..painted.start, painted.end.max(painted.start)..len] {
                    if !bare.is_empty() {
                        let at = Point::new(x + bare.start as i32, y);
                        target.put_run(at, bare.len(), background)?;
                    }
                }
                if !painted.is_empty() {
                    let at = Point::new(x + painted.start as i32, y);
                    target.put(at, &brush.colours[painted])?;
                }
                x += PIECE as i32;
            }
        }
        Ok(())
    }
}

impl Drawing {
    /// Hashes all that decides the colours of a part of the screen.
    pub(crate) fn hash_seen(&mut self, seen: Rectangle, hasher: &mut impl Hasher) {
        if self.digests.is_empty() {
            self.digests = self.stack.digests();
        }
        let seen = self.area.intersection(&seen);
        self.area.hash(hasher);
        let top = seen.top_left.y - self.area.top_left.y;
        // Sizes of screens are far below i32's range.
        let rows = top..top + seen.size.height as i32;
        self.stack.hash_rows(&self.digests, rows, hasher);
    }
}

/// The colours of an area's pixels, row by row.
struct Pixels<'a> {
    stack: &'a LayerStack,
    brush: Brush,
    /// The area in the stack's pixels: right and bottom are one past the end.
    left: i32,
    right: i32,
    bottom: i32,
    /// The next pixel's row, the piece that is painted and the next pixel in it.
    row: i32,
    piece: i32,
    next: usize,
    /// Pixels of the piece that lie in the area.
    len: usize,
}

impl<'a> Pixels<'a> {
    fn new(drawing: &'a Drawing, seen: Rectangle) -> Self {
        let origin: Point = seen.top_left - drawing.area.top_left;
        // Sizes of screens are far below i32's range.
        let (width, height) = (seen.size.width as i32, seen.size.height as i32);
        Self {
            stack: &drawing.stack,
            brush: Brush::new(),
            left: origin.x,
            right: origin.x + width,
            bottom: origin.y + height,
            row: origin.y - 1,
            piece: origin.x + width,
            next: 0,
            len: 0,
        }
    }

    /// Paints the next piece; `false` after the last.
    fn advance(&mut self) -> bool {
        self.piece += PIECE as i32;
        if self.piece >= self.right {
            self.piece = self.left;
            self.row += 1;
        }
        if self.row >= self.bottom {
            return false;
        }
        self.len = (self.right - self.piece).min(PIECE as i32) as usize;
        self.next = 0;
        self.stack
            .paint(&mut self.brush, self.row, self.piece, self.len);
        let Brush {
            colours, painted, ..
        } = &mut self.brush;
        let start = painted.start.min(self.len);
        colours[..start].fill(self.stack.background);
        colours[painted.end.max(start)..self.len].fill(self.stack.background);
        true
    }
}

fn rgb(colour: Colour) -> Rgb888 {
    Rgb888::new((colour >> 16) as u8, (colour >> 8) as u8, colour as u8)
}

impl Iterator for Pixels<'_> {
    type Item = Rgb888;

    fn next(&mut self) -> Option<Rgb888> {
        if self.next == self.len && !self.advance() {
            return None;
        }
        let colour = self.brush.colours[self.next];
        self.next += 1;
        Some(rgb(colour))
    }
}
