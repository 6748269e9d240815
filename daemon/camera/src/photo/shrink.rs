//! Rows of pixels to a picture whose sides are divided by a small number; each pixel is the average of a square.

use image::RgbImage;

/// Takes rows of red, green and blue from top to bottom.
pub(super) struct Shrink {
    size_px: (u32, u32),
    scale: u32,
    /// The sums of the rows that become one.
    sums: Vec<u32>,
    rows: u32,
    pixels: Vec<u8>,
}

impl Shrink {
    /// For a picture of this size. What is left over at the right and the bottom is dropped.
    pub(super) fn new((width, height): (u32, u32), scale: u32) -> Self {
        let size_px = (width / scale, height / scale);
        let bytes = size_px.0 as usize * size_px.1 as usize * 3;
        Self {
            size_px,
            scale,
            sums: vec![
                0;
                if scale == 1 {
                    0
                } else {
                    size_px.0 as usize * 3
                }
            ],
            rows: 0,
            pixels: Vec::with_capacity(bytes),
        }
    }

    pub(super) fn push_row(&mut self, row: impl Iterator<Item = [u8; 3]>) {
        let width = self.size_px.0 as usize;
        if self.scale == 1 {
            return self.pixels.extend(row.take(width).flatten());
        }
        let scale = self.scale as usize;
        for (x, pixel) in row.enumerate().take(width * scale) {
            for (sum, value) in self.sums[x / scale * 3..][..3].iter_mut().zip(pixel) {
                *sum += u32::from(value);
            }
        }
        self.rows += 1;
        if self.rows == self.scale {
            let count = self.scale * self.scale;
            // An average of bytes is a byte.
            let averages = self
                .sums
                .iter()
                .map(|sum| ((sum + count / 2) / count) as u8);
            self.pixels.extend(averages);
            self.sums.fill(0);
            self.rows = 0;
        }
    }

    /// The picture; `None` if rows are missing.
    pub(super) fn finish(mut self) -> Option<RgbImage> {
        let bytes = self.size_px.0 as usize * self.size_px.1 as usize * 3;
        self.pixels.truncate(bytes);
        RgbImage::from_raw(self.size_px.0, self.size_px.1, self.pixels)
    }
}

/// A pixel with transparency on white.
pub(super) fn on_white([r, g, b, a]: [u8; 4]) -> [u8; 3] {
    let a = u16::from(a);
    [r, g, b].map(|c| ((u16::from(c) * a + 255 * (255 - a) + 127) / 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_become_their_average() {
        let mut shrink = Shrink::new((5, 4), 2);
        for row in [[0, 10, 20, 30, 99], [0, 10, 20, 30, 99], [4; 5], [8; 5]] {
            shrink.push_row(row.into_iter().map(|v| [v; 3]));
        }
        let small = shrink.finish().unwrap();
        let values: Vec<u8> = small.pixels().map(|p| p.0[0]).collect();
        assert_eq!((small.dimensions(), values), ((2, 2), vec![5, 25, 6, 6]));
        assert!(Shrink::new((4, 4), 1).finish().is_none());
        assert_eq!(on_white([0, 0, 0, 0]), [255; 3]);
        assert_eq!(on_white([9, 8, 7, 255]), [9, 8, 7]);
    }
}
