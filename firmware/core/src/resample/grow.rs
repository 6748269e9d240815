//! Enlarges a plane across, as chroma grows when a frame goes into a net of nearly its size: each source line is spread once,
//! then lines are mixed. Down it may grow, stay or shrink.

use moodring_nn::Wide;

use super::{
    axis::Axis,
    plane::Plane,
    reciprocal::{MOST_TOTAL, Reciprocal},
    strips::STRIP,
};

/// Rows are narrower, so that weights across, of up to twice the width, fit 16 bits.
const MOST_ACROSS: u32 = 32_768;

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
    samples: [u32; STRIP],
}

/// Fills the rows, a mean at every `C`th byte, if the plane is to grow or to stay across; else leaves them and returns
/// `false`. `finish` is done to every mean. The rows begin at column `left`, and at most [`STRIP`] samples of each are made.
pub(super) fn grow<'a, const C: usize>(
    plane: Plane<'_>,
    size_px: (u32, u32),
    left: u32,
    finish: impl Fn(u8) -> u8,
    rows: &mut impl Iterator<Item = &'a mut [u8]>,
) -> bool {
    let across = Axis::new(plane.size_px().0, size_px.0);
    let down = Axis::new(plane.size_px().1, size_px.1);
    let total = across.total() * down.total();
    let fits = across.to < MOST_ACROSS && total <= MOST_TOTAL;
    if across.to < across.from || !fits {
        return false;
    }
    let width = STRIP.min((across.to - left) as usize);
    let places = places(across, left);
    let mean = Reciprocal::new(total);
    let mut spread = [SpreadLine {
        number: None,
        samples: [0; STRIP],
    }; 2];
    let (mut sums, mut means) = ([0_u32; STRIP], [0; STRIP]);
    let (sums, means) = (&mut sums[..width], &mut means[..width]);
    for (y, row) in (0..).zip(rows) {
        let lines = down.taps(y);
        sums.fill(0);
        for line in lines.first..=lines.last {
            let samples = spread_line(&mut spread, line, plane, &places[..width]);
            // Weights are at most a total, below 2^23.
            let weight = lines.weight(line) as u32;
            AddLine {
                sums: &mut *sums,
                samples,
                weight,
            }
            .run_wide();
        }
        Divide {
            sums: &*sums,
            mean: &mean,
            means: &mut *means,
        }
        .run_wide();
        for (byte, &mean) in row.iter_mut().step_by(C).zip(&*means) {
            *byte = finish(mean);
        }
    }
    true
}

/// A spread line with its weight down.
struct AddLine<'a> {
    sums: &'a mut [u32],
    samples: &'a [u32],
    weight: u32,
}

impl Wide for AddLine<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (sum, sample) in self.sums.iter_mut().zip(self.samples) {
            *sum += sample * self.weight;
        }
    }
}

struct Divide<'a> {
    sums: &'a [u32],
    mean: &'a Reciprocal,
    means: &'a mut [u8],
}

impl Wide for Divide<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (mean, &sum) in self.means.iter_mut().zip(self.sums) {
            *mean = self.mean.rounded(sum);
        }
    }
}

fn places(across: Axis, left: u32) -> [Place; STRIP] {
    let mut places = [Place::default(); STRIP];
    for (x, place) in (left..across.to).zip(&mut places) {
        let taps = across.taps(x);
        // At most twice the row's width; a line is not wider than a row.
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
