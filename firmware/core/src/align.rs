//! Makes an upright 48x48 crop from landmarks, framed as FER2013 frames faces: [`align`] turns it by the landmarks,
//! [`align_at`] by a roll that is known better. Knows no net.

#[cfg(test)]
mod tests;
mod warp;

use crate::{
    brighten::brighten,
    classify::{CROP_PX, Crop},
    detect::{Channels, Face},
    frame::{Frame, Millis, PixelFormat},
    geometry::{Point, Rect, Similarity},
    pose::CropPose,
    resample::resample,
};
use warp::warp;

/// Where the five landmarks lie in the crop, in crop pixels, in [`Face::landmarks`]' order: the medians over 13,915
/// upright frontal faces of FER2013's training pictures (`models/train/classifier/framing.json`).
pub const LANDMARKS_IN_CROP: [Point; 5] = [
    Point::new(15.4, 18.84),
    Point::new(32.6, 18.84),
    Point::new(24.0, 28.62),
    Point::new(16.73, 36.34),
    Point::new(31.27, 36.34),
];

/// Where the detector's box lies in the crop, for faces whose landmarks are no use: the medians over 78 frontal faces
/// that YuNet_n at 640 px found in Flickr photos, brought into the crop by their landmarks.
pub const BOX_IN_CROP: Rect = Rect::new(5.1, -0.5, 37.8, 49.4);

/// Landmarks are ignored if they make the crop this many times larger or smaller than the box does. All 137 faces
/// of 28 px and taller in the same photos, profiles among them, are between 0.6 and 1.2.
const SCALE_LIMIT: f32 = 2.0;

/// A face from this many times the crop's size on is first shrunk by a whole factor, to 1.5 to 2.25 times the crop's size:
/// means of blocks are many times cheaper than as many samples.
const SHRINK_FROM: f32 = 3.0;
/// Side of the shrunk picture: the diagonal of a crop at the largest scale that is left, 2.25, and a margin.
const SHRUNK_PX: usize = 160;

/// The transform from the frame to the crop: the similarity that fits the landmarks best, or if they contradict the
/// box or coincide, the box without rotation.
pub fn to_crop(face: &Face) -> Similarity {
    let from_box = box_to_crop(&face.rect);
    let Some(fitted) = Similarity::from_points(&face.landmarks, &LANDMARKS_IN_CROP) else {
        return from_box;
    };
    let ratio = fitted.scale() / from_box.scale();
    let off = fitted
        .apply(face.rect.center())
        .distance(BOX_IN_CROP.center());
    let believed = (1.0 / SCALE_LIMIT..=SCALE_LIMIT).contains(&ratio) && off < CROP_PX as f32 / 2.0;
    if believed { fitted } else { from_box }
}

fn box_to_crop(rect: &Rect) -> Similarity {
    // A box smaller than a pixel shows nothing; the limit keeps the way back finite.
    let scale = BOX_IN_CROP.side() / rect.side().max(1.0);
    let shift = BOX_IN_CROP.center() - rect.center() * scale;
    let transform = Similarity {
        a: scale,
        b: 0.0,
        tx: shift.x,
        ty: shift.y,
    };
    if rect.is_finite() && shift.is_finite() && scale.is_normal() {
        transform
    } else {
        Similarity::IDENTITY
    }
}

/// The crop's point around which a crop is turned: the mean of [`LANDMARKS_IN_CROP`].
pub const TURN_CENTER: Point = Point::new(24.0, 27.8);

/// The transform from the crop to the frame, turned by the landmarks.
pub fn from_crop(face: &Face) -> Similarity {
    to_crop(face).inverse().unwrap_or(Similarity::IDENTITY)
}

/// Landmarks that are turned farther than this from the head do not lie on it: the detector draws upright ones into a face that
/// stands on its top or lies on its side.
const FARTHEST_DEG: f32 = 60.0;

/// The same, with the crop turned to this roll, in degrees, clockwise positive: the crop's [`TURN_CENTER`] and its scale
/// stay as they are. If the landmarks are turned too far from it, only the box decides where the face lies.
pub fn from_crop_at(face: &Face, roll_deg: f32) -> Similarity {
    let back = from_crop(face);
    let by_deg = wrap_deg(roll_deg - rotation_deg(&back));
    if by_deg.abs() <= FARTHEST_DEG {
        return moved(&back, by_deg, TURN_CENTER, TURN_CENTER, 1.0);
    }
    let inverse = box_to_crop(&face.rect).inverse();
    let back = inverse.unwrap_or(Similarity::IDENTITY);
    let middle = BOX_IN_CROP.center();
    moved(&back, wrap_deg(roll_deg), middle, middle, 1.0)
}

/// The face's landmarks on a head whose roll is known, in degrees, clockwise positive. The detector draws them less tilted than a
/// head that is tilted far; turned with the crop ([`from_crop_at`]) they lie on it.
pub fn landmarks_at(face: &Face, roll_deg: f32) -> [Point; 5] {
    let by_deg = wrap_deg(roll_deg - landmarks_roll_deg(face));
    let back = from_crop_at(face, roll_deg);
    if by_deg.abs() > FARTHEST_DEG {
        return LANDMARKS_IN_CROP.map(|p| back.apply(p));
    }
    let to_crop = to_crop(face);
    face.landmarks.map(|p| back.apply(to_crop.apply(p)))
}

/// A transform from a crop to the frame, mended by the net's pose for that crop: turned by the roll that is left, around
/// the face's middle, and of the right size.
pub fn mended(back: &Similarity, pose: &CropPose) -> Similarity {
    let size = libm::expf(pose.log_size);
    let middle = TURN_CENTER + pose.offset_px;
    moved(back, pose.roll_deg, middle, TURN_CENTER, size)
}

/// By how much a crop is turned against the frame by the landmarks, in degrees, clockwise positive.
pub fn landmarks_roll_deg(face: &Face) -> f32 {
    rotation_deg(&from_crop(face))
}

/// The rotation of a transform, in degrees, clockwise positive, -180 to 180.
pub fn rotation_deg(transform: &Similarity) -> f32 {
    libm::atan2f(transform.b, transform.a).to_degrees()
}

/// An angle brought into -180 to below 180 degrees; what is not finite counts as 0.
pub fn wrap_deg(angle: f32) -> f32 {
    let rest = libm::fmodf(angle + 180.0, 360.0);
    let wrapped = if rest < 0.0 {
        rest + 180.0
    } else {
        rest - 180.0
    };
    if wrapped.is_finite() { wrapped } else { 0.0 }
}

/// A transform from a crop to the frame, with the crop turned further clockwise and made `size` times as large; what was at
/// `from_px` in the crop comes to lie at `to_px`.
fn moved(back: &Similarity, by_deg: f32, from_px: Point, to_px: Point, size: f32) -> Similarity {
    let (sin, cos) = libm::sincosf(by_deg.to_radians());
    let (sin, cos) = (sin * size, cos * size);
    let (a, b) = (back.a * cos - back.b * sin, back.b * cos + back.a * sin);
    let rotation = Similarity {
        a,
        b,
        tx: 0.0,
        ty: 0.0,
    };
    let shift = back.apply(from_px) - rotation.apply(to_px);
    Similarity {
        a,
        b,
        tx: shift.x,
        ty: shift.y,
    }
}

/// Cuts the face out of the frame, turned upright by the landmarks. Averages where the face is larger than the crop,
/// interpolates bilinearly where it is smaller, repeats the border where it reaches over the frame's edge.
///
/// Takes 26 kB of stack for large faces.
pub fn align(frame: &Frame<'_>, face: &Face, crop: &mut Crop) {
    cut(frame, &from_crop(face), crop);
}

/// [`align`] for a head whose roll is known, in degrees, clockwise positive.
pub fn align_at(frame: &Frame<'_>, face: &Face, roll_deg: f32, crop: &mut Crop) {
    cut(frame, &from_crop_at(face, roll_deg), crop);
}

/// Cuts what the transform from the crop to the frame shows; see [`align`]. A dark face is brightened.
pub fn cut(frame: &Frame<'_>, back: &Similarity, crop: &mut Crop) {
    sample(frame, back, crop);
    brighten(crop, CROP_PX, CROP_PX);
}

fn sample(frame: &Frame<'_>, back: &Similarity, crop: &mut Crop) {
    if back.scale() < SHRINK_FROM || !shrunk(frame, back, crop) {
        warp(frame, back, crop);
    }
}

/// [`align`] by way of a smaller picture; `false` if there is none: the face is not in the frame.
fn shrunk(frame: &Frame<'_>, back: &Similarity, crop: &mut Crop) -> bool {
    let factor = (back.scale() * 2.0 / SHRINK_FROM) as u32;
    let Some(part) = Part::around(frame, back, factor) else {
        return false;
    };
    let mut pixels = [0; SHRUNK_PX * SHRUNK_PX];
    let (w, h) = part.shrunk_px;
    let cut = frame.part(part.corner_px, (w * factor, h * factor));
    resample(
        &cut,
        part.shrunk_px,
        Channels::Grey,
        w as usize,
        &mut pixels,
    );
    let Ok(small) = Frame::packed(&pixels, PixelFormat::Grey, part.shrunk_px, Millis(0)) else {
        return false;
    };
    let per_px = 1.0 / factor as f32;
    let (x, y) = part.corner_px;
    let to_small = Similarity {
        a: back.a * per_px,
        b: back.b * per_px,
        tx: (back.tx - x as f32) * per_px,
        ty: (back.ty - y as f32) * per_px,
    };
    warp(&small, &to_small, crop);
    true
}

/// The part of a frame that a crop shows, in whole blocks.
struct Part {
    corner_px: (u32, u32),
    /// Blocks across and down, 1 to [`SHRUNK_PX`].
    shrunk_px: (u32, u32),
}

impl Part {
    fn around(frame: &Frame<'_>, back: &Similarity, factor: u32) -> Option<Self> {
        let side = CROP_PX as f32;
        let corners = [(0.0, 0.0), (side, 0.0), (0.0, side), (side, side)];
        let corners = corners.map(|(x, y)| back.apply(Point::new(x, y)));
        let (x, w) = span(corners.map(|p| p.x), frame.width_px(), factor)?;
        let (y, h) = span(corners.map(|p| p.y), frame.height_px(), factor)?;
        Some(Self {
            corner_px: (x, y),
            shrunk_px: (w, h),
        })
    }
}

/// The first pixel, an even one, and the number of whole blocks that hold these places and a block around them, as
/// far as the frame has them.
fn span(places: [f32; 4], side_px: u32, factor: u32) -> Option<(u32, u32)> {
    let least = places.into_iter().fold(f32::INFINITY, f32::min);
    let most = places.into_iter().fold(f32::NEG_INFINITY, f32::max);
    let margin = factor as f32;
    // Casts saturate.
    let first = ((least - margin) as u32).min(side_px) & !1;
    let end = (libm::ceilf(most + margin) as u32).min(side_px);
    let blocks = end.saturating_sub(first).div_ceil(factor);
    let blocks = blocks.min((side_px - first) / factor).min(SHRUNK_PX as u32);
    (blocks > 0).then_some((first, blocks))
}

/// The whole picture as a crop, for pictures that are face crops already. A 48x48 grey picture stays as it is;
/// others are stretched.
pub fn whole(frame: &Frame<'_>, crop: &mut Crop) {
    let size = (CROP_PX as u32, CROP_PX as u32);
    resample(frame, size, Channels::Grey, CROP_PX, crop);
}
