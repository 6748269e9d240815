//! The slot between camera and vision: the newest picture wins, and the camera never waits.
//!
//! Three buffers are swapped, so that nothing is allocated once each has a frame's size.

mod picture;

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use moodring_core::frame::Frame;

pub use picture::{LentPicture, OwnedFrame, OwnedPicture};

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

    /// Takes back a picture that nobody took yet: the camera was switched off, or all ends.
    pub fn withdraw(&mut self) {
        let mut slot = self.shared.lock();
        slot.skipped += u64::from(slot.fresh);
        slot.fresh = false;
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
    /// Lets the writer know whether the reader rests.
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
    use moodring_core::{
        frame::{LumaRange, Millis, PixelFormat},
        picture::Picture as _,
    };

    use super::*;
    use crate::scaled_jpeg::{DecodeNeeds, ScaledJpeg};

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
    fn what_is_withdrawn_is_not_taken() {
        let (mut writer, mut reader) = frame_slot();
        put(&mut writer, 1, 1);
        writer.withdraw();
        assert!(matches!(reader.take(Duration::ZERO), Taken::Nothing));
        put(&mut writer, 2, 2);
        assert!(matches!(reader.take(Duration::ZERO), Taken::Frame(_, 1)));
        put(&mut writer, 3, 3);
        writer.withdraw();
        drop(writer);
        assert!(matches!(reader.take(Duration::ZERO), Taken::Closed));
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
    fn a_jpeg_is_handed_over_and_an_old_one_comes_back() {
        let (mut writer, mut reader) = frame_slot();
        let mut camera = ScaledJpeg::default();
        let jpeg = include_bytes!("scaled_jpeg/tests/420.jpg");
        for time in 1..=3 {
            let decoded = camera.decode(jpeg, &[], DecodeNeeds::default(), Millis(time));
            decoded.unwrap();
            writer.put_picture(&mut LentPicture::Jpeg(&mut camera));
        }
        let Taken::Frame(picture, 2) = reader.take(Duration::ZERO) else {
            panic!("two of three are skipped")
        };
        let mut picture = picture.lend().unwrap();
        assert_eq!((picture.size_px(), picture.time()), ((93, 61), Millis(3)));
        assert_eq!(picture.overview().width_px(), 93);
        // A frame after it is a frame again.
        put(&mut writer, 9, 4);
        let Taken::Frame(picture, _) = reader.take(Duration::ZERO) else {
            panic!("no frame")
        };
        assert!(matches!(picture.lend(), Ok(LentPicture::Frame(_))));
    }

    #[test]
    fn the_writer_knows_whether_the_reader_rests() {
        let (writer, reader) = frame_slot();
        assert!(!writer.reader_rests());
        reader.rest().set(true);
        assert!(writer.reader_rests());
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
