//! A photo turned about its middle, for heads that are tilted farther than the detector knows, and its faces brought back.

use moodring_core::{
    detect::{Channels, Face, InputShape, NetError},
    frame::{Frame, Millis, PixelFormat},
    geometry::{Point, Rect, Similarity},
    letterbox::Letterbox,
};

/// How far a photo is turned in which nobody was found, in degrees, clockwise positive.
pub(super) const TURNS_DEG: [f32; 2] = [35.0, -35.0];
/// What lies beside the photo: what the detector takes for padding.
const PADDING: u8 = 128;

/// The turned photo as RGB, shrunk if it was large.
pub(super) struct TurnedPhoto {
    rgb: Vec<u8>,
    size_px: (u32, u32),
    /// Back to the shrunk photo.
    to_shrunk: Similarity,
    /// From there to the photo.
    shrunk: Letterbox,
}

impl TurnedPhoto {
    /// Shrinks the photo to `longest_px`, brightens it if it is dark, and turns it.
    ///
    /// # Errors
    /// None that a frame can cause: the sizes fit.
    pub(super) fn new(photo: &Frame<'_>, turn_deg: f32, longest_px: u32) -> Result<Self, NetError> {
        let photo_px = (photo.width_px(), photo.height_px());
        let side_px = photo_px.0.max(photo_px.1).min(longest_px);
        let shape = InputShape {
            width_px: side_px,
            height_px: side_px,
            channels: Channels::Rgb,
            padding: PADDING,
        };
        let shrunk = Letterbox::new(photo_px, shape);
        let mut pixels = vec![0; side_px as usize * side_px as usize * 3];
        shrunk.fill(photo, &mut pixels)?;
        shrunk.brighten(&mut pixels);

        let (width, height) = shrunk.picture_px();
        let (sin, cos) = turn_deg.to_radians().sin_cos();
        let (w, h) = (width as f32, height as f32);
        let across = |a: f32, b: f32| ((w * a).abs() + (h * b).abs()).ceil() as u32;
        let size_px = (across(cos, sin), across(sin, cos));
        let to_shrunk = rotation(-turn_deg, middle(size_px), middle((width, height)));
        let source = Pixels {
            rgb: &pixels,
            side_px: side_px as usize,
        };
        let mut rgb = Vec::with_capacity(size_px.0 as usize * size_px.1 as usize * 3);
        for y in 0..size_px.1 {
            for x in 0..size_px.0 {
                let at = to_shrunk.apply(Point::new(x as f32 + 0.5, y as f32 + 0.5));
                rgb.extend(source.at(at));
            }
        }
        Ok(Self {
            rgb,
            size_px,
            to_shrunk,
            shrunk,
        })
    }

    /// What the detector looks at.
    ///
    /// # Errors
    /// None: the buffer has the size's bytes.
    pub(super) fn frame(&self) -> Result<Frame<'_>, NetError> {
        Frame::packed(&self.rgb, PixelFormat::Rgb, self.size_px, Millis(0))
            .map_err(|_| NetError::Shape)
    }

    /// A face of [`TurnedPhoto::frame`] in the photo's pixels: the landmarks turned back, the box upright about the same middle.
    pub(super) fn face_to_photo(&self, face: &Face) -> Face {
        let middle = self.to_shrunk.apply(face.rect.center());
        let Rect { w, h, .. } = face.rect;
        self.shrunk.face_to_frame(&Face {
            rect: Rect::new(middle.x - w / 2.0, middle.y - h / 2.0, w, h),
            landmarks: face.landmarks.map(|p| self.to_shrunk.apply(p)),
            score: face.score,
        })
    }
}

fn middle((w, h): (u32, u32)) -> Point {
    Point::new(w as f32 / 2.0, h as f32 / 2.0)
}

/// Turns clockwise by `deg` and brings `from` to `to`.
fn rotation(deg: f32, from: Point, to: Point) -> Similarity {
    let (b, a) = deg.to_radians().sin_cos();
    let about_origin = Similarity {
        a,
        b,
        tx: 0.0,
        ty: 0.0,
    };
    let shift = to - about_origin.apply(from);
    Similarity {
        tx: shift.x,
        ty: shift.y,
        ..about_origin
    }
}

/// A square of RGB pixels.
struct Pixels<'a> {
    rgb: &'a [u8],
    side_px: usize,
}

impl Pixels<'_> {
    /// The colour at a place, bilinear between the pixels' centres; [`PADDING`] outside.
    fn at(&self, place: Point) -> [u8; 3] {
        let (x, y) = (place.x - 0.5, place.y - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let (right_share, lower_share) = (x - left, y - top);
        let corners = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)]
            .map(|(dx, dy)| self.pixel(left + dx, top + dy));
        let between =
            |a: u8, b: u8, share: f32| f32::from(a) + (f32::from(b) - f32::from(a)) * share;
        std::array::from_fn(|c| {
            let upper = between(corners[0][c], corners[1][c], right_share);
            let lower = between(corners[2][c], corners[3][c], right_share);
            (upper + (lower - upper) * lower_share).round() as u8
        })
    }

    fn pixel(&self, x: f32, y: f32) -> [u8; 3] {
        let side = self.side_px as f32;
        if !(0.0..side).contains(&x) || !(0.0..side).contains(&y) {
            return [PADDING; 3];
        }
        let first = (y as usize * self.side_px + x as usize) * 3;
        [self.rgb[first], self.rgb[first + 1], self.rgb[first + 2]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A grey picture with a bright spot of 5x5 pixels about the given pixel.
    fn spot(size: (u32, u32), at: (u32, u32)) -> Vec<u8> {
        let near = |a: u32, b: u32| a.abs_diff(b) <= 2;
        (0..size.0 * size.1)
            .map(|i| (i % size.0, i / size.0))
            .map(|(x, y)| {
                if near(x, at.0) && near(y, at.1) {
                    250
                } else {
                    90
                }
            })
            .collect()
    }

    /// The middle of what is bright.
    fn brightest(turned: &TurnedPhoto) -> Point {
        let frame = turned.frame().unwrap();
        let width = frame.width_px() as usize;
        let bright: Vec<Point> = turned
            .rgb
            .chunks(3)
            .enumerate()
            .filter(|(_, rgb)| rgb[0] > 150)
            .map(|(i, _)| Point::new((i % width) as f32 + 0.5, (i / width) as f32 + 0.5))
            .collect();
        assert!(!bright.is_empty());
        let sum = bright.iter().fold(Point::default(), |sum, &p| sum + p);
        sum * (1.0 / bright.len() as f32)
    }

    #[test]
    fn what_is_found_in_the_turned_photo_lies_where_it_was() {
        for (size, longest_px) in [((80, 60), 200), ((60, 81), 200), ((160, 90), 80)] {
            let at = (size.0 / 4, size.1 / 3);
            let bytes = spot(size, at);
            let photo = Frame::packed(&bytes, PixelFormat::Grey, size, Millis(0)).unwrap();
            for turn_deg in TURNS_DEG {
                let turned = TurnedPhoto::new(&photo, turn_deg, longest_px).unwrap();
                let found = brightest(&turned);
                let face = Face {
                    rect: Rect::new(found.x - 4.0, found.y - 5.0, 8.0, 10.0),
                    landmarks: [found; 5],
                    score: 0.7,
                };
                let back = turned.face_to_photo(&face);
                let wanted = Point::new(at.0 as f32 + 0.5, at.1 as f32 + 0.5);
                let scale = size.0.max(size.1) as f32 / size.0.max(size.1).min(longest_px) as f32;
                for p in [back.rect.center(), back.landmarks[2]] {
                    assert!(
                        p.distance(wanted) < 0.6 * scale,
                        "{p:?} {wanted:?} {size:?}"
                    );
                }
                assert!((back.rect.w - 8.0 * scale).abs() < 0.2 && back.score == 0.7);
            }
        }
    }

    #[test]
    fn turned_clockwise_the_right_edge_goes_down_and_corners_are_padding() {
        let bytes = spot((80, 40), (75, 20));
        let photo = Frame::packed(&bytes, PixelFormat::Grey, (80, 40), Millis(0)).unwrap();
        let turned = TurnedPhoto::new(&photo, 35.0, 100).unwrap();
        let (w, h) = turned.size_px;
        let at = brightest(&turned);
        assert!(
            at.x > w as f32 / 2.0 && at.y > h as f32 / 2.0 + 10.0,
            "{at:?}"
        );
        assert_eq!(turned.rgb[..3], [PADDING; 3]);
    }

    #[test]
    fn a_dark_photo_is_brightened_before_its_corners_are_filled() {
        let bytes = [20; 40 * 40];
        let photo = Frame::packed(&bytes, PixelFormat::Grey, (40, 40), Millis(0)).unwrap();
        let turned = TurnedPhoto::new(&photo, -35.0, 100).unwrap();
        let (w, h) = turned.size_px;
        let middle = (h / 2 * w + w / 2) as usize * 3;
        assert_eq!(turned.rgb[middle..middle + 3], [60; 3]);
    }
}
