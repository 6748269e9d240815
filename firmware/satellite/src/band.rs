//! Rows of a picture as the bytes that a display takes: RGB565, high byte first.

use core::{convert::Infallible, ops::Range};

use embedded_graphics::{
    pixelcolor::{IntoStorage, Rgb565, raw::RawU16},
    prelude::{Dimensions, DrawTarget, Pixel, Point, Size},
    primitives::Rectangle,
};
use moodring_face::draw::RowTarget;

/// Bytes a pixel.
pub const PIXEL_BYTES: usize = 2;

/// Some rows of a part of the picture, in memory that the caller lends. As a target it is that part and nothing else.
#[derive(Debug)]
pub struct Band<'a> {
    columns: Range<u16>,
    rows: Range<u16>,
    bytes: &'a mut [u8],
}

impl<'a> Band<'a> {
    /// As many of `rows` as the buffer holds; what it holds of old is kept. `None` if that is not one row.
    pub fn new(columns: Range<u16>, rows: Range<u16>, buffer: &'a mut [u8]) -> Option<Self> {
        let row_bytes = columns.len() * PIXEL_BYTES;
        let held = buffer.len().checked_div(row_bytes)?;
        let count = held.min(rows.len());
        let bytes = buffer.get_mut(..count * row_bytes)?;
        // No more than there were rows, so it fits.
        let rows = rows.start..rows.start + count as u16;
        (count > 0).then_some(Self {
            columns,
            rows,
            bytes,
        })
    }

    /// Which columns of the picture these are.
    pub fn columns(&self) -> Range<u16> {
        self.columns.clone()
    }

    /// Which rows of the picture these are.
    pub fn rows(&self) -> Range<u16> {
        self.rows.clone()
    }

    /// Its place in the picture.
    pub fn area(&self) -> Rectangle {
        self.bounding_box()
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

    /// The bytes of the pixels from one on to the right; none outside the band.
    fn rest_of_row(&mut self, at: Point) -> &mut [u8] {
        let column = u16::try_from(at.x)
            .ok()
            .filter(|x| self.columns.contains(x));
        let row = u16::try_from(at.y).ok().filter(|y| self.rows.contains(y));
        let (Some(column), Some(row)) = (column, row) else {
            return &mut [];
        };
        let width = self.columns.len();
        let start = usize::from(row - self.rows.start) * width;
        let first = start + usize::from(column - self.columns.start);
        let bytes = first * PIXEL_BYTES..(start + width) * PIXEL_BYTES;
        self.bytes.get_mut(bytes).unwrap_or_default()
    }
}

impl Band<'_> {
    /// Fills some pixels from one on to the right.
    fn fill_run(&mut self, at: Point, count: usize, pixel: [u8; PIXEL_BYTES]) {
        let row = self.rest_of_row(at).get_mut(..count * PIXEL_BYTES);
        let row = row.unwrap_or_default();
        if pixel[0] == pixel[1] {
            row.fill(pixel[0]);
        } else {
            let (pixels, _) = row.as_chunks_mut();
            pixels.fill(pixel);
        }
    }
}

/// The five or six bits of each of a byte's values, as embedded-graphics rounds them.
const FIVE_BITS: [u8; 256] = bits(31);
const SIX_BITS: [u8; 256] = bits(63);

const fn bits(most: u32) -> [u8; 256] {
    let mut bits = [0; 256];
    let mut value = 0;
    while value < 256 {
        bits[value] = ((value as u32 * 2 * most + 255) / 510) as u8;
        value += 1;
    }
    bits
}

/// A colour `0x00RRGGBB` in the display's bytes.
fn rgb565(colour: u32) -> [u8; PIXEL_BYTES] {
    let [_, r, g, b] = colour.to_be_bytes();
    let (r, g, b) = (
        FIVE_BITS[usize::from(r)],
        SIX_BITS[usize::from(g)],
        FIVE_BITS[usize::from(b)],
    );
    [r << 3 | g >> 3, g << 5 | b]
}

impl Dimensions for Band<'_> {
    fn bounding_box(&self) -> Rectangle {
        let size = Size::new(self.columns.len() as u32, self.rows.len() as u32);
        let top_left = Point::new(self.columns.start.into(), self.rows.start.into());
        Rectangle::new(top_left, size)
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
            if let Some(pixel) = self.rest_of_row(at).first_chunk_mut() {
                *pixel = colour.into_storage().to_be_bytes();
            }
        }
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, colour: Rgb565) -> Result<(), Infallible> {
        let area = area.intersection(&self.bounding_box());
        let pixel = colour.into_storage().to_be_bytes();
        for y in area.rows() {
            let at = Point::new(area.top_left.x, y);
            self.fill_run(at, area.size.width as usize, pixel);
        }
        Ok(())
    }
}

impl RowTarget for Band<'_> {
    fn put(&mut self, at: Point, colours: &[u32]) -> Result<(), Infallible> {
        let (pixels, _) = self.rest_of_row(at).as_chunks_mut();
        // Neighbours are often alike.
        let mut last = 0;
        let mut bytes = rgb565(last);
        for (pixel, colour) in pixels.iter_mut().zip(colours) {
            if *colour != last {
                last = *colour;
                bytes = rgb565(last);
            }
            *pixel = bytes;
        }
        Ok(())
    }

    fn put_run(&mut self, at: Point, count: usize, colour: u32) -> Result<(), Infallible> {
        self.fill_run(at, count, rgb565(colour));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{vec, vec::Vec};

    use embedded_graphics::{pixelcolor::Rgb888, prelude::RgbColor};

    use super::*;

    #[test]
    fn takes_as_many_rows_as_fit_and_no_more_than_asked() {
        let mut buffer = [0; 3 * 2 * 4 + 1];
        assert_eq!(Band::new(0..3, 5..9, &mut buffer).unwrap().rows(), 5..9);
        assert_eq!(Band::new(0..3, 5..7, &mut buffer).unwrap().rows(), 5..7);
        assert_eq!(Band::new(0..3, 5..99, &mut buffer).unwrap().rows(), 5..9);
        assert_eq!(
            Band::new(0..12, 0..9, &mut buffer).unwrap().bytes().len(),
            24
        );
        assert!(Band::new(0..13, 0..9, &mut buffer).is_none());
        assert!(Band::new(0..0, 0..9, &mut buffer).is_none());
        assert!(Band::new(0..3, 9..9, &mut buffer).is_none());
    }

    #[test]
    fn only_its_own_pixels_are_taken_high_byte_first() {
        let mut buffer = [7; 2 * 2 * 2];
        let mut band = Band::new(5..7, 10..12, &mut buffer).unwrap();
        let red = |x, y| Pixel(Point::new(x, y), Rgb565::RED);
        let outside = [
            red(-1, 10),
            red(4, 10),
            red(7, 10),
            red(5, 9),
            red(5, 12),
            red(70_000, 10),
        ];
        let Ok(()) = band.draw_iter(outside);
        assert_eq!(band.bytes(), [7; 8]);
        let Ok(()) = band.draw_iter([red(6, 11)]);
        assert_eq!(band.bytes(), [7, 7, 7, 7, 7, 7, 0xf8, 0x00]);
        assert_eq!(band.colours().last(), Some(Rgb565::RED));
    }

    #[test]
    fn an_area_is_filled_as_far_as_it_is_inside() {
        for colour in [Rgb565::RED, Rgb565::WHITE] {
            let mut buffer = [0; 3 * 2 * 2];
            let mut band = Band::new(4..7, 1..3, &mut buffer).unwrap();
            let area = Rectangle::new(Point::new(5, 0), Size::new(9, 2));
            let Ok(()) = band.fill_solid(&area, colour);
            let none = Rgb565::BLACK;
            let shown: Vec<_> = band.colours().collect();
            assert_eq!(shown, vec![none, colour, colour, none, none, none]);
        }
    }

    #[test]
    fn pieces_of_rows_have_the_colours_that_single_pixels_have() {
        for value in 0..=255_u8 {
            let colours = [[value, 0, 0], [0, value, 0], [0, 0, value], [value; 3]];
            let mut buffer = [7; 4 * 2];
            let mut band = Band::new(10..14, 3..4, &mut buffer).unwrap();
            let pieces = colours.map(|[r, g, b]| u32::from_be_bytes([0, r, g, b]));
            let Ok(()) = band.put(Point::new(10, 3), &pieces);
            let wanted = colours.map(|[r, g, b]| Rgb565::from(Rgb888::new(r, g, b)));
            assert_eq!(band.colours().collect::<Vec<_>>(), wanted);
        }
    }
}
