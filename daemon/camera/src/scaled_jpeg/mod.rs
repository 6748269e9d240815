//! A camera's JPEG, decoded only as far as somebody looks: the whole picture at a fraction of its size for the detector, its
//! means for the motion watch, and a face's part of it in more detail. All of it stays one lent [`Picture`].
//!
//! Reads what cameras send: one pass, grey or YCbCr with chroma of the same size, a half or (across) a quarter, with and without restarts. The rest goes to the
//! decoder of whole pictures (`camera::jpeg`). Why our own: docs/decisions/024-scaled-jpeg.md.

mod bits;
mod colours;
mod cosine;
mod header;
mod huffman;
mod planes;
mod region;
mod scan;
#[cfg(test)]
mod tests;
mod walk;

use moodring_core::{
    align,
    classify::Crop,
    frame::{Frame, Millis},
    geometry::Similarity,
    picture::Picture,
};

use self::{bits::CodedData, header::Header, planes::Planes, region::Region, scan::Checkpoint};

/// Sides are divided by these for the overview.
const DIVISORS: [u32; 3] = [4, 2, 1];
/// Units of a row from one checkpoint to the next.
const CHECKPOINT_EVERY: usize = 4;
/// A crop's pixel covers at least so many pixels of the picture that it is cut from, as far as there are: what the crop's own
/// way through large frames keeps, too.
const PX_PER_CROP_PX: f32 = 1.5;

/// What a reader wants of the pictures to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeNeeds {
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
    needs: DecodeNeeds,
    time: Millis,
}

impl Default for DecodeNeeds {
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
    pub(crate) fn decode(
        &mut self,
        jpeg: &[u8],
        tables: &[u8],
        needs: DecodeNeeds,
        time: Millis,
    ) -> Result<(), NotDecoded> {
        (self.needs, self.time, self.divisor) = (needs, time, None);
        self.jpeg.clear();
        let begin = self
            .header
            .read(jpeg, tables)
            .ok_or(NotDecoded::OtherKind)?;
        self.jpeg.extend_from_slice(jpeg);
        self.coded.read(&jpeg[begin..]);
        let (across, down) = self.header.units();
        let parts = match self.header.restart {
            0 => 1,
            interval => (across * down).div_ceil(interval),
        };
        // A block takes two bits at least, so that no few bytes ask for the memory of a large picture.
        let per_unit = self
            .header
            .components()
            .iter()
            .map(|c| c.blocks.0 * c.blocks.1);
        let least_bits = 2 * across * down * per_unit.sum::<usize>();
        if self.coded.count() < parts || 8 * jpeg.len() < least_bits {
            return Err(NotDecoded::Damaged);
        }
        let decoded = if needs.is_resting {
            self.decode_means()
        } else {
            self.decode_overview()
        };
        decoded.ok_or(NotDecoded::Damaged)
    }

    /// The JPEG itself.
    pub fn jpeg(&self) -> &[u8] {
        &self.jpeg
    }
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
            if let Ok(luma) = self.overview.luma(self.time) {
                return align::cut(&luma, &to_overview, crop);
            }
        }
        let divisor = DIVISORS
            .into_iter()
            .find(|&divisor| divisor as f32 <= least)
            .unwrap_or(1);
        let (header, coded) = (&self.header, &self.coded);
        if let Some((frame, corner_px)) =
            self.region
                .decode(header, coded, &self.checkpoints, from_crop, divisor)
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
        Frame::packed(&NOTHING, format, (1, 1), time)
            .expect("one byte is a picture of one grey pixel")
    })
}
