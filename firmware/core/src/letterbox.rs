//! Shrinks a frame into a net's input with its aspect kept, and maps boxes back. `resample` averages the pixels.
//!
//! The picture lies in the input's left top corner, the padding to its right or below it: so the way back is a plain
//! multiplication.

use crate::{
    brighten::brighten,
    detect::{Face, InputShape, NetError},
    frame::Frame,
    geometry::{Point, Rect},
    resample::resample,
};

/// How frames of one size lie in a net's input of one shape.
///
/// ```
/// use moodring_core::{
///     detect::{Channels, InputShape},
///     geometry::Point,
///     letterbox::Letterbox,
/// };
///
/// let shape = InputShape { width_px: 320, height_px: 256, channels: Channels::Rgb, padding: 128 };
/// let letterbox = Letterbox::new((640, 480), shape);
/// assert_eq!(letterbox.picture_px(), (320, 240));
/// assert_eq!(letterbox.to_frame(Point::new(160.0, 120.0)), Point::new(320.0, 240.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Letterbox {
    shape: InputShape,
    frame_px: (u32, u32),
    picture_px: (u32, u32),
}

impl Letterbox {
    /// Frames of `frame_px` (width, height) into inputs of `shape`. All sides are at least 1.
    pub fn new(frame_px: (u32, u32), shape: InputShape) -> Self {
        Self {
            shape,
            frame_px,
            picture_px: fit(frame_px, (shape.width_px, shape.height_px)),
        }
    }

    /// Width and height of the part of the input that the frame fills, in input pixels.
    pub const fn picture_px(&self) -> (u32, u32) {
        self.picture_px
    }

    /// Writes the frame and its padding into the net's input buffer. Shrinks by area averaging, enlarges bilinearly. The
    /// frame shows the whole picture; its sides may be those that this was made for, divided by the same whole number.
    ///
    /// # Errors
    /// [`NetError::Shape`] if the buffer has not `width * height * channels` bytes or the frame is of another shape.
    pub fn fill(&self, frame: &Frame<'_>, input: &mut [u8]) -> Result<(), NetError> {
        let InputShape {
            channels, padding, ..
        } = self.shape;
        let row_bytes = self.shape.width_px as usize * channels.count();
        if input.len() != row_bytes * self.shape.height_px as usize || !self.is_shown_by(frame) {
            return Err(NetError::Shape);
        }
        let used = self.picture_px.0 as usize * channels.count();
        let (above, below) = input.split_at_mut(row_bytes * self.picture_px.1 as usize);
        below.fill(padding);
        if used < row_bytes {
            for row in above.chunks_exact_mut(row_bytes) {
                row[used..].fill(padding);
            }
        }
        resample(frame, self.picture_px, channels, row_bytes, above);
        Ok(())
    }

    /// Brightens what [`Letterbox::fill`] wrote, if it is dark; the padding stays. A buffer of another length stays as it is.
    pub fn brighten(&self, input: &mut [u8]) {
        let channels = self.shape.channels.count();
        let row_bytes = self.shape.width_px as usize * channels;
        let (used_px, rows) = self.picture_px;
        if let Some(picture) = input.get_mut(..row_bytes * rows as usize) {
            brighten(picture, row_bytes, used_px as usize * channels);
        }
    }

    /// Whether the frame is of the size that this was made for, or both sides are divided by the same number, rounded up.
    fn is_shown_by(&self, frame: &Frame<'_>) -> bool {
        let divisor = self.frame_px.0.div_ceil(frame.width_px());
        let divided = (
            self.frame_px.0.div_ceil(divisor),
            self.frame_px.1.div_ceil(divisor),
        );
        divided == (frame.width_px(), frame.height_px())
    }

    /// A point of the input in the frame.
    pub fn to_frame(&self, p: Point) -> Point {
        let (x, y) = self.factors();
        Point::new(p.x * x, p.y * y)
    }

    /// A face found in the input, in frame pixels.
    pub fn face_to_frame(&self, face: &Face) -> Face {
        let (x, y) = self.factors();
        let Rect {
            x: left,
            y: top,
            w,
            h,
        } = face.rect;
        Face {
            rect: Rect::new(left * x, top * y, w * x, h * y),
            landmarks: face.landmarks.map(|p| self.to_frame(p)),
            score: face.score,
        }
    }

    /// Frame pixels per input pixel. The two differ by less than a pixel over the picture, as its sides are whole.
    fn factors(&self) -> (f32, f32) {
        (
            self.frame_px.0 as f32 / self.picture_px.0 as f32,
            self.frame_px.1 as f32 / self.picture_px.1 as f32,
        )
    }
}

/// The largest size of the aspect of `inner` within `outer`, each side rounded to nearest and at least 1.
fn fit(inner: (u32, u32), outer: (u32, u32)) -> (u32, u32) {
    let [w, h] = [u64::from(inner.0.max(1)), u64::from(inner.1.max(1))];
    let [to_w, to_h] = [u64::from(outer.0), u64::from(outer.1)];
    // The quotients are at most the outer side, so they fit.
    let side = |of: u64, by: u64, from: u64| ((of * by + from / 2) / from).max(1) as u32;
    if w * to_h >= h * to_w {
        (outer.0, side(h, to_w, w))
    } else {
        (side(w, to_h, h), outer.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        detect::Channels,
        fake::{assert_picture, picture},
        frame::{Millis, PixelFormat},
    };
    use proptest::prelude::*;
    use std::vec;

    fn grey(width_px: u32, height_px: u32) -> InputShape {
        InputShape {
            width_px,
            height_px,
            channels: Channels::Grey,
            padding: 0x80,
        }
    }

    #[test]
    fn a_wide_picture_lies_on_top_of_its_padding() {
        let bytes = picture(
            "
            ##......
            ##......
            ......##
            ......##",
        );
        let frame = Frame::packed(&bytes, PixelFormat::Grey, (8, 4), Millis(0)).unwrap();
        let mut input = [0; 16];
        let letterbox = Letterbox::new((8, 4), grey(4, 4));
        letterbox.fill(&frame, &mut input).unwrap();
        assert_picture(
            &input,
            4,
            "
            #...
            ...#
            ++++
            ++++",
        );
        assert_eq!(letterbox.picture_px(), (4, 2));
        assert_eq!(
            letterbox.to_frame(Point::new(4.0, 2.0)),
            Point::new(8.0, 4.0)
        );
    }

    #[test]
    fn a_tall_small_picture_is_enlarged_left_of_its_padding() {
        let bytes = picture(
            "
            #
            .",
        );
        let frame = Frame::packed(&bytes, PixelFormat::Grey, (1, 2), Millis(0)).unwrap();
        let mut input = [0; 16];
        let letterbox = Letterbox::new((1, 2), grey(4, 4));
        letterbox.fill(&frame, &mut input).unwrap();
        // Bilinear between the two pixels' centres: 255, 191, 64, 0.
        assert_eq!(input[4..8], [191, 191, 0x80, 0x80]);
        assert_picture(
            &input,
            4,
            "
            ##++
            **++
            --++
            ..++",
        );
    }

    #[test]
    fn a_dark_picture_is_brightened_without_its_padding() {
        let bytes = [20; 8];
        let frame = Frame::packed(&bytes, PixelFormat::Grey, (2, 4), Millis(0)).unwrap();
        let mut input = [0; 16];
        let letterbox = Letterbox::new((2, 4), grey(4, 4));
        letterbox.fill(&frame, &mut input).unwrap();
        letterbox.brighten(&mut input);
        assert_eq!(input, *[60, 60, 0x80, 0x80].repeat(4));
        letterbox.brighten(&mut [0; 3]);
    }

    #[test]
    fn a_wrong_buffer_or_frame_is_refused() {
        let frame = Frame::packed(&[0; 4], PixelFormat::Grey, (2, 2), Millis(0)).unwrap();
        let letterbox = Letterbox::new((2, 2), grey(4, 4));
        assert_eq!(letterbox.fill(&frame, &mut [0; 15]), Err(NetError::Shape));
        let other = Letterbox::new((2, 3), grey(4, 4));
        assert_eq!(other.fill(&frame, &mut [0; 16]), Err(NetError::Shape));
        // A picture of 5x4 pixels as an overview of 3x2, and what is none.
        let whole = Letterbox::new((5, 4), grey(4, 4));
        for (size, expected) in [((3, 2), Ok(())), ((3, 3), Err(NetError::Shape))] {
            let frame = Frame::packed(&[0; 9], PixelFormat::Grey, size, Millis(0)).unwrap();
            assert_eq!(whole.fill(&frame, &mut [0; 16]), expected);
        }
    }

    #[test]
    fn a_face_goes_back_box_and_landmarks() {
        let letterbox = Letterbox::new((640, 480), grey(320, 256));
        let found = Face {
            rect: Rect::new(10.0, 20.0, 30.0, 40.0),
            landmarks: [Point::new(15.0, 25.0); 5],
            score: 0.5,
        };
        let expected = Face {
            rect: Rect::new(20.0, 40.0, 60.0, 80.0),
            landmarks: [Point::new(30.0, 50.0); 5],
            score: 0.5,
        };
        assert_eq!(letterbox.face_to_frame(&found), expected);
    }

    #[test]
    fn extreme_shapes_keep_a_pixel() {
        assert_eq!(fit((20_000, 1), (320, 240)), (320, 1));
        assert_eq!(fit((1, 32_768), (320, 240)), (1, 240));
        assert_eq!(fit((640, 480), (320, 240)), (320, 240));
        assert_eq!(fit((1280, 720), (320, 240)), (320, 180));
    }

    proptest! {
        #[test]
        fn it_fits_and_fills_one_side(w in 1..4000_u32, h in 1..4000_u32, to_w in 1..700_u32, to_h in 1..700_u32) {
            let (fit_w, fit_h) = fit((w, h), (to_w, to_h));
            prop_assert!(fit_w <= to_w && fit_h <= to_h && (fit_w == to_w || fit_h == to_h));
            let corner = Letterbox::new((w, h), grey(to_w, to_h)).to_frame(Point::new(fit_w as f32, fit_h as f32));
            prop_assert!(corner.distance(Point::new(w as f32, h as f32)) < 1e-2);
        }

        #[test]
        fn only_the_picture_part_is_not_padding(w in 1..40_u32, h in 1..40_u32, to_w in 1..20_u32, to_h in 1..20_u32) {
            let bytes = vec![200; (w * h) as usize];
            let frame = Frame::packed(&bytes, PixelFormat::Grey, (w, h), Millis(0)).unwrap();
            let mut input = vec![7; (to_w * to_h) as usize];
            let letterbox = Letterbox::new((w, h), grey(to_w, to_h));
            letterbox.fill(&frame, &mut input).unwrap();
            let (fit_w, fit_h) = letterbox.picture_px();
            for (i, &byte) in input.iter().enumerate() {
                let inside = i as u32 % to_w < fit_w && i as u32 / to_w < fit_h;
                prop_assert_eq!(byte, if inside { 200 } else { 0x80 });
            }
        }
    }
}
