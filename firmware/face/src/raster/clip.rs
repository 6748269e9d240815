//! Hides what lies beyond a straight edge: an eye's lid.

use super::{
    LINES,
    spans::{RowSpans, Spans},
};

/// A straight edge: only one side of it is seen. `bound = base + step * line`, 48.16 pixels.
#[derive(Clone, Copy, Debug, PartialEq, Hash)]
pub(crate) struct ClipEdge {
    pub(crate) base: i64,
    pub(crate) step: i64,
    /// What is seen.
    pub(crate) seen: Side,
}

/// A side of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    Left,
    Right,
}

impl ClipEdge {
    /// Keeps what is seen of a pixel row.
    pub(crate) fn cut(&self, row: i32, lines: &mut RowSpans) {
        for (line, spans) in (row * LINES..).zip(lines) {
            self.cut_line(line, spans);
        }
    }

    fn cut_line(&self, line: i32, spans: &mut Spans) {
        let bound = (self.base + self.step * i64::from(line)) >> 8;
        let bound = bound.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        match self.seen {
            Side::Left => spans.cut(i32::MIN, bound),
            Side::Right => spans.cut(bound, i32::MAX),
        }
    }
}
