//! A frame as RGB, not larger than a page shows it; encodes JPEG.

use image::{RgbImage, codecs::jpeg::JpegEncoder};
use moodring_core::{
    detect::Face,
    frame::Frame,
    geometry::{Point, Rect, Similarity},
};

use super::Jpeg;

/// The longest side of a preview's picture.
const LONG_PX: u32 = 960;
const PREVIEW_QUALITY: u8 = 75;
const STILL_QUALITY: u8 = 92;

/// A picture to draw on.
#[derive(Clone, Debug)]
pub(super) struct JpegFrame {
    pub(super) rgb: RgbImage,
    /// Pixels of the frame per pixel of this picture.
    shrunk: u32,
}

impl JpegFrame {
    /// The frame, shrunk by a whole factor if it is large.
    pub(super) fn preview(frame: &Frame<'_>) -> Self {
        let long = frame.width_px().max(frame.height_px());
        Self::new(frame, long.div_ceil(LONG_PX))
    }

    /// The frame in full size.
    pub(super) fn still(frame: &Frame<'_>) -> Self {
        Self::new(frame, 1)
    }

    fn new(frame: &Frame<'_>, shrunk: u32) -> Self {
        // At least one pixel: a narrow strip may be thinner than the factor.
        let side = |px: u32| (px / shrunk).max(1);
        let (width, height) = (side(frame.width_px()), side(frame.height_px()));
        let rgb = RgbImage::from_fn(width, height, |x, y| {
            image::Rgb(mean(frame, (x * shrunk, y * shrunk), shrunk))
        });
        Self { rgb, shrunk }
    }

    /// Moves a face of the frame to its place in this picture.
    pub(super) fn place(&self, face: &Face) -> Face {
        let scale = 1.0 / self.shrunk as f32;
        let point = |p: Point| Point::new(p.x * scale, p.y * scale);
        let Rect { x, y, w, h } = face.rect;
        Face {
            rect: Rect::new(x * scale, y * scale, w * scale, h * scale),
            landmarks: face.landmarks.map(point),
            score: face.score,
        }
    }

    /// A crop's transform to the frame as one to this picture.
    pub(super) fn place_crop(&self, from_crop: &Similarity) -> Similarity {
        let scale = 1.0 / self.shrunk as f32;
        let Similarity { a, b, tx, ty } = *from_crop;
        Similarity {
            a: a * scale,
            b: b * scale,
            tx: tx * scale,
            ty: ty * scale,
        }
    }

    /// As JPEG for a stream.
    ///
    /// # Errors
    /// The encoder's error.
    pub(super) fn encode_preview(&self) -> image::ImageResult<Jpeg> {
        self.encode(PREVIEW_QUALITY)
    }

    /// Encodes JPEG to keep.
    ///
    /// # Errors
    /// The encoder's error.
    pub(super) fn encode_still(&self) -> image::ImageResult<Jpeg> {
        self.encode(STILL_QUALITY)
    }

    fn encode(&self, quality: u8) -> image::ImageResult<Jpeg> {
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(&self.rgb)?;
        Ok(bytes.into())
    }
}

/// The mean colour of a block.
fn mean(frame: &Frame<'_>, (left, top): (u32, u32), side: u32) -> [u8; 3] {
    if side == 1 {
        return frame.rgb(left, top);
    }
    let mut sum = [0_u32; 3];
    for y in top..top + side {
        for x in left..left + side {
            for (sum, value) in sum.iter_mut().zip(frame.rgb(x, y)) {
                *sum += u32::from(value);
            }
        }
    }
    // The mean of bytes is a byte.
    sum.map(|sum| (sum / (side * side)) as u8)
}
