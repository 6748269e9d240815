//! A part of a picture on its way to be shrunk: sums of lines, their running sums, and means, of some output rows side by side.

use core::ops::Range;

use moodring_nn::Wide;

use super::{
    axis::Taps,
    columns::{Start, bytes},
    plane::Plane,
    reciprocal::Reciprocal,
};

/// Output rows that are made together.
pub(super) const LANES: usize = 8;
/// Source bytes of a line that are added up at a time.
pub(super) const TILE: usize = 512;
/// As many bytes as surely add up to 16 bits.
const MOST_LINES: u32 = 257;

/// A part of the lines of some output rows, each in a lane of its own.
pub(super) struct Tile {
    /// The first byte's place in a line.
    pub(super) from: usize,
    /// The weighted sums of the lines' bytes.
    columns: [[u32; LANES]; TILE],
    /// Sums of all of a plane's columns before this one, and behind the last.
    before: [[u32; LANES]; TILE + 2],
    /// Of output pixels.
    means: [[u8; LANES]; TILE],
}

impl Tile {
    pub(super) const fn new() -> Self {
        Self {
            from: 0,
            columns: [[0; LANES]; TILE],
            before: [[0; LANES]; TILE + 2],
            means: [[0; LANES]; TILE],
        }
    }

    /// Adds up these bytes of the lines.
    pub(super) fn add_lines(
        &mut self,
        lane: usize,
        plane: &Plane<'_>,
        bytes: Range<usize>,
        lines: &Taps,
    ) {
        let line = |y| &plane.line(y)[bytes.clone()];
        let mut columns = [0; TILE];
        let columns = &mut columns[..bytes.len()];
        let ends = [line(lines.first), line(lines.last)];
        // Weights are at most a side, 32,768.
        let weights = [lines.first_weight, lines.last_weight].map(|weight| weight as u16);
        WeighEnds {
            columns,
            ends,
            weights,
        }
        .run_wide();
        let mut next = lines.first + 1;
        while next < lines.last {
            let end = lines.last.min(next + MOST_LINES);
            let mut sums = [0; TILE];
            let sums = &mut sums[..bytes.len()];
            for y in next..end {
                AddLine {
                    sums,
                    line: line(y),
                }
                .run_wide();
            }
            let weight = lines.inner_weight as u16;
            WeighSums {
                columns,
                sums,
                weight,
            }
            .run_wide();
            next = end;
        }
        for (lanes, &mut column) in self.columns.iter_mut().zip(columns) {
            lanes[lane] = column;
        }
    }

    /// Makes [`Tile::before`] of the plane's columns.
    pub(super) fn add_columns(&mut self, plane: &Plane<'_>, starts: &[Start]) {
        let bytes = bytes(plane, starts);
        AddColumns {
            columns: &self.columns[bytes.start - self.from..bytes.end - self.from],
            step: plane.step(),
            ends: &mut self.before[1..],
        }
        .run_wide();
    }

    /// The means of the columns under each output pixel.
    pub(super) fn means(&mut self, starts: &[Start], to: u32, mean: &Reciprocal) -> &[[u8; LANES]] {
        let means = &mut self.means[..starts.len() - 1];
        let before = &self.before;
        Divide {
            before,
            starts,
            to,
            mean,
            means,
        }
        .run_wide();
        means
    }
}

/// The first and the last line, each with its weight. Factors of 16 bits: twice as many fit a vector. A column's sum is below 2^23.
struct WeighEnds<'a> {
    columns: &'a mut [u32],
    ends: [&'a [u8]; 2],
    weights: [u16; 2],
}

impl Wide for WeighEnds<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let [first, last] = self.weights.map(u32::from);
        let bytes = self.ends[0].iter().zip(self.ends[1]);
        for (column, (&a, &b)) in self.columns.iter_mut().zip(bytes) {
            *column = u32::from(a) * first + u32::from(b) * last;
        }
    }
}

/// A line between them.
struct AddLine<'a> {
    sums: &'a mut [u16],
    line: &'a [u8],
}

impl Wide for AddLine<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (sum, &byte) in self.sums.iter_mut().zip(self.line) {
            *sum += u16::from(byte);
        }
    }
}

/// All lines between them, which weigh alike.
struct WeighSums<'a> {
    columns: &'a mut [u32],
    sums: &'a [u16],
    weight: u16,
}

impl Wide for WeighSums<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (column, &sum) in self.columns.iter_mut().zip(self.sums) {
            *column += u32::from(sum) * u32::from(self.weight);
        }
    }
}

/// The sums of a plane's columns, every `step`th, up to each. A sum may leave 32 bits, but not the difference that is taken of two.
struct AddColumns<'a> {
    columns: &'a [[u32; LANES]],
    step: usize,
    ends: &'a mut [[u32; LANES]],
}

impl Wide for AddColumns<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (mut sum, mut ends) = ([0_u32; LANES], self.ends.iter_mut());
        for (column, end) in self.columns.iter().step_by(self.step).zip(ends.by_ref()) {
            for (sum, column) in sum.iter_mut().zip(column) {
                *sum = sum.wrapping_add(*column);
            }
            *end = sum;
        }
        // Behind the last column there is none, but an output pixel may end there.
        if let Some(end) = ends.next() {
            *end = sum;
        }
    }
}

/// What is before an output pixel's end less what is before its start, divided.
struct Divide<'a> {
    before: &'a [[u32; LANES]],
    starts: &'a [Start],
    to: u32,
    mean: &'a Reciprocal,
    means: &'a mut [[u8; LANES]],
}

impl Divide<'_> {
    /// What is before the place where an output pixel begins.
    #[inline(always)]
    fn before(&self, start: Start) -> [u32; LANES] {
        let at = usize::from(start.pixel) - usize::from(self.starts[0].pixel);
        let (here, next) = (&self.before[at], &self.before[at + 1]);
        let mut sums = [0; LANES];
        for (i, sum) in sums.iter_mut().enumerate() {
            let part = next[i].wrapping_sub(here[i]);
            let part = part.wrapping_mul(start.part.into());
            *sum = here[i].wrapping_mul(self.to).wrapping_add(part);
        }
        sums
    }
}

impl Wide for Divide<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let mut start = self.before(self.starts[0]);
        for i in 0..self.means.len() {
            let end = self.before(self.starts[i + 1]);
            for (lane, byte) in self.means[i].iter_mut().enumerate() {
                *byte = self.mean.rounded(end[lane].wrapping_sub(start[lane]));
            }
            start = end;
        }
    }
}
