//! Pictures on their way from the camera: lent, or with their own bytes.

use moodring_core::{
    classify::Crop,
    frame::{Frame, FrameError, LumaRange, Millis, PixelFormat},
    geometry::Similarity,
    picture::Picture,
};

use crate::scaled_jpeg::ScaledJpeg;

/// A picture as a camera lends it.
#[derive(Debug)]
pub enum LentPicture<'a> {
    /// All its pixels.
    Frame(Frame<'a>),
    /// A JPEG, decoded as far as its reader needs it.
    Jpeg(&'a mut ScaledJpeg),
}

impl<'a> LentPicture<'a> {
    /// The frame; of a JPEG its overview.
    pub fn into_frame(self) -> Frame<'a> {
        match self {
            Self::Frame(frame) => frame,
            Self::Jpeg(jpeg) => jpeg.overview(),
        }
    }
}

impl Picture for LentPicture<'_> {
    fn time(&self) -> Millis {
        match self {
            Self::Frame(frame) => frame.time(),
            Self::Jpeg(jpeg) => jpeg.time(),
        }
    }

    fn size_px(&self) -> (u32, u32) {
        match self {
            Self::Frame(frame) => (frame.width_px(), frame.height_px()),
            Self::Jpeg(jpeg) => jpeg.size_px(),
        }
    }

    fn thumbnail(&mut self) -> Frame<'_> {
        match self {
            Self::Frame(frame) => *frame,
            Self::Jpeg(jpeg) => jpeg.thumbnail(),
        }
    }

    fn overview(&mut self) -> Frame<'_> {
        match self {
            Self::Frame(frame) => *frame,
            Self::Jpeg(jpeg) => jpeg.overview(),
        }
    }

    fn cut(&mut self, from_crop: &Similarity, crop: &mut Crop) {
        match self {
            Self::Frame(frame) => (&*frame).cut(from_crop, crop),
            Self::Jpeg(jpeg) => jpeg.cut(from_crop, crop),
        }
    }
}

/// A frame that owns its bytes.
#[derive(Debug)]
pub struct OwnedFrame {
    data: Vec<u8>,
    format: PixelFormat,
    size_px: (u32, u32),
    stride: usize,
    range: LumaRange,
    time: Millis,
}

impl OwnedFrame {
    /// A frame without pixels, to be filled.
    pub const fn empty() -> Self {
        Self {
            data: Vec::new(),
            format: PixelFormat::Grey,
            size_px: (0, 0),
            stride: 0,
            range: LumaRange::Full,
            time: Millis(0),
        }
    }

    /// Takes over the pixels and what belongs to them; allocates only where a frame is larger than those before.
    pub fn copy(&mut self, frame: &Frame<'_>) {
        self.data.clear();
        self.data.extend_from_slice(frame.data());
        self.format = frame.format();
        self.size_px = (frame.width_px(), frame.height_px());
        self.stride = frame.stride();
        self.range = frame.range();
        self.time = frame.time();
    }

    /// Lends the frame.
    ///
    /// # Errors
    /// `None` only before a frame was copied into it: each frame was checked before.
    pub fn lend(&self) -> Result<Frame<'_>, FrameError> {
        let frame = Frame::new(
            &self.data,
            self.format,
            self.size_px,
            self.stride,
            self.time,
        )?;
        Ok(frame.with_range(self.range))
    }
}

/// A picture that owns its bytes: a frame or a JPEG.
#[derive(Debug)]
pub struct OwnedPicture {
    frame: OwnedFrame,
    jpeg: Box<ScaledJpeg>,
    is_jpeg: bool,
}

impl OwnedPicture {
    pub(super) fn empty() -> Self {
        Self {
            frame: OwnedFrame::empty(),
            jpeg: Box::default(),
            is_jpeg: false,
        }
    }

    /// Copies a frame; takes a JPEG over and leaves its own old one in its place, so that nothing is copied.
    pub(super) fn take(&mut self, picture: &mut LentPicture<'_>) {
        match picture {
            LentPicture::Frame(frame) => {
                self.frame.copy(frame);
                self.is_jpeg = false;
            }
            LentPicture::Jpeg(jpeg) => {
                std::mem::swap(&mut *self.jpeg, jpeg);
                self.is_jpeg = true;
            }
        }
    }

    /// Lends the picture.
    ///
    /// # Errors
    /// As [`OwnedFrame::lend`].
    pub fn lend(&mut self) -> Result<LentPicture<'_>, FrameError> {
        if self.is_jpeg {
            return Ok(LentPicture::Jpeg(&mut self.jpeg));
        }
        self.frame.lend().map(LentPicture::Frame)
    }
}
