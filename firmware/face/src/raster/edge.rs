//! Fills polygons: edges that a scan line crosses, by the nonzero winding rule. Whole numbers once an edge is made.

use heapless::Vec;
use libm::ceilf;

use super::{LINES, line_at, spans::Spans};
use crate::vec2::Vec2;

/// Crossings of one polygon with one scan line; more are left out.
const MAX_CROSSINGS: usize = 48;

/// Where a polygon crosses the scan lines of a pixel row: 24.8 pixels, shifted up by one; the lowest bit is the direction
/// (1 for upward).
pub(crate) type Crossings = [Vec<i32, MAX_CROSSINGS>; LINES as usize];

/// A polygon's edge, downward or upward.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct Edge {
    /// First scan line it crosses.
    top: i16,
    /// One past the last.
    bottom: i16,
    /// Where it crosses the first, 16.16 pixels.
    x: i32,
    /// How far that moves from line to line; its lowest bit is the direction (1 for upward).
    step: i32,
}

impl Edge {
    /// The edge from `a` to `b` in pixels; `None` if no scan line crosses it.
    pub(crate) fn new(a: Vec2, b: Vec2) -> Option<Self> {
        let up = a.y > b.y;
        let (a, b) = if up { (b, a) } else { (a, b) };
        let (from, to) = (line_at(a.y), line_at(b.y));
        // Casts saturate: what lies off every screen is cut off there.
        let (top, bottom) = (ceilf(from) as i16, ceilf(to) as i16);
        if top >= bottom {
            return None;
        }
        let step = (b.x - a.x) / (to - from);
        let x = a.x + step * (f32::from(top) - from);
        Some(Self {
            top,
            bottom,
            x: (x * 65536.0) as i32,
            // 1/65536 pixel is far below what is seen.
            step: ((step * 65536.0) as i32 & !1) | i32::from(up),
        })
    }

    /// Where this line, one of its own, crosses it: 24.8 pixels.
    fn crossing(&self, line: i32) -> i32 {
        let lines = line - i32::from(self.top);
        // The sum lies between the edge's ends, so what wraps on the way wraps back.
        self.x.wrapping_add(self.step.wrapping_mul(lines)) >> 8
    }

    /// The box around it: first scan line and one past the last, first pixel and one past the last.
    pub(crate) fn bounds(&self) -> [i32; 4] {
        let (top, bottom) = (self.top.into(), self.bottom.into());
        let (a, b) = (self.crossing(top), self.crossing(bottom - 1));
        [top, bottom, a.min(b) >> 8, (a.max(b) >> 8) + 1]
    }

    /// Its ends in half pixels, from the one where it begins to wind to the other; no line that it crosses lies outside.
    pub(crate) fn half_pixels(&self) -> ([i32; 2], [i32; 2]) {
        let (top, bottom) = (i32::from(self.top), i32::from(self.bottom));
        let end = |line: i32, y: i32| [self.crossing(line) >> 7, y * 2 / LINES];
        let (a, b) = (end(top, top), end(bottom - 1, bottom));
        if self.winding() > 0 { (a, b) } else { (b, a) }
    }

    /// +1 downward, -1 upward.
    fn winding(&self) -> i32 {
        1 - 2 * (self.step & 1)
    }
}

/// Finds where edges cross the scan lines of a pixel row. One pass for all lines: most edges lie in other rows.
pub(crate) fn cross(edges: &[Edge], row: i32, crossings: &mut Crossings) {
    crossings.iter_mut().for_each(Vec::clear);
    let first = row * LINES;
    for edge in edges {
        let from = i32::from(edge.top).max(first);
        let to = i32::from(edge.bottom).min(first + LINES);
        for line in from..to {
            let crossing = edge.crossing(line) << 1 | edge.step & 1;
            let _full = crossings[(line - first) as usize].push(crossing);
        }
    }
}

/// Adds what lies between the crossings of one scan line.
pub(crate) fn fill(crossings: &mut [i32], spans: &mut Spans) {
    sort(crossings);
    let mut winding = 0;
    let mut start = 0;
    for &crossing in &*crossings {
        let (x, direction) = (crossing >> 1, 1 - 2 * (crossing & 1));
        if winding == 0 {
            start = x;
        }
        winding += direction;
        if winding == 0 {
            spans.push(start, x);
        }
    }
}

/// By insertion: crossings are few and often in order already.
fn sort(crossings: &mut [i32]) {
    for i in 1..crossings.len() {
        let mut j = i;
        while j > 0 && crossings[j - 1] > crossings[j] {
            crossings.swap(j - 1, j);
            j -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vec2::at;

    fn polygon(points: &[(f32, f32)]) -> std::vec::Vec<Edge> {
        let to = points.iter().cycle().skip(1);
        let pairs = points.iter().zip(to);
        pairs
            .filter_map(|(a, b)| Edge::new(at(a.0, a.1), at(b.0, b.1)))
            .collect()
    }

    fn spans(edges: &[Edge], line: i32) -> std::vec::Vec<(i32, i32)> {
        let mut spans = Spans::default();
        let mut crossings = Crossings::default();
        cross(edges, line.div_euclid(LINES), &mut crossings);
        let line = &mut crossings[line.rem_euclid(LINES) as usize];
        fill(line, &mut spans);
        spans.merge();
        spans.iter().collect()
    }

    #[test]
    fn a_square_is_one_span_on_its_lines_only() {
        let square = polygon(&[(1.0, 1.0), (3.5, 1.0), (3.5, 2.0), (1.0, 2.0)]);
        assert_eq!(spans(&square, 3), []);
        for line in 4..8 {
            assert_eq!(spans(&square, line), [(256, 896)], "line {line}");
        }
        assert_eq!(spans(&square, 8), []);
    }

    #[test]
    fn a_slope_is_followed() {
        let triangle = polygon(&[(0.0, 0.0), (8.0, 8.0), (0.0, 8.0)]);
        for line in 0..32 {
            // The line's middle: (line + 0.5) / 4 pixels.
            assert_eq!(spans(&triangle, line), [(0, line * 64 + 32)]);
        }
    }

    #[test]
    fn what_winds_twice_is_covered_once_and_what_winds_not_at_all_is_not() {
        let mut both = polygon(&[(0.0, 0.0), (4.0, 0.0), (4.0, 1.0), (0.0, 1.0)]);
        both.extend(polygon(&[(2.0, 0.0), (6.0, 0.0), (6.0, 1.0), (2.0, 1.0)]));
        assert_eq!(spans(&both, 1), [(0, 1536)]);
        let mut hole = polygon(&[(0.0, 0.0), (4.0, 0.0), (4.0, 1.0), (0.0, 1.0)]);
        hole.extend(polygon(&[(1.0, 1.0), (2.0, 1.0), (2.0, 0.0), (1.0, 0.0)]));
        assert_eq!(spans(&hole, 1), [(0, 256), (512, 1024)]);
    }

    #[test]
    fn far_away_edges_neither_panic_nor_show() {
        for far in [1e9, f32::INFINITY, f32::NAN] {
            let edges = polygon(&[(far, -far), (far, far), (-far, far)]);
            spans(&edges, 5);
        }
    }
}
