//! A camera's JPEG, decoded only as far as somebody looks: the whole picture at a fraction of its size for the detector, its
//! means for the motion watch, and a face's part of it in more detail. All of it stays one lent [`Picture`].
//!
//! Reads what cameras send: one pass, grey or YCbCr in 4:4:4, 4:2:2 or 4:2:0, with and without restarts. The rest goes to the
//! decoder of whole pictures (`camera::jpeg`). Why our own: docs/decisions/023-scaled-jpeg.md.

mod bits;
mod cosine;
mod header;
mod huffman;
mod planes;
mod region;
mod scan;

use moodring_core::{
    align,
    classify::Crop,
    frame::{Frame, Millis},
    geometry::Similarity,
    picture::Picture,
};

use self::{
    bits::CodedData,
    cosine::Weights,
    header::{Component, Header},
    planes::{Plane, Planes},
    region::Region,
    scan::{Checkpoint, Scan},
};

/// Sides are divided by these for the overview.
const DIVISORS: [u32; 3] = [4, 2, 1];
/// Units of a row from one checkpoint to the next.
const CHECKPOINT_EVERY: usize = 4;
/// A crop's pixel covers at least so many pixels of the picture that it is cut from, as far as there are: what the crop's own
/// way through large frames keeps, too.
const PX_PER_CROP_PX: f32 = 1.5;

/// What a reader wants of the pictures to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The overview has at least this size, as far as the picture has.
    pub least_px: (u32, u32),
    /// Whether the overview has colours.
    pub colour: bool,
    /// Whether probably nobody will ask for the overview: then only means are decoded.
    pub is_resting: bool,
}

/// Why a picture was not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotDecoded {
    /// It is of a kind for the decoder of whole pictures.
    OtherKind,
    /// Its coded data ends early or means nothing.
    Damaged,
}

/// A decoded JPEG. Its buffers are used again for the next one.
#[derive(Debug, Default)]
pub struct ScaledJpeg {
    jpeg: Vec<u8>,
    header: Header,
    coded: CodedData,
    checkpoints: Vec<Checkpoint>,
    /// The mean of each block of 8 x 8 pixels.
    means: Planes,
    overview: Planes,
    /// What the sides of the overview are divided by; `None` if it was not decoded.
    divisor: Option<u32>,
    region: Region,
    wish: Wish,
    time: Millis,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            least_px: (u32::MAX, u32::MAX),
            colour: true,
            is_resting: false,
        }
    }
}

impl ScaledJpeg {
    /// Takes over the picture that lies at the begin of `jpeg` and ends at its end; `tables` are for one that has none.
    ///
    /// # Errors
    /// [`NotDecoded`]; then nothing may be asked of it.
    pub(crate) fn decode(&mut self, jpeg: &[u8], tables: &[u8], wish: Wish, time: Millis) -> Result<(), NotDecoded> {
        (self.wish, self.time, self.divisor) = (wish, time, None);
        self.jpeg.clear();
        let begin = self.header.read(jpeg, tables).ok_or(NotDecoded::OtherKind)?;
        self.jpeg.extend_from_slice(jpeg);
        self.coded.read(&jpeg[begin..]);
        let (across, down) = self.header.units();
        let parts = match self.header.restart {
            0 => 1,
            interval => (across * down).div_ceil(interval),
        };
        if self.coded.count() < parts {
            return Err(NotDecoded::Damaged);
        }
        let decoded = if wish.is_resting { self.decode_means() } else { self.decode_overview() };
        decoded.ok_or(NotDecoded::Damaged)
    }

    /// The JPEG itself.
    pub fn jpeg(&self) -> &[u8] {
        &self.jpeg
    }

    /// The largest divisor that leaves the picture large enough; 1 if it is small itself.
    fn divisor(&self) -> u32 {
        let (width, height) = self.header.size_px;
        // Larger than it is, nothing shows more; and of a wide picture only one side has to fill the input.
        let (least_w, least_h) = self.wish.least_px;
        let fits = |divisor: &u32| width.div_ceil(*divisor) >= least_w || height.div_ceil(*divisor) >= least_h;
        DIVISORS.into_iter().find(fits).unwrap_or(1)
    }

    fn decode_means(&mut self) -> Option<()> {
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

    fn decode_overview(&mut self) -> Option<()> {
        self.reset_means();
        let divisor = self.divisor();
        let points = (8 / divisor) as usize;
        let header = &self.header;
        let (across, down) = header.units();
        let (unit_w, unit_h) = header.unit_blocks();
        let has_chroma = self.wish.colour && header.components().len() == 3;
        let (width, height) = header.size_px;
        let size_px = [width, height].map(|side| side.div_ceil(divisor) as usize);
        self.overview.reset((size_px[0], size_px[1]), across * unit_w * points, has_chroma);
        let [mut means, ..] = self.means.split();
        let mut planes = self.overview.split();
        let factor = luma_factor(header);
        let sizes = [(points, points), (points * unit_w / 2, points * unit_h / 2)];
        let sizes = [sizes[0], sizes[1], sizes[1]];
        let weights: [Weights; 3] = std::array::from_fn(|i| {
            let component = header.components().get(i).copied().unwrap_or_default();
            Weights::new(&header.steps[component.steps], sizes[i].0, sizes[i].1)
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
                        if i > 0 && !has_chroma {
                            scan.skip_block(i, component)?;
                            continue;
                        }
                        put_block(&mut scan, (i, component), &weights[i], sizes[i], &mut planes[i], block)?;
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
        self.divisor = Some(divisor);
        Some(())
    }

    fn reset_means(&mut self) {
        let (across, down) = self.header.units();
        let (w, h) = self.header.unit_blocks();
        let (width, height) = self.header.size_px;
        let blocks = (width.div_ceil(8) as usize, height.div_ceil(8) as usize);
        // Rows below the picture are left out; columns beside it are not shown.
        self.means.reset(blocks, across * w, false);
        self.checkpoints.clear();
        self.checkpoints.reserve(across.div_ceil(CHECKPOINT_EVERY) * down);
        debug_assert!(h > 0);
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
fn blocks(component: &Component) -> impl Iterator<Item = (usize, usize)> {
    let (w, h) = component.blocks;
    (0..h).flat_map(move |v| (0..w).map(move |h| (h, v)))
}

/// What a step of luma's mean is worth.
fn luma_factor(header: &Header) -> f32 {
    let steps = header.components().first().map_or(0, |luma| luma.steps);
    f32::from(header.steps[steps][0]) / 8.0
}

/// Decodes a block to `size` pixels and puts it at its place.
#[inline(always)]
fn put_block(
    scan: &mut Scan<'_>,
    (i, component): (usize, &Component),
    weights: &Weights,
    size: (usize, usize),
    plane: &mut Plane<'_>,
    (x, y): (usize, usize),
) -> Option<()> {
    let place = (x * size.0, y * size.1);
    match size {
        (8, 8) => plane.put(place, &scan.block::<8, 8>(i, component, weights)?),
        (8, 4) => plane.put(place, &scan.block::<8, 4>(i, component, weights)?),
        (4, 4) => plane.put(place, &scan.block::<4, 4>(i, component, weights)?),
        (4, 2) => plane.put(place, &scan.block::<4, 2>(i, component, weights)?),
        (2, 2) => plane.put(place, &scan.block::<2, 2>(i, component, weights)?),
        (2, 1) => plane.put(place, &scan.block::<2, 1>(i, component, weights)?),
        _ => plane.put(place, &scan.block::<1, 1>(i, component, weights)?),
    }
    Some(())
}

impl Picture for ScaledJpeg {
    fn time(&self) -> Millis {
        self.time
    }

    fn size_px(&self) -> (u32, u32) {
        self.header.size_px
    }

    fn thumbnail(&mut self) -> Frame<'_> {
        lent(&self.means, self.time)
    }

    fn overview(&mut self) -> Frame<'_> {
        // The data was walked through before, so this finds nothing new.
        if self.divisor.is_none() && self.decode_overview().is_none() {
            return lent(&self.means, self.time);
        }
        lent(&self.overview, self.time)
    }

    fn cut(&mut self, from_crop: &Similarity, crop: &mut Crop) {
        let least = from_crop.scale() / PX_PER_CROP_PX;
        if let Some(divisor) = self.divisor
            && divisor as f32 <= least.max(1.0)
        {
            let to_overview = region::scaled(from_crop, (0, 0), divisor);
            return align::cut(&lent(&self.overview, self.time), &to_overview, crop);
        }
        let divisor = DIVISORS.into_iter().find(|&divisor| divisor as f32 <= least).unwrap_or(1);
        let (header, coded) = (&self.header, &self.coded);
        if let Some((frame, corner_px)) =
            self.region.decode(header, coded, &self.checkpoints, from_crop, divisor)
        {
            align::cut(&frame, &region::scaled(from_crop, corner_px, divisor), crop);
        }
    }
}

/// A decoded picture; before one was decoded, a grey pixel.
fn lent(planes: &Planes, time: Millis) -> Frame<'_> {
    static NOTHING: [u8; 1] = [128];
    planes.frame(time).unwrap_or_else(|_| {
        let format = moodring_core::frame::PixelFormat::Grey;
        Frame::packed(&NOTHING, format, (1, 1), time).expect("one byte is a picture of one grey pixel")
    })
}
