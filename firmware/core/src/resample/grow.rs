//! Enlarges a plane across, as chroma grows when a frame goes into a net of nearly its size: each source line is spread once,
//! then lines are mixed. Down it may grow, stay or shrink.

use super::{
    axis::Axis,
    plane::Plane,
    reciprocal::{MOST_TOTAL, Reciprocal},
};

/// The widest row that is made, in samples: the widest input of a detector, and more.
const MOST_ACROSS: usize = 1024;

/// Where a sample of a row lies between two of a line: the first, the weights of both.
#[derive(Clone, Copy, Default)]
struct Place {
    first: u16,
    weights: [u16; 2],
}

/// A source line spread to a row, before its weight down.
#[derive(Clone, Copy)]
struct SpreadLine {
    number: Option<u32>,
    samples: [u32; MOST_ACROSS],
}

/// Fills the rows, a mean at every `C`th byte, if the plane is to grow or to stay across; else leaves them and returns
/// `false`. `finish` is done to every mean.
pub(super) fn grow<'a, const C: usize>(
    plane: Plane<'_>,
    size_px: (u32, u32),
    finish: impl Fn(u8) -> u8,
    rows: &mut impl Iterator<Item = &'a mut [u8]>,
) -> bool {
    let across = Axis::new(plane.size_px().0, size_px.0);
    let down = Axis::new(plane.size_px().1, size_px.1);
    let total = across.total() * down.total();
    let fits = across.to as usize <= MOST_ACROSS && total <= MOST_TOTAL;
    if across.to < across.from || !fits {
        return false;
    }
    let width = across.to as usize;
    let places = places(across);
    let mean = Reciprocal::new(total);
    let mut spread = [SpreadLine {
        number: None,
        samples: [0; MOST_ACROSS],
    }; 2];
    let mut sums = [0_u32; MOST_ACROSS];
    for (y, row) in (0..).zip(rows) {
        let lines = down.taps(y);
        sums[..width].fill(0);
        for line in lines.first..=lines.last {
            let samples = spread_line(&mut spread, line, plane, &places[..width]);
            // Weights are at most a total, below 2^23.
            let weight = lines.weight(line) as u32;
            for (sum, sample) in sums[..width].iter_mut().zip(samples) {
                *sum += sample * weight;
            }
        }
        for (byte, &sum) in row.iter_mut().step_by(C).zip(&sums[..width]) {
            *byte = finish(mean.rounded(sum));
        }
    }
    true
}

fn places(across: Axis) -> [Place; MOST_ACROSS] {
    let mut places = [Place::default(); MOST_ACROSS];
    for (x, place) in (0..across.to).zip(&mut places) {
        let taps = across.taps(x);
        // Below twice the widest row; a line is not wider than that.
        *place = Place {
            first: taps.first as u16,
            weights: [taps.first_weight as u16, taps.last_weight as u16],
        };
    }
    places
}

/// A line of the plane spread to a row; two are kept, since a row shares one with the next.
fn spread_line<'a>(
    kept: &'a mut [SpreadLine; 2],
    line: u32,
    plane: Plane<'_>,
    places: &[Place],
) -> &'a [u32] {
    // Lines come in order, so their parity decides which of the two is not needed any more.
    let slot = &mut kept[line as usize % 2];
    if slot.number != Some(line) {
        slot.number = Some(line);
        let (source, step) = (plane.from(0, line), plane.step());
        let last = plane.size_px().0 as usize - 1;
        for (sample, place) in slot.samples.iter_mut().zip(places) {
            let first = usize::from(place.first);
            let [a, b] = [first, (first + 1).min(last)].map(|x| u32::from(source[x * step]));
            *sample = a * u32::from(place.weights[0]) + b * u32::from(place.weights[1]);
        }
    }
    &slot.samples[..places.len()]
}
