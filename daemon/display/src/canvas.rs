//! A picture in memory that the face is drawn into. Encodes PNG; knows no file and no terminal.

use std::{convert::Infallible, io::Write};

use embedded_graphics::{
    pixelcolor::Rgb888,
    prelude::{DrawTarget, OriginDimensions, Pixel, Point, RgbColor, Size},
    primitives::Rectangle,
};
use image::{ExtendedColorType, ImageEncoder, ImageResult, codecs::png::PngEncoder};
use moodring_face::{
    animate::Pose,
    contact_sheet,
    draw::draw,
    picture::{Painter, Picture, ScreenShape},
    theme::Theme,
};

/// RGB bytes, row by row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Canvas {
    width_px: u32,
    height_px: u32,
    bytes: Vec<u8>,
}

impl Canvas {
    /// A black picture.
    pub(super) fn new(width_px: u32, height_px: u32) -> Self {
        let mut canvas = Self::default();
        canvas.resize(width_px, height_px);
        canvas
    }

    /// Changes the size; if it differs, the picture is lost.
    pub(super) fn resize(&mut self, width_px: u32, height_px: u32) {
        (self.width_px, self.height_px) = (width_px, height_px);
        self.bytes
            .resize(width_px as usize * height_px as usize * 3, 0);
    }

    /// Draws a face over the whole picture.
    pub(super) fn draw(&mut self, pose: &Pose, theme: &Theme) {
        let area = Rectangle::new(Point::zero(), self.size());
        let Ok(()) = draw(self, area, pose, theme);
    }

    /// Draws a screen over the whole picture.
    pub(super) fn paint(&mut self, picture: Picture<'_>, theme: &Theme) {
        let area = Rectangle::new(Point::zero(), self.size());
        let Ok(()) = Painter::new(area, picture, theme).draw(self);
    }

    /// Draws a sheet of all looks, each of this width and for glass of this shape.
    pub(super) fn sheet(&mut self, face_px: u32, theme: &Theme, shape: ScreenShape) {
        let size = contact_sheet::size(face_px);
        self.resize(size.width, size.height);
        let Ok(()) = contact_sheet::draw_sheet(self, face_px, theme, shape);
    }

    /// Width and height in pixels.
    pub(super) const fn size_px(&self) -> (u32, u32) {
        (self.width_px, self.height_px)
    }

    /// The smallest part (left, top, width, height) that holds all pixels in which `other`, of the same size,
    /// differs; one pixel if none does.
    pub(super) fn changed(&self, other: &Self) -> (u32, u32, u32, u32) {
        let differs = |x: u32, y: u32| self.pixel(x, y) != other.pixel(x, y);
        let (width, height) = self.size_px();
        let row = |y: &u32| (0..width).any(|x| differs(x, *y));
        let (Some(top), Some(bottom)) = ((0..height).find(row), (0..height).rev().find(row)) else {
            return (0, 0, 1, 1);
        };
        let column = |x: &u32| (top..=bottom).any(|y| differs(*x, y));
        let left = (0..width).find(column).unwrap_or(0);
        let right = (0..width).rev().find(column).unwrap_or(left);
        (left, top, right - left + 1, bottom - top + 1)
    }

    /// The bytes of a part (left, top, width, height), row by row.
    pub(super) fn part(&self, (left, top, width, height): (u32, u32, u32, u32)) -> Vec<u8> {
        let all = (top..top + height).flat_map(|y| (left..left + width).map(move |x| (x, y)));
        all.flat_map(|(x, y)| self.pixel(x, y)).collect()
    }

    /// The colour of a pixel inside the picture; black outside.
    pub(super) fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        self.offset(x.into(), y.into()).map_or([0; 3], |i| {
            [self.bytes[i], self.bytes[i + 1], self.bytes[i + 2]]
        })
    }

    /// Encodes the picture as PNG.
    pub(super) fn encode_png(&self, out: impl Write) -> ImageResult<()> {
        PngEncoder::new(out).write_image(
            &self.bytes,
            self.width_px,
            self.height_px,
            ExtendedColorType::Rgb8,
        )
    }

    fn offset(&self, x: i64, y: i64) -> Option<usize> {
        let inside =
            (0..self.width_px.into()).contains(&x) && (0..self.height_px.into()).contains(&y);
        inside.then_some((y as usize * self.width_px as usize + x as usize) * 3)
    }

    fn put(&mut self, x: i32, y: i32, c: Rgb888) {
        if let Some(i) = self.offset(x.into(), y.into()) {
            self.bytes[i..i + 3].copy_from_slice(&[c.r(), c.g(), c.b()]);
        }
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.width_px, self.height_px)
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        for Pixel(at, colour) in pixels {
            self.put(at.x, at.y, colour);
        }
        Ok(())
    }
}
