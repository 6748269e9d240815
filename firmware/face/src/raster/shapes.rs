//! Stores all edges and ovals of a drawing. A shape is what some of them cover together.

use core::ops::Range;

use heapless::Vec;

use super::{
    LINES,
    edge::{self, Crossings, Edge},
    oval::Oval,
    row::PIECE,
    spans::{RowSpans, Spans},
};
use crate::vec2::{Vec2, at};

/// Edges that one face may have; a test holds every look and every mixture against it.
pub(crate) const MAX_EDGES: usize = 640;
/// Ovals that one face may have.
pub(crate) const MAX_OVALS: usize = 96;

/// Face units to pixels: turned, enlarged, moved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transform {
    /// Where (0, 0) goes.
    pub(crate) centre: Vec2,
    /// Where a step to the right goes.
    pub(crate) right: Vec2,
    /// Where a step down goes.
    pub(crate) down: Vec2,
}

impl Transform {
    /// A point.
    pub(crate) fn point(&self, p: Vec2) -> Vec2 {
        self.centre.plus(self.direction(p))
    }

    /// The point that goes there, if nothing is turned.
    pub(crate) fn unpoint(&self, p: Vec2) -> Vec2 {
        let off = p.minus(self.centre);
        at(off.x / self.right.x, off.y / self.down.y)
    }

    /// A direction with its length.
    pub(crate) fn direction(&self, p: Vec2) -> Vec2 {
        self.right.times(p.x).plus(self.down.times(p.y))
    }
}

/// Edges and ovals.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    pub(crate) edges: Vec<Edge, MAX_EDGES>,
    pub(crate) ovals: Vec<Oval, MAX_OVALS>,
}

/// Some of the edges and ovals: what any of them covers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shape {
    edges: (u16, u16),
    ovals: (u16, u16),
    /// The first scan line that may hold some of it.
    pub(crate) top: i32,
    /// One past the last.
    pub(crate) bottom: i32,
    /// The first pixel that may hold some of it.
    left: i32,
    /// One past the last.
    right: i32,
}

impl Shape {
    /// Whether it may touch some pixel of these rows.
    pub(crate) fn touches_rows(&self, rows: &Range<i32>) -> bool {
        self.top < rows.end * LINES && rows.start * LINES < self.bottom
    }

    /// Whether it may touch some pixel of a row from `left` on.
    pub(crate) fn touches(&self, row: i32, left: i32) -> bool {
        self.top < (row + 1) * LINES
            && row * LINES < self.bottom
            && self.left < left + PIECE as i32
            && left < self.right
    }
}

/// A box that holds nothing yet: top, bottom, left, right.
const NOTHING: [i32; 4] = [i32::MAX, i32::MIN, i32::MAX, i32::MIN];

fn unite(all: [i32; 4], one: [i32; 4]) -> [i32; 4] {
    [
        all[0].min(one[0]),
        all[1].max(one[1]),
        all[2].min(one[2]),
        all[3].max(one[3]),
    ]
}

impl Shapes {
    /// The shape of all that `add` adds.
    pub(crate) fn shape(&mut self, add: impl FnOnce(&mut Self)) -> Shape {
        let (edges, ovals) = (self.edges.len(), self.ovals.len());
        add(self);
        let boxes = self.edges[edges..].iter().map(Edge::bounds);
        let boxes = boxes.chain(self.ovals[ovals..].iter().map(Oval::bounds));
        let [top, bottom, left, right] = boxes.fold(NOTHING, unite);
        // The stores are smaller than u16's range.
        Shape {
            edges: (edges as u16, self.edges.len() as u16),
            ovals: (ovals as u16, self.ovals.len() as u16),
            top,
            bottom,
            left,
            right,
        }
    }

    /// Adds an edge in pixels. A full store drops it: a picture with a fault beats a crash.
    pub(crate) fn edge(&mut self, a: Vec2, b: Vec2) {
        if let Some(edge) = Edge::new(a, b) {
            let _full = self.edges.push(edge);
        }
    }

    /// Adds an ellipse of face units.
    pub(crate) fn oval(&mut self, map: &Transform, centre: Vec2, radii: Vec2) {
        let (a, b) = (at(radii.x, 0.0), at(0.0, radii.y));
        self.ellipse(map.point(centre), [map.direction(a), map.direction(b)]);
    }

    /// Adds an ellipse of pixels, by its middle and two half diameters.
    pub(crate) fn ellipse(&mut self, centre: Vec2, [a, b]: [Vec2; 2]) {
        let _full = self.ovals.push(Oval::new(centre, a, b));
    }

    /// Adds a polygon of face units, clockwise or not.
    pub(crate) fn polygon(&mut self, map: &Transform, points: &[Vec2]) {
        let Some(&last) = points.last() else {
            return;
        };
        let mut twice_area = 0.0;
        let mut a = last;
        for &b in points {
            twice_area += a.x * b.y - a.y * b.x;
            a = b;
        }
        let mut a = map.point(last);
        for &b in points {
            let b = map.point(b);
            // All that lies in one shape winds the same way, or it would be taken away instead of added.
            if twice_area > 0.0 {
                self.edge(a, b);
            } else {
                self.edge(b, a);
            }
            a = b;
        }
    }

    /// A shape's edges and ovals.
    pub(crate) fn parts(&self, shape: &Shape) -> (&[Edge], &[Oval]) {
        let (edges, ovals) = (shape.edges, shape.ovals);
        let edges = self.edges.get(usize::from(edges.0)..usize::from(edges.1));
        let ovals = self.ovals.get(usize::from(ovals.0)..usize::from(ovals.1));
        (edges.unwrap_or(&[]), ovals.unwrap_or(&[]))
    }

    /// What a shape covers of each scan line of a pixel row, merged.
    pub(crate) fn scan(
        &self,
        shape: &Shape,
        row: i32,
        lines: &mut RowSpans,
        crossings: &mut Crossings,
    ) {
        lines.iter_mut().for_each(Spans::clear);
        let (edges, ovals) = self.parts(shape);
        if !edges.is_empty() {
            edge::cross(edges, row, crossings);
            for (spans, crossings) in lines.iter_mut().zip(crossings) {
                edge::fill(crossings, spans);
            }
        }
        for oval in ovals {
            if oval.touches(row) {
                for (line, spans) in (row * LINES..).zip(lines.iter_mut()) {
                    oval.scan(line, spans);
                }
            }
        }
        lines.iter_mut().for_each(Spans::merge);
    }
}
