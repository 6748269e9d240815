//! A picture in memory for the tests.

#![allow(dead_code)] // each test file uses a part

use std::convert::Infallible;

use embedded_graphics::{
    pixelcolor::{PixelColor, Rgb888},
    prelude::*,
    primitives::Rectangle,
};
use image::{Rgb, RgbImage};
use moodring_face::{
    animate::Pose,
    draw::draw,
    picture::{Painter, Picture},
    theme::Theme,
};

/// A picture in memory that shows the rows from `top` on.
pub(crate) struct Canvas<C> {
    pub(crate) size: Size,
    pub(crate) top: i32,
    pub(crate) pixels: Vec<C>,
}

impl<C: PixelColor + From<Rgb888>> Canvas<C> {
    /// Filled with a colour that no face has: whatever is left was forgotten.
    pub(crate) fn new(size: Size, top: i32) -> Self {
        Self {
            size,
            top,
            pixels: vec![Rgb888::new(255, 0, 255).into(); (size.width * size.height) as usize],
        }
    }

    pub(crate) fn face(size: Size, pose: &Pose, theme: &Theme) -> Self {
        let mut canvas = Self::new(size, 0);
        let area = Rectangle::new(Point::zero(), size);
        let Ok(()) = draw(&mut canvas, area, pose, theme);
        canvas
    }

    pub(crate) fn picture(size: Size, picture: Picture<'_>, theme: &Theme) -> Self {
        let mut canvas = Self::new(size, 0);
        let area = Rectangle::new(Point::zero(), size);
        let Ok(()) = Painter::new(area, picture, theme).draw(&mut canvas);
        canvas
    }
}

impl<C> Dimensions for Canvas<C> {
    fn bounding_box(&self) -> Rectangle {
        Rectangle::new(Point::new(0, self.top), self.size)
    }
}

impl<C: PixelColor> DrawTarget for Canvas<C> {
    type Color = C;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<C>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        let shown = self.bounding_box();
        for Pixel(at, colour) in pixels {
            // Text is larger than a band; a display ignores what it does not show.
            if shown.contains(at) {
                let row = (at.y - self.top) as u32;
                self.pixels[(row * self.size.width + at.x as u32) as usize] = colour;
            }
        }
        Ok(())
    }
}

impl Canvas<Rgb888> {
    pub(crate) fn image(&self) -> RgbImage {
        RgbImage::from_fn(self.size.width, self.size.height, |x, y| {
            let c = self.pixels[(y * self.size.width + x) as usize];
            Rgb([c.r(), c.g(), c.b()])
        })
    }
}
