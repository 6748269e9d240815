//! One kind of sample of a frame as a plane of its own: luma, a chroma at half size, or one of red, green, blue.

use crate::frame::{Frame, PixelFormat};

/// Samples at `data[y * stride + x * step + offset]`.
#[derive(Clone, Copy)]
pub(super) struct Plane<'a> {
    data: &'a [u8],
    stride: usize,
    step: usize,
    offset: usize,
    size_px: (u32, u32),
}

impl<'a> Plane<'a> {
    /// The first plane of a frame: its luma, in the frame's range, or red.
    pub(super) const fn first(frame: &Frame<'a>) -> Self {
        let step = match frame.format() {
            PixelFormat::Grey | PixelFormat::Nv12 | PixelFormat::I420 => 1,
            PixelFormat::Yuyv => 2,
            PixelFormat::Rgb => 3,
        };
        Self {
            data: frame.data(),
            stride: frame.stride(),
            step,
            offset: 0,
            size_px: (frame.width_px(), frame.height_px()),
        }
    }

    /// The other two, U and V or green and blue, if the frame has colours.
    pub(super) fn others(frame: &Frame<'a>) -> Option<[Self; 2]> {
        let (width, height) = (frame.width_px(), frame.height_px());
        let luma = frame.stride() * height as usize;
        let half = height.div_ceil(2);
        // Where the lines begin, and in each the first sample of either plane.
        let (lines, offsets, stride, step, size_px) = match frame.format() {
            PixelFormat::Grey => return None,
            PixelFormat::Rgb => ([0; 2], [1, 2], frame.stride(), 3, (width, height)),
            PixelFormat::Yuyv => {
                let size_px = (width.div_ceil(2), height);
                ([0; 2], [1, 3], frame.stride(), 4, size_px)
            }
            // An odd width may lack the last V: the last pair is left out.
            PixelFormat::Nv12 if width < 2 => return None,
            PixelFormat::Nv12 => ([luma; 2], [0, 1], frame.stride(), 2, (width / 2, half)),
            PixelFormat::I420 => {
                let stride = frame.stride().div_ceil(2);
                let v = luma + stride * half as usize;
                ([luma, v], [0; 2], stride, 1, (width.div_ceil(2), half))
            }
        };
        Some([0, 1].map(|i| Self {
            data: &frame.data()[lines[i]..],
            stride,
            step,
            offset: offsets[i],
            size_px,
        }))
    }

    /// Width and height in samples.
    pub(super) const fn size_px(&self) -> (u32, u32) {
        self.size_px
    }

    /// Bytes from one sample of a row to the next.
    pub(super) const fn step(&self) -> usize {
        self.step
    }

    /// The bytes from sample `x` of row `y` on.
    pub(super) fn from(&self, x: usize, y: u32) -> &'a [u8] {
        &self.line(y)[self.byte_of(x)..]
    }

    /// The bytes of row `y`, and what comes behind it. Planes may share them.
    pub(super) fn line(&self, y: u32) -> &'a [u8] {
        &self.data[y as usize * self.stride..]
    }

    /// The place of sample `x` in its line.
    pub(super) const fn byte_of(&self, x: usize) -> usize {
        x * self.step + self.offset
    }
}
