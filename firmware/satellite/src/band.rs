//! Rows of a picture as the bytes that a display takes: RGB565, high byte first.

use core::{convert::Infallible, ops::Range};

use embedded_graphics::{
    pixelcolor::{IntoStorage, Rgb565, raw::RawU16},
    prelude::{Dimensions, DrawTarget, Pixel, Point, Size},
    primitives::Rectangle,
};

/// Bytes a pixel.
pub const PIXEL_BYTES: usize = 2;

/// Some rows over the picture's whole width, in memory that the caller lends. As a target it is that part of the
/// picture and nothing else.
#[derive(Debug)]
pub struct Band<'a> {
    width_px: u16,
    rows: Range<u16>,
    bytes: &'a mut [u8],
}

impl<'a> Band<'a> {
    /// As many of `rows` as the buffer holds; what it holds of old is kept. `None` if that is not one row.
    pub fn new(width_px: u16, rows: Range<u16>, buffer: &'a mut [u8]) -> Option<Self> {
        let row_bytes = usize::from(width_px) * PIXEL_BYTES;
        let held = buffer.len().checked_div(row_bytes)?;
        let count = held.min(rows.len());
        let bytes = buffer.get_mut(..count * row_bytes)?;
        // No more than there were rows, so it fits.
        let rows = rows.start..rows.start + count as u16;
        (count > 0).then_some(Self {
            width_px,
            rows,
            bytes,
        })
    }

    /// Which rows of the picture these are.
    pub fn rows(&self) -> Range<u16> {
        self.rows.clone()
    }

    /// The pixels, row by row.
    pub fn bytes(&self) -> &[u8] {
        self.bytes
    }

    /// The pixels as colours, row by row.
    pub fn colours(&self) -> impl Iterator<Item = Rgb565> {
        let pixels = self.bytes.chunks_exact(PIXEL_BYTES);
        pixels.map(|pixel| RawU16::new(u16::from_be_bytes([pixel[0], pixel[1]])).into())
    }

    fn pixel(&mut self, at: Point) -> Option<&mut [u8]> {
        let x = u16::try_from(at.x).ok().filter(|x| *x < self.width_px)?;
        let y = u16::try_from(at.y).ok().filter(|y| self.rows.contains(y))?;
        let row = usize::from(y - self.rows.start);
        let first = (row * usize::from(self.width_px) + usize::from(x)) * PIXEL_BYTES;
        self.bytes.get_mut(first..first + PIXEL_BYTES)
    }
}

impl Dimensions for Band<'_> {
    fn bounding_box(&self) -> Rectangle {
        let size = Size::new(self.width_px.into(), self.rows.len() as u32);
        Rectangle::new(Point::new(0, self.rows.start.into()), size)
    }
}

impl DrawTarget for Band<'_> {
    type Color = Rgb565;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb565>>,
    {
        for Pixel(at, colour) in pixels {
            if let Some(pixel) = self.pixel(at) {
                pixel.copy_from_slice(&colour.into_storage().to_be_bytes());
            }
        }
        Ok(())
    }

    fn fill_contiguous<I>(&mut self, area: &Rectangle, colours: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Rgb565>,
    {
        if *area == self.bounding_box() {
            // The usual case, without a search for each pixel's place.
            let pixels = self.bytes.chunks_exact_mut(PIXEL_BYTES);
            for (pixel, colour) in pixels.zip(colours) {
                pixel.copy_from_slice(&colour.into_storage().to_be_bytes());
            }
            return Ok(());
        }
        let points = embedded_graphics::prelude::PointsIter::points(area);
        self.draw_iter(points.zip(colours).map(|(at, colour)| Pixel(at, colour)))
    }
}

#[cfg(test)]
mod tests {
    use std::{vec, vec::Vec};

    use embedded_graphics::prelude::RgbColor;

    use super::*;

    #[test]
    fn takes_as_many_rows_as_fit_and_no_more_than_asked() {
        let mut buffer = [0; 3 * 2 * 4 + 1];
        assert_eq!(Band::new(3, 5..9, &mut buffer).unwrap().rows(), 5..9);
        assert_eq!(Band::new(3, 5..7, &mut buffer).unwrap().rows(), 5..7);
        assert_eq!(Band::new(3, 5..99, &mut buffer).unwrap().rows(), 5..9);
        assert_eq!(Band::new(12, 0..9, &mut buffer).unwrap().bytes().len(), 24);
        assert!(Band::new(13, 0..9, &mut buffer).is_none());
        assert!(Band::new(0, 0..9, &mut buffer).is_none());
        assert!(Band::new(3, 9..9, &mut buffer).is_none());
    }

    #[test]
    fn only_its_own_pixels_are_taken_high_byte_first() {
        let mut buffer = [7; 2 * 2 * 2];
        let mut band = Band::new(2, 10..12, &mut buffer).unwrap();
        let red = |x, y| Pixel(Point::new(x, y), Rgb565::RED);
        let outside = [
            red(-1, 10),
            red(2, 10),
            red(0, 9),
            red(0, 12),
            red(70_000, 10),
        ];
        let Ok(()) = band.draw_iter(outside);
        assert_eq!(band.bytes(), [7; 8]);
        let Ok(()) = band.draw_iter([red(1, 11)]);
        assert_eq!(band.bytes(), [7, 7, 7, 7, 7, 7, 0xf8, 0x00]);
        assert_eq!(band.colours().last(), Some(Rgb565::RED));
    }

    #[test]
    fn areas_of_any_place_are_filled_pixel_for_pixel() {
        let mut buffer = [0; 3 * 2 * 2];
        let mut band = Band::new(3, 1..3, &mut buffer).unwrap();
        let colours = [Rgb565::RED, Rgb565::GREEN, Rgb565::BLUE, Rgb565::WHITE];
        let area = Rectangle::new(Point::new(1, 0), Size::new(2, 2));
        let Ok(()) = band.fill_contiguous(&area, colours);
        let shown: Vec<_> = band.bytes().chunks(2).map(|b| (b[0], b[1])).collect();
        let (none, blue, white) = ((0, 0), (0, 0x1f), (0xff, 0xff));
        assert_eq!(shown, vec![none, blue, white, none, none, none]);
    }
}
