//! Points, boxes and similarity transforms in picture coordinates: x to the right, y down, in pixels.
//!
//! A pixel's centre has integer coordinates plus one half: the picture's left edge is x = 0.

use core::ops::{Add, Mul, Sub};

/// A point in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f32,
    /// Down.
    pub y: f32,
}

impl Point {
    /// The point at these coordinates.
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// The distance to another point, in pixels.
    pub fn distance(self, other: Self) -> f32 {
        let d = self - other;
        libm::hypotf(d.x, d.y)
    }

    /// Whether both coordinates are numbers and not infinite.
    pub fn is_finite(self) -> bool {
        self.x.is_finite() && self.y.is_finite()
    }
}

impl Add for Point {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::new(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for Point {
    type Output = Self;

    fn mul(self, factor: f32) -> Self {
        Self::new(self.x * factor, self.y * factor)
    }
}

/// A box with its left top corner and its size, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// Left edge, in pixels.
    pub x: f32,
    /// Top edge, in pixels.
    pub y: f32,
    /// Width in pixels, not negative.
    pub w: f32,
    /// Height in pixels, not negative.
    pub h: f32,
}

impl Rect {
    /// The box with this left top corner and size.
    pub const fn new(x: f32, y: f32, w: f32, h: f32) -> Self {
        Self { x, y, w, h }
    }

    /// The point in the middle.
    pub fn center(&self) -> Point {
        Point::new(self.x + self.w / 2.0, self.y + self.h / 2.0)
    }

    /// Width times height, in square pixels; 0 if a side is not positive.
    pub fn area(&self) -> f32 {
        self.w.max(0.0) * self.h.max(0.0)
    }

    /// The side of the square of the same area, in pixels.
    pub fn side(&self) -> f32 {
        libm::sqrtf(self.area())
    }

    /// What both boxes cover; a box without area where they do not meet.
    pub fn intersection(&self, other: &Self) -> Self {
        let x = self.x.max(other.x);
        let y = self.y.max(other.y);
        // Rounding in x + w must not make the common part larger than either box.
        let w = (self.x + self.w).min(other.x + other.w) - x;
        let h = (self.y + self.h).min(other.y + other.h) - y;
        Self::new(
            x,
            y,
            w.min(self.w).min(other.w).max(0.0),
            h.min(self.h).min(other.h).max(0.0),
        )
    }

    /// The part within a picture of this width and height; the whole box if the size is not known (0).
    pub fn within(&self, (width_px, height_px): (u32, u32)) -> Self {
        if width_px == 0 || height_px == 0 {
            return *self;
        }
        let picture = Self::new(0.0, 0.0, width_px as f32, height_px as f32);
        // A box wholly outside has no area, and lies at the nearest place.
        let inside = self.intersection(&picture);
        Self {
            x: inside.x.min(picture.w),
            y: inside.y.min(picture.h),
            ..inside
        }
    }

    /// Intersection over union by definition, 0 to 1; 0 if both are without area.
    pub fn iou(&self, other: &Self) -> f32 {
        let common = self.intersection(other).area();
        let union = self.area() + other.area() - common;
        if union > 0.0 {
            (common / union).min(1.0)
        } else {
            0.0
        }
    }

    /// The same box moved by `by`.
    pub fn moved(&self, by: Point) -> Self {
        Self::new(self.x + by.x, self.y + by.y, self.w, self.h)
    }

    /// Whether all four numbers are numbers and not infinite.
    pub fn is_finite(&self) -> bool {
        self.x.is_finite() && self.y.is_finite() && self.w.is_finite() && self.h.is_finite()
    }
}

/// Rotation, uniform scale and shift: `x' = a x - b y + tx`, `y' = b x + a y + ty`. Never a reflection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Similarity {
    /// Scale times the cosine of the angle.
    pub a: f32,
    /// Scale times the sine of the angle (clockwise in the picture, as y points down).
    pub b: f32,
    /// Shift to the right.
    pub tx: f32,
    /// Shift down.
    pub ty: f32,
}

impl Similarity {
    /// Leaves every point where it is.
    pub const IDENTITY: Self = Self {
        a: 1.0,
        b: 0.0,
        tx: 0.0,
        ty: 0.0,
    };

    /// The transform that brings `from` nearest to `to` in the sense of least squares: Umeyama, *Least-squares
    /// estimation of transformation parameters between two point patterns* (1991), in closed form for the plane.
    ///
    /// `None` if there is no such transform or it has no inverse: fewer than two points (the shorter slice counts),
    /// points that coincide, values that are not finite.
    pub fn from_points(from: &[Point], to: &[Point]) -> Option<Self> {
        let n = from.len().min(to.len());
        if n < 2 {
            return None;
        }
        let (from, to) = (&from[..n], &to[..n]);
        let (mean_from, mean_to) = (mean(from), mean(to));
        let (mut cos, mut sin, mut spread) = (0.0, 0.0, 0.0);
        let (mut spread_to, mut largest) = (0.0, 0.0_f32);
        for (&p, &q) in from.iter().zip(to) {
            largest = largest.max(p.x.abs()).max(p.y.abs());
            let (p, q) = (p - mean_from, q - mean_to);
            cos += p.x * q.x + p.y * q.y;
            sin += p.x * q.y - p.y * q.x;
            spread += p.x * p.x + p.y * p.y;
            spread_to += q.x * q.x + q.y * q.y;
        }
        // Below this the spread is rounding noise of the coordinates themselves.
        let noise = largest * 4.0 * f32::EPSILON;
        if !(spread > noise * noise * n as f32 && spread.is_finite()) {
            return None;
        }
        let (a, b) = (cos / spread, sin / spread);
        let least = 1e-6 * spread_to / spread;
        let squared_scale = a * a + b * b;
        if !(squared_scale > least && squared_scale.is_normal()) {
            return None;
        }
        let turned = Self {
            a,
            b,
            tx: 0.0,
            ty: 0.0,
        }
        .apply(mean_from);
        let shift = mean_to - turned;
        shift.is_finite().then_some(Self {
            a,
            b,
            tx: shift.x,
            ty: shift.y,
        })
    }

    /// Where a point goes.
    pub fn apply(&self, p: Point) -> Point {
        Point::new(
            self.a * p.x - self.b * p.y + self.tx,
            self.b * p.x + self.a * p.y + self.ty,
        )
    }

    /// How many times longer lines become.
    pub fn scale(&self) -> f32 {
        libm::hypotf(self.a, self.b)
    }

    /// The way back. `None` if everything falls onto one point.
    pub fn inverse(&self) -> Option<Self> {
        let squared_scale = self.a * self.a + self.b * self.b;
        if !squared_scale.is_normal() {
            return None;
        }
        let (a, b) = (self.a / squared_scale, -self.b / squared_scale);
        Some(Self {
            a,
            b,
            tx: -(a * self.tx - b * self.ty),
            ty: -(b * self.tx + a * self.ty),
        })
    }
}

fn mean(points: &[Point]) -> Point {
    let sum = points
        .iter()
        .fold(Point::default(), |sum, &point| sum + point);
    sum * (1.0 / points.len() as f32)
}

/// The head's tilt in the picture plane in degrees, -180 to 180: 0 upright, positive clockwise as seen in the picture.
///
/// The subject's right eye is on the picture's left when the head is upright. 0 if the eyes coincide.
pub fn roll_deg(right_eye: Point, left_eye: Point) -> f32 {
    let d = left_eye - right_eye;
    libm::atan2f(d.y, d.x).to_degrees()
}

#[cfg(test)]
mod tests;
