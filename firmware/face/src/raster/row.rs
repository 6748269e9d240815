//! Coverage and colours of a part of one pixel row.

use core::ops::Range;

use super::{FINE_BITS, LINES, spans::Spans};

/// Pixels of a row that are worked on at a time: bounds the stack, not the picture.
pub(crate) const PIECE: usize = 256;
/// Pixels of a block; blocks without a step are passed over at once.
const BLOCK: usize = 16;
/// A pixel that is covered on all its scan lines.
const FULL: i32 = LINES << FINE_BITS;

/// A colour as 0x00RRGGBB.
pub(crate) type Colour = u32;

/// Both colours mixed, channel by channel: `a` at 0, `b` at 256.
pub(crate) fn mix(a: Colour, b: Colour, share: u32) -> Colour {
    let rest = 256 - share;
    // Red and blue in one multiplication; half a step is added so that the result is rounded.
    let red_blue = (a & 0xff_00ff) * rest + (b & 0xff_00ff) * share + 0x80_0080;
    let green = (a & 0xff00) * rest + (b & 0xff00) * share + 0x8000;
    ((red_blue >> 8) & 0xff_00ff) | ((green >> 8) & 0xff00)
}

/// The coverage of a row's pixels, as differences from pixel to pixel, which makes a span four additions.
pub(crate) struct Coverage {
    /// The first pixel's number.
    left: i32,
    differences: [i16; PIECE + 2],
    /// Pixels that something touched.
    touched: (usize, usize),
    /// A bit for each block that has a difference.
    busy: u32,
}

impl Coverage {
    /// Nothing covered, from the pixel `left` on.
    pub(crate) const fn new() -> Self {
        Self {
            left: 0,
            differences: [0; PIECE + 2],
            touched: (PIECE, 0),
            busy: 0,
        }
    }

    /// Moves to other pixels. Nothing may be covered.
    pub(crate) fn move_to(&mut self, left: i32) {
        self.left = left;
    }

    /// Adds the spans of one scan line.
    pub(crate) fn add(&mut self, spans: &Spans) {
        for (start, end) in spans.iter() {
            self.span(start, end);
        }
    }

    /// Adds one span of a scan line, 24.8 pixels.
    pub(crate) fn span(&mut self, start: i32, end: i32) {
        let origin = self.left << FINE_BITS;
        let limit = (PIECE as i32) << FINE_BITS;
        let from = start.saturating_sub(origin).clamp(0, limit);
        let to = end.saturating_sub(origin).clamp(0, limit);
        if from >= to {
            return;
        }
        let first = self.step(from, 1);
        let last = self.step(to, -1);
        self.touched = (self.touched.0.min(first), self.touched.1.max(last + 2));
    }

    /// From here on one scan line more, or less, is covered.
    fn step(&mut self, x: i32, sign: i16) -> usize {
        let (pixel, fine) = ((x >> FINE_BITS) as usize, (x & 0xff) as i16);
        self.differences[pixel] += sign * (256 - fine);
        self.differences[pixel + 1] += sign * fine;
        self.busy |= (1 << (pixel / BLOCK)) | (1 << ((pixel + 1) / BLOCK));
        pixel
    }

    /// The pixels that something touches, as places in the piece, of which only the first `len` are of use.
    pub(crate) fn touched(&self, len: usize) -> Range<usize> {
        self.touched.0..self.touched.1.min(len)
    }

    /// Hands runs of touched pixels, as places in the piece, and their coverage, 1 to 256, to `paint`; then nothing is
    /// covered.
    pub(crate) fn resolve(&mut self, mut paint: impl FnMut(Range<usize>, u32)) {
        let (mut start, end) = (self.touched.0, self.touched.1.min(PIECE + 2));
        let mut sum = 0;
        while start < end {
            sum += i32::from(self.differences[start]);
            self.differences[start] = 0;
            // Most pixels are covered like their neighbour: shapes are filled run by run.
            let next = self.next_step(start + 1, end);
            let run = start..next.min(PIECE);
            if sum > 0 && !run.is_empty() {
                paint(run, ((sum * 256) / FULL) as u32);
            }
            start = next;
        }
        self.touched = (PIECE, 0);
        self.busy = 0;
    }

    /// The first pixel of `from .. end` that is not covered like its left neighbour; else `end`.
    fn next_step(&self, from: usize, end: usize) -> usize {
        let mut start = from;
        while start < end {
            let block = start / BLOCK;
            let stop = ((block + 1) * BLOCK).min(end);
            if self.busy >> block & 1 != 0 {
                let pixels = &self.differences[start..stop];
                if let Some(place) = pixels.iter().position(|step| *step != 0) {
                    return start + place;
                }
            }
            start = stop;
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn mixing_ends_at_the_ends_and_rounds() {
        assert_eq!(mix(0x123456, 0xfedcba, 0), 0x123456);
        assert_eq!(mix(0x123456, 0xfedcba, 256), 0xfedcba);
        assert_eq!(mix(0x000000, 0xffffff, 128), 0x808080);
        assert_eq!(mix(0xff0000, 0x0000ff, 64), 0xbf0040);
    }

    proptest! {
        /// A pixel's coverage is the sum of what the spans cover of it, slowly added up.
        #[test]
        fn coverage_is_the_sum_of_the_overlaps(
            left in -300..300_i32, lines in vec(vec((-100_000..200_000_i32, 0..40_000_i32), 0..3), LINES as usize),
        ) {
            let mut coverage = Coverage::new();
            coverage.move_to(left);
            let mut merged = std::vec::Vec::new();
            for line in &lines {
                let mut spans = Spans::default();
                line.iter().for_each(|(start, len)| spans.push(*start, start + len));
                spans.merge();
                coverage.add(&spans);
                merged.extend(spans.iter());
            }
            let mut drawn = [0; PIECE];
            coverage.resolve(|run, cover| drawn[run].fill(cover));
            for (i, drawn) in drawn.into_iter().enumerate() {
                let pixel = (left + i as i32) * 256;
                let overlap = |(a, b): &(i32, i32)| (*b.min(&(pixel + 256)) - *a.max(&pixel)).max(0);
                let sum: i32 = merged.iter().map(overlap).sum();
                prop_assert_eq!(drawn, (sum / LINES) as u32, "pixel {}", i);
            }
            coverage.resolve(|_, _| panic!("something is left"));
        }
    }
}
