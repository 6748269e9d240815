//! Walks over the whole picture: means alone, or the overview and means.

use super::{
    CHECKPOINT_EVERY, DIVISORS, ScaledJpeg,
    cosine::{self, Weights},
    header::{Component, Header},
    planes::Plane,
    scan::{Checkpoint, Scan},
};

impl ScaledJpeg {
    /// The largest divisor that leaves the picture large enough; 1 if it is small itself.
    fn divisor(&self) -> u32 {
        let (width, height) = self.header.size_px;
        // Larger than it is, nothing shows more; and of a wide picture only one side has to fill the input.
        let (least_w, least_h) = self.needs.least_px;
        // A quarter keeps four frequencies of a block: too few for small faces if it is just the input's size.
        let fits = |divisor: &u32| {
            let margin = if *divisor == 4 { 5 } else { 4 };
            let fits = |side: u32, least: u32| {
                4 * u64::from(side.div_ceil(*divisor)) >= margin * u64::from(least)
            };
            fits(width, least_w) || fits(height, least_h)
        };
        DIVISORS.into_iter().find(fits).unwrap_or(1)
    }

    pub(super) fn decode_means(&mut self) -> Option<()> {
        self.reset_means();
        let header = &self.header;
        let (across, down) = header.units();
        let [mut means, ..] = self.means.split();
        let factor = luma_factor(header);
        let mut scan = Scan::new(header, &self.coded)?;
        for y in 0..down {
            for x in 0..across {
                scan.begin_unit()?;
                note(&mut self.checkpoints, &scan, x);
                for (i, component) in header.components().iter().enumerate() {
                    for (h, v) in blocks(component) {
                        let mean = scan.skip_block(i, component)?;
                        if i == 0 {
                            let (bw, bh) = component.blocks;
                            let place = (x * bw + h, y * bh + v);
                            means.put(place, &[[cosine::pixel(mean as f32 * factor)]]);
                        }
                    }
                }
                scan.end_unit();
            }
        }
        scan.is_within()
    }

    pub(super) fn decode_overview(&mut self) -> Option<()> {
        self.reset_means();
        let divisor = self.divisor();
        let points = (8 / divisor) as usize;
        let header = &self.header;
        let (across, down) = header.units();
        let (unit_w, _) = header.unit_blocks();
        let three = header.components().len() == 3;
        let per_chroma = header.per_chroma().filter(|_| three && self.needs.colour);
        let (width, height) = header.size_px;
        let size_px = [width, height].map(|side| side.div_ceil(divisor) as usize);
        self.overview
            .reset((size_px[0], size_px[1]), across * unit_w * points);
        if let Some(per_chroma) = per_chroma {
            // A block has as many samples as one of luma, whatever it covers.
            let stride = across * header.chroma_blocks().0 * points;
            self.overview.add_chroma(stride, per_chroma);
        }
        let [mut means, ..] = self.means.split();
        let mut planes = self.overview.split();
        let factor = luma_factor(header);
        let weights: [Weights; 3] = std::array::from_fn(|i| {
            let component = header.components().get(i).copied().unwrap_or_default();
            Weights::new(&header.steps[component.steps], points, points)
        });
        let mut scan = Scan::new(header, &self.coded)?;
        for y in 0..down {
            for x in 0..across {
                scan.begin_unit()?;
                note(&mut self.checkpoints, &scan, x);
                for (i, component) in header.components().iter().enumerate() {
                    let (bw, bh) = component.blocks;
                    for (h, v) in blocks(component) {
                        let block = (x * bw + h, y * bh + v);
                        if i > 0 && per_chroma.is_none() {
                            scan.skip_block(i, component)?;
                            continue;
                        }
                        put_block(
                            &mut scan,
                            (i, component),
                            &weights[i],
                            points,
                            &mut planes[i],
                            block,
                        )?;
                        if i == 0 {
                            let mean = scan.last_mean(0) as f32 * factor;
                            means.put(block, &[[cosine::pixel(mean)]]);
                        }
                    }
                }
                scan.end_unit();
            }
        }
        scan.is_within()?;
        self.overview.mix();
        self.divisor = Some(divisor);
        Some(())
    }

    fn reset_means(&mut self) {
        let (across, down) = self.header.units();
        let (w, _) = self.header.unit_blocks();
        let (width, height) = self.header.size_px;
        let blocks = (width.div_ceil(8) as usize, height.div_ceil(8) as usize);
        // Rows below the picture are left out; columns beside it are not shown.
        self.means.reset(blocks, across * w);
        self.checkpoints.clear();
        self.checkpoints
            .reserve(across.div_ceil(CHECKPOINT_EVERY) * down);
    }
}

/// A place to go on from, every few units of a row.
#[inline(always)]
fn note(checkpoints: &mut Vec<Checkpoint>, scan: &Scan<'_>, x: usize) {
    if x.is_multiple_of(CHECKPOINT_EVERY) {
        checkpoints.push(scan.checkpoint());
    }
}

/// The places of a component's blocks in a unit, in their order.
pub(super) fn blocks(component: &Component) -> impl Iterator<Item = (usize, usize)> {
    let (w, h) = component.blocks;
    (0..h).flat_map(move |v| (0..w).map(move |h| (h, v)))
}

/// What a step of luma's mean is worth.
fn luma_factor(header: &Header) -> f32 {
    let steps = header.components().first().map_or(0, |luma| luma.steps);
    f32::from(header.steps[steps][0]) / 8.0
}

/// Decodes a block to `points` pixels across and down, and puts it at its place.
#[inline(always)]
pub(super) fn put_block(
    scan: &mut Scan<'_>,
    (i, component): (usize, &Component),
    weights: &Weights,
    points: usize,
    plane: &mut Plane<'_>,
    (x, y): (usize, usize),
) -> Option<()> {
    let place = (x * points, y * points);
    match points {
        8 => plane.put(place, &scan.block::<8, 8>(i, component, weights)?),
        4 => plane.put(place, &scan.block::<4, 4>(i, component, weights)?),
        2 => plane.put(place, &scan.block::<2, 2>(i, component, weights)?),
        _ => plane.put(place, &scan.block::<1, 1>(i, component, weights)?),
    }
    Some(())
}
