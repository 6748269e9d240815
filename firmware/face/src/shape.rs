//! Signed distances of the few shapes a face is made of: negative inside. Knows no colour and no pixel.

use libm::sqrtf;

/// A point or vector in face units.
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
    fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        at(self.x - other.x, self.y - other.y)
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        at(self.x + other.x, self.y + other.y)
    }
}

/// Distance to an axis-aligned ellipse around 0, to first order: `k0 (k0 - 1) / k1` with `k0 = |p / r|`,
/// `k1 = |p / r^2|` (I. Quilez, "ellipse distance bound"). Good to a few percent near the edge, where it counts.
pub(crate) fn ellipse(p: Vec2, r: Vec2) -> f32 {
    let scaled = at(p.x / r.x, p.y / r.y);
    let twice = at(scaled.x / r.x, scaled.y / r.y);
    let k1 = sqrtf(twice.dot(twice));
    if k1 < 1e-6 {
        return -r.x.min(r.y);
    }
    let k0 = sqrtf(scaled.dot(scaled));
    k0 * (k0 - 1.0) / k1
}

/// Whether a path has an inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    Open,
    Closed,
}

/// Distance to a polyline (open) or polygon (closed), exact up to `limit`, beyond it just `limit`.
pub(crate) fn path(points: &[Vec2], ends: Ends, p: Vec2, limit: f32) -> f32 {
    let mut nearest = limit * limit;
    let mut inside = false;
    let Some(&last) = points.last() else {
        return limit;
    };
    let mut a = match ends {
        Ends::Closed => last,
        Ends::Open => points[0],
    };
    for &b in points {
        inside ^= ends == Ends::Closed && crosses(a, b, p);
        // Far edges cannot be the nearest within the limit; skipping them halves the time.
        let near_x = p.x > a.x.min(b.x) - limit && p.x < a.x.max(b.x) + limit;
        if near_x && p.y > a.y.min(b.y) - limit && p.y < a.y.max(b.y) + limit {
            nearest = nearest.min(segment_squared(a, b, p));
        }
        a = b;
    }
    let distance = sqrtf(nearest);
    if inside { -distance } else { distance }
}

/// Whether a ray from `p` to the right meets the edge (even-odd rule).
fn crosses(a: Vec2, b: Vec2, p: Vec2) -> bool {
    (a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x
}

fn segment_squared(a: Vec2, b: Vec2, p: Vec2) -> f32 {
    let (edge, to) = (b.minus(a), p.minus(a));
    // A point as a segment has no length to divide by.
    let t = (to.dot(edge) / edge.dot(edge).max(1e-12)).clamp(0.0, 1.0);
    let off = at(to.x - edge.x * t, to.y - edge.y * t);
    off.dot(off)
}

/// The point at `t` of a quadratic curve that starts at `a`, ends at `b` and passes `bend` below their middle.
pub(crate) fn bow(a: Vec2, b: Vec2, bend: f32, t: f32) -> Vec2 {
    let rise = 4.0 * t * (1.0 - t) * bend;
    at(a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t + rise)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: [Vec2; 4] = [at(-1.0, -1.0), at(1.0, -1.0), at(1.0, 1.0), at(-1.0, 1.0)];

    #[test]
    fn a_square_from_inside_and_outside() {
        let d = |x, y| path(&SQUARE, Ends::Closed, at(x, y), 10.0);
        assert_eq!(d(0.0, 0.0), -1.0);
        assert_eq!(d(0.75, 0.0), -0.25);
        assert_eq!(d(3.0, 0.5), 2.0);
        assert_eq!(d(4.0, 5.0), 5.0);
    }

    #[test]
    fn an_open_path_has_no_inside_and_a_limit() {
        let d = |x, y| path(&SQUARE, Ends::Open, at(x, y), 1.5);
        assert_eq!(d(0.0, 0.0), 1.0);
        assert_eq!(d(-2.0, 0.0), 2.0_f32.sqrt());
        assert_eq!(d(-9.0, 0.0), 1.5);
        assert_eq!(path(&[], Ends::Open, at(0.0, 0.0), 1.5), 1.5);
    }

    #[test]
    fn a_single_point_is_a_dot() {
        assert_eq!(path(&[at(1.0, 0.0)], Ends::Open, at(1.0, 2.0), 9.0), 2.0);
    }

    #[test]
    fn a_round_ellipse_is_exact_and_a_long_one_is_0_on_its_edge() {
        assert!((ellipse(at(3.0, 4.0), at(2.0, 2.0)) - 3.0).abs() < 1e-5);
        assert!((ellipse(at(0.5, 0.0), at(2.0, 2.0)) + 1.5).abs() < 1e-5);
        assert!(ellipse(at(3.0, 0.0), at(3.0, 1.0)).abs() < 1e-6);
        assert!(ellipse(at(0.0, 0.0), at(3.0, 1.0)) < 0.0);
    }
}
