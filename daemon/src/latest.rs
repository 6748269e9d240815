//! The slot between camera and vision: the newest picture wins, and the camera never waits.
//!
//! Three buffers are swapped, so that nothing is allocated once each has a frame's size.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

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
    pub(crate) const fn empty() -> Self {
        Self {
            data: Vec::new(),
            format: PixelFormat::Grey,
            size_px: (0, 0),
            stride: 0,
            range: LumaRange::Full,
            time: Millis(0),
        }
    }

    pub(crate) fn copy(&mut self, frame: &Frame<'_>) {
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
    fn empty() -> Self {
        Self {
            frame: OwnedFrame::empty(),
            jpeg: Box::default(),
            is_jpeg: false,
        }
    }

    /// Copies a frame; takes a JPEG over and leaves its own old one in its place, so that nothing is copied.
    fn take(&mut self, picture: &mut LentPicture<'_>) {
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

/// Whether the reader rests: then the writer need not prepare what only a search for faces needs.
#[derive(Clone, Debug, Default)]
pub struct Rest(Arc<AtomicBool>);

impl Rest {
    /// Sets whether the reader rests from now on.
    pub fn set(&self, is_resting: bool) {
        self.0.store(is_resting, Ordering::Relaxed);
    }

    /// Whether it does.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

struct SlotState {
    picture: OwnedPicture,
    fresh: bool,
    closed: bool,
    /// Frames that were replaced before anyone took them.
    skipped: u64,
}

struct Shared {
    slot: Mutex<SlotState>,
    arrived: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, SlotState> {
        // Nobody panics while holding the lock, and a swapped frame is complete at every moment.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The camera's side.
pub struct FrameWriter {
    shared: Arc<Shared>,
    spare: OwnedPicture,
    rest: Rest,
}

/// The pipeline's side.
pub struct FrameReader {
    shared: Arc<Shared>,
    taken: OwnedPicture,
    rest: Rest,
}

/// What [`FrameReader::take`] found.
#[derive(Debug)]
pub enum Taken<'a> {
    /// A new frame, and how many were skipped since the run began.
    Frame(&'a mut OwnedPicture, u64),
    /// No frame came in time.
    Nothing,
    /// The writer is gone and the last frame was taken.
    Closed,
}

/// An empty slot.
pub fn frame_slot() -> (FrameWriter, FrameReader) {
    let slot = SlotState {
        picture: OwnedPicture::empty(),
        fresh: false,
        closed: false,
        skipped: 0,
    };
    let shared = Arc::new(Shared {
        slot: Mutex::new(slot),
        arrived: Condvar::new(),
    });
    let reader = FrameReader {
        shared: Arc::clone(&shared),
        taken: OwnedPicture::empty(),
        rest: Rest::default(),
    };
    let rest = reader.rest.clone();
    (
        FrameWriter {
            shared,
            spare: OwnedPicture::empty(),
            rest,
        },
        reader,
    )
}

impl FrameWriter {
    /// Copies the frame into the slot; it replaces an older one that nobody took.
    pub fn put(&mut self, frame: &Frame<'_>) {
        self.put_picture(&mut LentPicture::Frame(*frame));
    }

    /// The same with any picture; a JPEG is taken over, and an old one is left in its place.
    pub fn put_picture(&mut self, picture: &mut LentPicture<'_>) {
        self.spare.take(picture);
        let mut slot = self.shared.lock();
        std::mem::swap(&mut slot.picture, &mut self.spare);
        slot.skipped += u64::from(slot.fresh);
        slot.fresh = true;
        drop(slot);
        self.shared.arrived.notify_one();
    }

    /// Whether the reader rests.
    pub fn reader_rests(&self) -> bool {
        self.rest.is_set()
    }
}

impl Drop for FrameWriter {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.arrived.notify_one();
    }
}

impl FrameReader {
    /// Tells the writer whether the reader rests.
    pub fn rest(&self) -> Rest {
        self.rest.clone()
    }

    /// Takes the newest frame that was not taken yet; waits at most `patience` for it.
    pub fn take(&mut self, patience: Duration) -> Taken<'_> {
        let slot = self.shared.lock();
        let waiting = |slot: &mut SlotState| !slot.fresh && !slot.closed;
        let (mut slot, _) = self
            .shared
            .arrived
            .wait_timeout_while(slot, patience, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        if slot.fresh {
            slot.fresh = false;
            std::mem::swap(&mut slot.picture, &mut self.taken);
            return Taken::Frame(&mut self.taken, slot.skipped);
        }
        if slot.closed {
            Taken::Closed
        } else {
            Taken::Nothing
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(writer: &mut FrameWriter, value: u8, time: u64) {
        let pixels = [value; 4];
        writer.put(&Frame::packed(&pixels, PixelFormat::Grey, (2, 2), Millis(time)).unwrap());
    }

    #[test]
    fn the_newest_wins_and_the_others_are_counted() {
        let (mut writer, mut reader) = frame_slot();
        for time in 1..=3 {
            put(&mut writer, time as u8, time);
        }
        let Taken::Frame(frame, skipped) = reader.take(Duration::ZERO) else {
            panic!("no frame")
        };
        let Ok(LentPicture::Frame(frame)) = frame.lend() else {
            panic!("a frame was put")
        };
        assert_eq!((frame.luma(0, 0), frame.time(), skipped), (3, Millis(3), 2));
        assert!(matches!(reader.take(Duration::ZERO), Taken::Nothing));
    }

    #[test]
    fn a_frame_is_lent_as_it_came() {
        let (mut writer, mut reader) = frame_slot();
        let pixels = [200, 128, 16, 128, 9, 9];
        let came = Frame::new(&pixels, PixelFormat::Yuyv, (2, 1), 6, Millis(8)).unwrap();
        for range in [LumaRange::Full, LumaRange::Limited] {
            let came = came.with_range(range);
            writer.put(&came);
            let Taken::Frame(frame, _) = reader.take(Duration::ZERO) else {
                panic!("no frame")
            };
            let Ok(LentPicture::Frame(frame)) = frame.lend() else {
                panic!("a frame was put")
            };
            assert_eq!(format!("{frame:?}"), format!("{came:?}"));
        }
    }

    #[test]
    fn the_last_frame_is_taken_before_the_slot_is_closed() {
        let (mut writer, mut reader) = frame_slot();
        put(&mut writer, 7, 1);
        drop(writer);
        assert!(matches!(reader.take(Duration::ZERO), Taken::Frame(..)));
        assert!(matches!(
            reader.take(Duration::from_secs(60)),
            Taken::Closed
        ));
    }

    #[test]
    fn a_waiting_reader_wakes() {
        let (mut writer, mut reader) = frame_slot();
        let camera = std::thread::spawn(move || put(&mut writer, 9, 5));
        assert!(matches!(
            reader.take(Duration::from_secs(60)),
            Taken::Frame(..)
        ));
        camera.join().unwrap();
    }
}
