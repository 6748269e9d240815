//! A point or vector in the plane, in face units or pixels.

/// A point or vector.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Vec2 {
    pub(crate) x: f32,
    pub(crate) y: f32,
}

/// Short for [`Vec2`].
pub(crate) const fn at(x: f32, y: f32) -> Vec2 {
    Vec2 { x, y }
}

impl Vec2 {
    pub(crate) fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        at(self.x - other.x, self.y - other.y)
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        at(self.x + other.x, self.y + other.y)
    }

    pub(crate) fn times(self, factor: f32) -> Self {
        at(self.x * factor, self.y * factor)
    }
}

/// The point at `t` of a quadratic curve that starts at `a`, ends at `b` and passes `bend` below their middle.
pub(crate) fn bow(a: Vec2, b: Vec2, bend: f32, t: f32) -> Vec2 {
    let rise = 4.0 * t * (1.0 - t) * bend;
    at(a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t + rise)
}
