//! Turns thick strokes with round ends into outlines: edges, and ovals at ends and sharp turns.

use heapless::Vec;
use libm::sqrtf;

use super::shapes::{Shapes, Transform};
use crate::vec2::{Vec2, at};

/// Points of one stroke; more are left out.
pub(crate) const MAX_STROKE: usize = 48;
/// Cosine of the turn from which a corner gets a round joint: about 37 degrees.
const SHARP: f32 = 0.8;

/// Whether a stroke comes back to its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    Open,
    Closed,
}

/// What a stroke is drawn with: a round pen; the whole stroke may be stretched in height afterwards.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pen {
    /// Its radius.
    pub(crate) radius: f32,
    /// The stretch.
    pub(crate) tall: f32,
    /// The height that stays where it is.
    pub(crate) y: f32,
}

impl Pen {
    /// A round one.
    pub(crate) const fn round(radius: f32) -> Self {
        Self {
            radius,
            tall: 1.0,
            y: 0.0,
        }
    }

    /// The way to pixels, stretch included.
    fn map(&self, map: &Transform) -> Transform {
        let kept = map.down.times(self.y * (1.0 - self.tall));
        Transform {
            centre: map.centre.plus(kept),
            right: map.right,
            down: map.down.times(self.tall),
        }
    }
}

/// A piece of a stroke: its ends in pixels, its direction, and how far its edge is from its middle at both ends.
struct StrokePiece {
    a: Vec2,
    b: Vec2,
    /// Across the piece, as long as the pen's radius: before the stretch, and in pixels.
    normal: Vec2,
    across: Vec2,
    from: Vec2,
    to: Vec2,
}

/// Adds the stroke along `points` to a shape.
pub(crate) fn stroke(shapes: &mut Shapes, map: &Transform, points: &[Vec2], ends: Ends, pen: Pen) {
    let map = pen.map(map);
    let mut pieces = pieces(&map, points, ends, pen.radius);
    let radii = [
        map.direction(at(pen.radius, 0.0)),
        map.direction(at(0.0, pen.radius)),
    ];
    let round = |shapes: &mut Shapes, p: Vec2| shapes.ellipse(p, radii);
    if pieces.is_empty() {
        if let Some(&dot) = points.first() {
            round(shapes, map.point(dot));
        }
        return;
    }
    let per_square = 1.0 / (pen.radius * pen.radius);
    let count = pieces.len();
    for i in 0..count {
        let next = (i + 1) % count;
        if next == 0 && ends == Ends::Open {
            break;
        }
        let turn = pieces[i].normal.dot(pieces[next].normal) * per_square;
        let (m, n) = (pieces[i].across, pieces[next].across);
        if turn > SHARP {
            let both = m.plus(n).times(1.0 / (1.0 + turn));
            pieces[i].to = both;
            pieces[next].from = both;
        } else {
            let p = pieces[i].b;
            shapes.edge(p.plus(m), p.plus(n));
            shapes.edge(p.minus(n), p.minus(m));
            round(shapes, p);
        }
    }
    for piece in &pieces {
        shapes.edge(piece.a.plus(piece.from), piece.b.plus(piece.to));
        shapes.edge(piece.b.minus(piece.to), piece.a.minus(piece.from));
    }
    if let (Ends::Open, [first, ..], [.., last]) = (ends, &pieces[..], &pieces[..]) {
        shapes.edge(first.a.minus(first.from), first.a.plus(first.from));
        shapes.edge(last.b.plus(last.to), last.b.minus(last.to));
        round(shapes, first.a);
        round(shapes, last.b);
    }
}

/// The stroke piece by piece; points on top of each other make none.
fn pieces(
    map: &Transform,
    points: &[Vec2],
    ends: Ends,
    radius: f32,
) -> Vec<StrokePiece, MAX_STROKE> {
    let mut pieces = Vec::new();
    let Some(&first) = points.first() else {
        return pieces;
    };
    let back = (ends == Ends::Closed).then_some(first);
    let (mut a, mut a_pixel) = (first, map.point(first));
    for b in points[1..].iter().copied().chain(back) {
        let along = b.minus(a);
        let length = sqrtf(along.dot(along));
        if length < 1e-4 {
            continue;
        }
        let normal = at(along.y, -along.x).times(radius / length);
        let across = map.direction(normal);
        let b_pixel = map.point(b);
        let _full = pieces.push(StrokePiece {
            a: a_pixel,
            b: b_pixel,
            normal,
            across,
            from: across,
            to: across,
        });
        (a, a_pixel) = (b, b_pixel);
    }
    pieces
}
