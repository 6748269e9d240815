//! Where decoded blocks go: planes of one picture, as `moodring-core` lends them.

use moodring_core::frame::{Frame, FrameError, LumaRange, Millis, PixelFormat};

/// A picture of one luma plane, and perhaps two chroma planes of half its size.
#[derive(Debug, Default)]
pub(super) struct Planes {
    bytes: Vec<u8>,
    size_px: (usize, usize),
    /// Of luma; that of chroma is half of it. Even if there is chroma.
    stride: usize,
    has_chroma: bool,
}

impl Planes {
    /// Makes room for a picture. What it shows until it is written is left open.
    pub(super) fn reset(&mut self, size_px: (usize, usize), stride: usize, has_chroma: bool) {
        (self.size_px, self.stride, self.has_chroma) = (size_px, stride, has_chroma);
        let luma = stride * size_px.1;
        let chroma = stride / 2 * size_px.1.div_ceil(2);
        self.bytes.resize(luma + if has_chroma { 2 * chroma } else { 0 }, 0);
    }

    /// The planes to write to: luma, then the two chromas, which are empty if there are none.
    pub(super) fn split(&mut self) -> [Plane<'_>; 3] {
        let (luma, chroma) = self.bytes.split_at_mut(self.stride * self.size_px.1);
        let (second, third) = chroma.split_at_mut(chroma.len() / 2);
        let half = self.stride / 2;
        [(luma, self.stride), (second, half), (third, half)].map(|(bytes, stride)| Plane { bytes, stride })
    }

    /// The picture, with this time.
    pub(super) fn frame(&self, time: Millis) -> Result<Frame<'_>, FrameError> {
        let format = if self.has_chroma { PixelFormat::I420 } else { PixelFormat::Grey };
        // Far below 2^32.
        let size = (self.size_px.0 as u32, self.size_px.1 as u32);
        // JFIF has one range only.
        Frame::new(&self.bytes, format, size, self.stride, time).map(|frame| frame.with_range(LumaRange::Full))
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
            if let Some(place) = self.bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<W>()) {
                *place = *line;
            }
        }
    }
}
