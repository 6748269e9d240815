//! Where decoded blocks go: planes of one picture, and the frames that `moodring-core` is lent of them.

use moodring_core::frame::{Frame, FrameError, Millis, PixelFormat};

use super::colours::mix_row;

/// A picture of a luma plane, and perhaps two chroma planes and the colours made of all three.
#[derive(Debug, Default)]
pub(super) struct Planes {
    size_px: (usize, usize),
    luma: Samples,
    chroma: [Samples; 2],
    /// Pixels for a sample of chroma, across and down: 1 or 2, and across 4; `None` if there is no chroma.
    per_chroma: Option<(usize, usize)>,
    rgb: Vec<u8>,
}

/// The samples of one plane.
#[derive(Debug, Default)]
struct Samples {
    bytes: Vec<u8>,
    stride: usize,
}

impl Samples {
    fn reset(&mut self, stride: usize, rows: usize) {
        self.stride = stride;
        self.bytes.resize(stride * rows, 0);
    }

    fn plane(&mut self) -> Plane<'_> {
        Plane {
            bytes: &mut self.bytes,
            stride: self.stride,
        }
    }
}

impl Planes {
    /// Makes room for a picture without chroma. What it shows until it is written is left open.
    pub(super) fn reset(&mut self, size_px: (usize, usize), stride: usize) {
        (self.size_px, self.per_chroma) = (size_px, None);
        self.luma.reset(stride, size_px.1);
    }

    /// Adds chroma, a sample for so many pixels across and down.
    pub(super) fn add_chroma(&mut self, stride: usize, per_sample: (usize, usize)) {
        self.per_chroma = Some(per_sample);
        for samples in &mut self.chroma {
            samples.reset(stride, self.size_px.1.div_ceil(per_sample.1));
        }
    }

    /// The planes to write to: luma, then the two chromas.
    pub(super) fn split(&mut self) -> [Plane<'_>; 3] {
        let [second, third] = &mut self.chroma;
        [self.luma.plane(), second.plane(), third.plane()]
    }

    /// Makes the colours of what was written.
    pub(super) fn mix(&mut self) {
        let Some((across, down)) = self.per_chroma else {
            return;
        };
        let (width, height) = self.size_px;
        self.rgb.resize(3 * width * height, 0);
        let [second, third] = &self.chroma;
        for (y, out) in self.rgb.chunks_exact_mut(3 * width).enumerate() {
            let row = |samples: &'_ Samples, y: usize| y * samples.stride..(y + 1) * samples.stride;
            let luma = &self.luma.bytes[row(&self.luma, y)];
            let blue = &second.bytes[row(second, y / down)];
            let red = &third.bytes[row(third, y / down)];
            let out = out.as_chunks_mut::<3>().0;
            match across {
                1 => mix_row::<1>(out, luma, blue, red),
                2 => mix_row::<2>(out, luma, blue, red),
                _ => mix_row::<4>(out, luma, blue, red),
            }
        }
    }

    /// The picture, with this time: in colours if it has them.
    pub(super) fn frame(&self, time: Millis) -> Result<Frame<'_>, FrameError> {
        match self.per_chroma {
            Some(_) => Frame::packed(&self.rgb, PixelFormat::Rgb, self.sides(), time),
            None => self.luma(time),
        }
    }

    /// Its luma alone.
    pub(super) fn luma(&self, time: Millis) -> Result<Frame<'_>, FrameError> {
        let (bytes, stride) = (&self.luma.bytes, self.luma.stride);
        Frame::new(bytes, PixelFormat::Grey, self.sides(), stride, time)
    }

    fn sides(&self) -> (u32, u32) {
        // A JPEG's sides have 16 bits.
        (self.size_px.0 as u32, self.size_px.1 as u32)
    }
}

/// One plane to write to.
#[derive(Debug)]
pub(super) struct Plane<'a> {
    bytes: &'a mut [u8],
    stride: usize,
}

impl Plane<'_> {
    /// Writes a block of pixels whose left top corner is here; rows below the plane are left out.
    #[inline(always)]
    pub(super) fn put<const W: usize, const H: usize>(
        &mut self,
        (x, y): (usize, usize),
        pixels: &[[u8; W]; H],
    ) {
        for (row, line) in (y..).zip(pixels) {
            let at = row * self.stride + x;
            if let Some(place) = self
                .bytes
                .get_mut(at..)
                .and_then(|rest| rest.first_chunk_mut::<W>())
            {
                *place = *line;
            }
        }
    }
}
