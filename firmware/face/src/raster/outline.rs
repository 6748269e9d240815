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

    fn stretch(&self, p: Vec2) -> Vec2 {
        at(p.x, (p.y - self.y) * self.tall + self.y)
    }
}

/// A piece of a stroke: its ends, and how far its edge is from its middle at both.
struct StrokePiece {
    a: Vec2,
    b: Vec2,
    normal: Vec2,
    from: Vec2,
    to: Vec2,
}

/// Adds the stroke along `points` to a shape.
pub(crate) fn stroke(shapes: &mut Shapes, map: &Transform, points: &[Vec2], ends: Ends, pen: Pen) {
    let mut pieces = pieces(points, ends, pen.radius);
    let round = |shapes: &mut Shapes, p: Vec2| {
        shapes.oval(map, pen.stretch(p), at(pen.radius, pen.radius * pen.tall));
    };
    if pieces.is_empty() {
        if let Some(&dot) = points.first() {
            round(shapes, dot);
        }
        return;
    }
    let pixel = |p: Vec2| map.point(pen.stretch(p));
    let count = pieces.len();
    for i in 0..count {
        let next = (i + 1) % count;
        if next == 0 && ends == Ends::Open {
            break;
        }
        let (m, n) = (pieces[i].normal, pieces[next].normal);
        let turn = m.dot(n) / (pen.radius * pen.radius);
        if turn > SHARP {
            let both = m.plus(n).times(1.0 / (1.0 + turn));
            pieces[i].to = both;
            pieces[next].from = both;
        } else {
            let p = pieces[i].b;
            shapes.edge(pixel(p.plus(m)), pixel(p.plus(n)));
            shapes.edge(pixel(p.minus(n)), pixel(p.minus(m)));
            round(shapes, p);
        }
    }
    for piece in &pieces {
        shapes.edge(
            pixel(piece.a.plus(piece.from)),
            pixel(piece.b.plus(piece.to)),
        );
        shapes.edge(
            pixel(piece.b.minus(piece.to)),
            pixel(piece.a.minus(piece.from)),
        );
    }
    if let (Ends::Open, [first, ..], [.., last]) = (ends, &pieces[..], &pieces[..]) {
        shapes.edge(
            pixel(first.a.minus(first.from)),
            pixel(first.a.plus(first.from)),
        );
        shapes.edge(pixel(last.b.plus(last.to)), pixel(last.b.minus(last.to)));
        round(shapes, first.a);
        round(shapes, last.b);
    }
}

/// The stroke piece by piece; points on top of each other make none.
fn pieces(points: &[Vec2], ends: Ends, radius: f32) -> Vec<StrokePiece, MAX_STROKE> {
    let mut pieces = Vec::new();
    let Some(&first) = points.first() else {
        return pieces;
    };
    let back = (ends == Ends::Closed).then_some(first);
    let mut a = first;
    for b in points[1..].iter().copied().chain(back) {
        let along = b.minus(a);
        let length = sqrtf(along.dot(along));
        if length < 1e-4 {
            continue;
        }
        let normal = at(along.y, -along.x).times(radius / length);
        let _full = pieces.push(StrokePiece {
            a,
            b,
            normal,
            from: normal,
            to: normal,
        });
        a = b;
    }
    pieces
}
