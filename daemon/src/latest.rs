//! The slot between camera and vision: the newest frame wins, and the camera never waits.
//!
//! Three buffers are swapped, so that nothing is allocated once each has a frame's size.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use moodring_core::frame::{Frame, FrameError, LumaRange, Millis, PixelFormat};

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

struct SlotState {
    frame: OwnedFrame,
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
    spare: OwnedFrame,
}

/// The pipeline's side.
pub struct FrameReader {
    shared: Arc<Shared>,
    taken: OwnedFrame,
}

/// What [`FrameReader::take`] found.
#[derive(Debug)]
pub enum Taken<'a> {
    /// A new frame, and how many were skipped since the run began.
    Frame(&'a OwnedFrame, u64),
    /// No frame came in time.
    Nothing,
    /// The writer is gone and the last frame was taken.
    Closed,
}

/// An empty slot.
pub fn frame_slot() -> (FrameWriter, FrameReader) {
    let slot = SlotState {
        frame: OwnedFrame::empty(),
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
        taken: OwnedFrame::empty(),
    };
    (
        FrameWriter {
            shared,
            spare: OwnedFrame::empty(),
        },
        reader,
    )
}

impl FrameWriter {
    /// Copies the frame into the slot; it replaces an older one that nobody took.
    pub fn put(&mut self, frame: &Frame<'_>) {
        self.spare.copy(frame);
        let mut slot = self.shared.lock();
        std::mem::swap(&mut slot.frame, &mut self.spare);
        slot.skipped += u64::from(slot.fresh);
        slot.fresh = true;
        drop(slot);
        self.shared.arrived.notify_one();
    }
}

impl Drop for FrameWriter {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.arrived.notify_one();
    }
}

impl FrameReader {
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
            std::mem::swap(&mut slot.frame, &mut self.taken);
            return Taken::Frame(&self.taken, slot.skipped);
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
        let frame = frame.lend().unwrap();
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
            assert_eq!(format!("{:?}", frame.lend().unwrap()), format!("{came:?}"));
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
