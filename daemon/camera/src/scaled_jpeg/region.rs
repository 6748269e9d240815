//! The luma around a face at the resolution that its crop needs, decoded from the nearest checkpoints.

use moodring_core::{
    classify::CROP_PX,
    frame::{Frame, Millis},
    geometry::{Point, Similarity},
};

use super::{
    CHECKPOINT_EVERY,
    bits::CodedData,
    cosine::Weights,
    header::Header,
    planes::Planes,
    scan::{Checkpoint, Scan},
    walk::{blocks, put_block},
};

/// A part of a picture; its buffer is used again.
#[derive(Debug, Default)]
pub(super) struct Region {
    planes: Planes,
}

/// Units across and down, from the first to before the last.
struct Units {
    x: (usize, usize),
    y: (usize, usize),
}

impl Region {
    /// Decodes what the crop shows, its sides divided by `divisor` (1, 2, 4), and the pixel of the whole picture in its left
    /// top corner. `None` if the crop lies outside, or the data is broken.
    pub(super) fn decode(
        &mut self,
        header: &Header,
        coded: &CodedData,
        checkpoints: &[Checkpoint],
        from_crop: &Similarity,
        divisor: u32,
    ) -> Option<(Frame<'_>, (u32, u32))> {
        let units = Units::around(header, from_crop, divisor);
        let (unit_w, unit_h) = header.unit_blocks();
        let points = (8 / divisor) as usize;
        // Where the picture ends inside the last unit, the region does, too: its border is repeated, not the padding.
        let end = |units: usize, blocks: usize, side: u32| (units * blocks * 8).min(side as usize);
        let (left, top) = (units.x.0 * unit_w * 8, units.y.0 * unit_h * 8);
        let width = end(units.x.1, unit_w, header.size_px.0).checked_sub(left)?;
        let height = end(units.y.1, unit_h, header.size_px.1).checked_sub(top)?;
        let size = [width, height].map(|side| side.div_ceil(divisor as usize));
        let stride = (units.x.1 - units.x.0) * unit_w * points;
        self.planes.reset((size[0], size[1]), stride);
        self.fill(header, coded, checkpoints, &units, points)?;
        let frame = self.planes.frame(Millis(0)).ok()?;
        Some((frame, (left as u32, top as u32)))
    }

    fn fill(
        &mut self,
        header: &Header,
        coded: &CodedData,
        checkpoints: &[Checkpoint],
        units: &Units,
        points: usize,
    ) -> Option<()> {
        let [mut luma, ..] = self.planes.split();
        let component = header.components().first()?;
        let weights = Weights::new(&header.steps[component.steps], points, points);
        let (across, _) = header.units();
        let (bw, bh) = component.blocks;
        let first = units.x.0 / CHECKPOINT_EVERY;
        for y in units.y.0..units.y.1 {
            let checkpoint = checkpoints.get(y * across.div_ceil(CHECKPOINT_EVERY) + first)?;
            let begin = first * CHECKPOINT_EVERY;
            let mut scan = Scan::resume(header, coded, y * across + begin, checkpoint);
            for x in begin..units.x.1 {
                scan.begin_unit()?;
                for (i, component) in header.components().iter().enumerate() {
                    for (h, v) in blocks(component) {
                        if i > 0 || x < units.x.0 {
                            scan.skip_block(i, component)?;
                            continue;
                        }
                        let block = ((x - units.x.0) * bw + h, (y - units.y.0) * bh + v);
                        put_block(
                            &mut scan,
                            (i, component),
                            &weights,
                            points,
                            &mut luma,
                            block,
                        )?;
                    }
                }
                scan.end_unit();
            }
        }
        Some(())
    }
}

impl Units {
    /// Those that hold the crop and a margin for the samples beside it, at least one.
    fn around(header: &Header, from_crop: &Similarity, divisor: u32) -> Self {
        let side = CROP_PX as f32;
        let corners = [(0.0, 0.0), (side, 0.0), (0.0, side), (side, side)];
        let corners = corners.map(|(x, y)| from_crop.apply(Point::new(x, y)));
        let margin = 2.0 * divisor as f32;
        let (across, down) = header.units();
        let span = |places: [f32; 4], blocks: usize, count: usize| {
            let unit_px = (8 * blocks) as f32;
            let least = places.into_iter().fold(f32::INFINITY, f32::min) - margin;
            let most = places.into_iter().fold(f32::NEG_INFINITY, f32::max) + margin;
            // Casts saturate. What lies outside of the picture shows its border.
            let first = ((least / unit_px) as usize).min(count - 1);
            let end = ((most / unit_px).max(0.0) as usize)
                .saturating_add(1)
                .clamp(first + 1, count);
            (first, end)
        };
        let (w, h) = header.unit_blocks();
        Self {
            x: span(corners.map(|p| p.x), w, across),
            y: span(corners.map(|p| p.y), h, down),
        }
    }
}

/// The transform from the crop to a picture that begins at `corner_px` of the whole one, its sides divided by `divisor`.
pub(super) fn scaled(from_crop: &Similarity, (x, y): (u32, u32), divisor: u32) -> Similarity {
    let per_px = 1.0 / divisor as f32;
    Similarity {
        a: from_crop.a * per_px,
        b: from_crop.b * per_px,
        tx: (from_crop.tx - x as f32) * per_px,
        ty: (from_crop.ty - y as f32) * per_px,
    }
}
