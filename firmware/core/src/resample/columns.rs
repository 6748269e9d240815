//! Shrinks a plane by any factor: first adds up rows, many columns at a time, then columns.

use super::{axis::Axis, plane::Plane};

/// Source bytes of a line that are added up at a time.
const TILE: usize = 1024;
/// The largest total of weights for which [`Reciprocal`] is exact and a weighted sum of bytes fits 32 bits. Where a plane shrinks
/// it is the source's `width * height`: a 4K picture, and a little more.
pub(super) const MOST_TOTAL: u64 = 1 << 23;

/// Fills the rows, a mean at every `C`th byte, if the plane is to shrink in both directions and one output pixel's
/// columns fit a tile; else leaves them and returns `false`. `finish` is done to every mean.
pub(super) fn shrink<'a, const C: usize>(
    plane: Plane<'_>,
    size_px: (u32, u32),
    finish: impl Fn(u8) -> u8,
    rows: &mut impl Iterator<Item = &'a mut [u8]>,
) -> bool {
    let across = Axis::new(plane.size_px().0, size_px.0);
    let down = Axis::new(plane.size_px().1, size_px.1);
    let shrinks = across.to <= across.from && down.to <= down.from;
    let narrow = (across.from.div_ceil(across.to) + 2) as usize * plane.step() <= TILE;
    if !(shrinks && narrow && across.total() * down.total() <= MOST_TOTAL) {
        return false;
    }
    match plane.step() {
        1 => fill::<1, C>(plane, across, down, finish, rows),
        2 => fill::<2, C>(plane, across, down, finish, rows),
        3 => fill::<3, C>(plane, across, down, finish, rows),
        4 => fill::<4, C>(plane, across, down, finish, rows),
        _ => return false,
    }
    true
}

/// `STEP` is the bytes from sample to sample.
fn fill<'a, const STEP: usize, const C: usize>(
    plane: Plane<'_>,
    across: Axis,
    down: Axis,
    finish: impl Fn(u8) -> u8,
    rows: &mut impl Iterator<Item = &'a mut [u8]>,
) {
    let mean = Reciprocal::new(across.total() * down.total());
    let mut columns = [0_u32; TILE];
    // As many output pixels as surely fit a tile.
    let span = ((TILE / STEP) as u32 - 2) * across.to / across.from;
    for (y, row) in (0..).zip(rows) {
        let lines = down.taps(y);
        let tiles = (0..across.to).step_by(span as usize);
        for (out, at) in row.chunks_mut(span as usize * C).zip(tiles) {
            let pixels = (out.len().div_ceil(C) as u32).min(across.to - at);
            let last = across.taps(at + pixels - 1).last as usize;
            let (first, mut walk) = TapCursor::new(across, at);
            // The last sample's other bytes may lie behind the picture.
            let columns = &mut columns[..(last - first) * STEP + 1];
            columns.fill(0);
            for line in lines.first..=lines.last {
                // Weights are at most a side, 32,768, and the sum of a column is below 2^23.
                add(columns, plane.from(first, line), lines.weight(line) as u16);
            }
            for byte in out.iter_mut().step_by(C).take(pixels as usize) {
                let sum = walk.step::<STEP>(columns);
                *byte = finish(mean.rounded(sum));
            }
        }
    }
}

fn add(columns: &mut [u32], line: &[u8], weight: u16) {
    // Both factors have 16 bits: twice as many fit a vector.
    for (column, &byte) in columns.iter_mut().zip(line) {
        *column += u32::from(byte) * u32::from(weight);
    }
}

/// The taps of one output pixel after another, without a division: in units of `1 / to` source pixels the next
/// output pixel begins at `pixel * to + part`, the pixel counted from the tile's first.
struct TapCursor {
    to: u32,
    whole: usize,
    rest: u32,
    pixel: usize,
    part: u32,
}

impl TapCursor {
    /// The source pixel in which output pixel `at` begins, and the walk from there.
    fn new(Axis { from, to }: Axis, at: u32) -> (usize, Self) {
        let walk = Self {
            to,
            whole: (from / to) as usize,
            rest: from % to,
            pixel: 0,
            part: at * from % to,
        };
        ((at * from / to) as usize, walk)
    }

    /// The weighted sum of the columns under the next output pixel: all that it touches, less what is outside.
    fn step<const STEP: usize>(&mut self, columns: &[u32]) -> u64 {
        let (first, before) = (self.pixel, self.part);
        self.pixel += self.whole;
        self.part += self.rest;
        if self.part >= self.to {
            self.part -= self.to;
            self.pixel += 1;
        }
        // At most a pixel more than the output pixel covers: below twice 2^23 times 255, which fits.
        let whole = &columns[first * STEP..columns.len().min(self.pixel * STEP)];
        let mut sum: u32 = whole.iter().step_by(STEP).sum();
        sum *= self.to;
        if before > 0 {
            sum -= before * columns[first * STEP];
        }
        if self.part > 0 {
            sum += self.part * columns[self.pixel * STEP];
        }
        sum.into()
    }
}

/// Division by the same number again and again, as a multiplication.
pub(super) struct Reciprocal {
    half: u64,
    factor: u64,
}

impl Reciprocal {
    /// `2^55 / total`, rounded up. It is too large by less than 1, so a sum below `256 * total` is off by less than
    /// `256 * total / 2^55`, which is less than the `1 / total` that could change the quotient.
    pub(super) const fn new(total: u64) -> Self {
        Self {
            half: total / 2,
            factor: (1 << 55) / total + 1,
        }
    }

    /// A weighted sum of bytes divided by the total of the weights, rounded to nearest.
    pub(super) const fn rounded(&self, sum: u64) -> u8 {
        (((sum + self.half) * self.factor) >> 55) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reciprocal_divides_exactly() {
        for total in [
            1,
            2,
            3,
            7,
            307_200,
            480_000,
            8_294_400,
            MOST_TOTAL - 1,
            MOST_TOTAL,
        ] {
            let mean = Reciprocal::new(total);
            for byte in 0..=255 {
                // Around every border between two bytes.
                let border = byte * total - total / 2 * u64::from(byte > 0);
                for sum in border.saturating_sub(2)..=(border + 2).min(255 * total) {
                    let truth = (sum + total / 2) / total;
                    assert_eq!(u64::from(mean.rounded(sum)), truth, "{sum} / {total}");
                }
            }
        }
    }
}
