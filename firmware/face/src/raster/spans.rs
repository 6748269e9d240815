//! The spans on a scan line, from left to right, in 24.8 pixels.

use heapless::Vec;

use super::LINES;

/// Spans on one line; more are left out.
const MAX_SPANS: usize = 32;

/// Spans, their ends exclusive. Sorted and apart once merged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans(Vec<(i32, i32), MAX_SPANS>);

/// The spans of all scan lines of a pixel row.
pub(crate) type RowSpans = [Spans; LINES as usize];

impl Spans {
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds a span; an empty one is none.
    pub(crate) fn push(&mut self, start: i32, end: i32) {
        if start < end {
            let _full = self.0.push((start, end));
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (i32, i32)> {
        self.0.iter().copied()
    }

    /// Sorts the spans and joins those that touch.
    pub(crate) fn merge(&mut self) {
        if self.0.len() < 2 {
            return;
        }
        for i in 1..self.0.len() {
            let mut j = i;
            while j > 0 && self.0[j - 1].0 > self.0[j].0 {
                self.0.swap(j - 1, j);
                j -= 1;
            }
        }
        let mut last = 0;
        for i in 1..self.0.len() {
            let (start, end) = self.0[i];
            if start <= self.0[last].1 {
                self.0[last].1 = self.0[last].1.max(end);
            } else {
                last += 1;
                self.0[last] = (start, end);
            }
        }
        self.0.truncate(last + 1);
    }

    /// Keeps what lies between two points.
    pub(crate) fn cut(&mut self, from: i32, to: i32) {
        for span in &mut self.0 {
            *span = (span.0.max(from), span.1.min(to));
        }
        self.0.retain(|(start, end)| start < end);
    }

    /// Keeps what `other` covers too; both merged.
    pub(crate) fn within(&mut self, other: &Self) {
        let mut both = Self::default();
        for (start, end) in self.iter() {
            for (from, to) in other.iter() {
                both.push(start.max(from), end.min(to));
            }
        }
        *self = both;
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn spans(pairs: &[(i32, i32)]) -> Spans {
        let mut spans = Spans::default();
        pairs.iter().for_each(|(a, b)| spans.push(*a, *b));
        spans
    }

    fn holds(spans: &Spans, x: i32) -> bool {
        spans.iter().any(|(a, b)| a <= x && x < b)
    }

    proptest! {
        #[test]
        fn merged_spans_are_sorted_apart_and_hold_the_same(pairs in vec((0..60, 0..60), 0..20)) {
            let before = spans(&pairs);
            let mut after = before.clone();
            after.merge();
            prop_assert!((0..60).all(|x| holds(&before, x) == holds(&after, x)));
            let list: std::vec::Vec<_> = after.iter().collect();
            prop_assert!(list.windows(2).all(|w| w[0].1 < w[1].0));
        }

        #[test]
        fn what_is_within_both_is_in_each(a in vec((0..60, 0..60), 0..6), b in vec((0..60, 0..60), 0..6), from in 0..60, to in 0..60) {
            let (mut a, mut b) = (spans(&a), spans(&b));
            a.merge();
            b.merge();
            let mut both = a.clone();
            both.within(&b);
            prop_assert!((0..60).all(|x| holds(&both, x) == (holds(&a, x) && holds(&b, x))));
            both.cut(from, to);
            prop_assert!((0..60).all(|x| holds(&both, x) == (holds(&a, x) && holds(&b, x) && from <= x && x < to)));
        }
    }
}
