//! Hands one frame from the vision thread to the renderer. It is copied only on request, so there is no queue.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use moodring_base::snapshot::Snapshot;
use moodring_camera::{
    jpeg::FrameDecoder,
    latest::{LentPicture, OwnedFrame},
};
use moodring_core::{
    frame::{Frame, Millis},
    picture::Picture as _,
};

use super::Shared;

/// A frame and what the pipeline saw on it.
#[derive(Debug)]
pub(super) struct SeenFrame {
    pub(super) frame: OwnedFrame,
    /// The frame as it came, if it is a JPEG that is not decoded yet; else empty.
    jpeg: Vec<u8>,
    time: Millis,
    pub(super) snapshot: Snapshot,
}

impl SeenFrame {
    fn copy(&mut self, picture: &LentPicture<'_>, snapshot: &Snapshot) {
        self.jpeg.clear();
        match picture {
            LentPicture::Frame(frame) => self.frame.copy(frame),
            LentPicture::Jpeg(jpeg) => self.jpeg.extend_from_slice(jpeg.jpeg()),
        }
        self.time = picture.time();
        self.snapshot.clone_from(snapshot);
    }

    /// The frame with all its pixels; `None` if it cannot be decoded.
    pub(super) fn whole<'a>(&'a self, decoder: &'a mut FrameDecoder) -> Option<Frame<'a>> {
        if self.jpeg.is_empty() {
            return self.frame.lend().ok();
        }
        let size_px = decoder.decode(&self.jpeg).ok()?;
        Frame::packed(decoder.pixels(), decoder.format(), size_px, self.time).ok()
    }
}

impl Default for SeenFrame {
    fn default() -> Self {
        Self {
            frame: OwnedFrame::empty(),
            jpeg: Vec::new(),
            time: Millis(0),
            snapshot: Snapshot::default(),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    seen_frame: SeenFrame,
    full: bool,
    closed: bool,
}

/// Shared by the two threads.
#[derive(Debug, Default)]
pub(super) struct Handoff {
    state: Mutex<State>,
    changed: Condvar,
    /// Whether the renderer waits for a frame; the vision thread reads nothing else while nobody watches.
    open: AtomicBool,
}

impl Handoff {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nobody panics while holding the lock: it is held for a copy or a swap.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the renderer, because somebody wants a picture.
    pub(super) fn wake(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }

    /// Sleeps until `wanted`; returns `false` if the vision thread is gone.
    pub(super) fn wait_for(&self, wanted: impl Fn() -> bool) -> bool {
        let asleep = |state: &mut State| !state.closed && !wanted();
        let state = self.changed.wait_while(self.lock(), asleep);
        !state.unwrap_or_else(PoisonError::into_inner).closed
    }

    /// Requests the next frame and waits at most `patience`; swaps it into `into`, whose buffer is used again.
    pub(super) fn take(&self, into: &mut SeenFrame, patience: Duration) -> bool {
        let mut state = self.lock();
        // A frame that arrived after an earlier timeout is no longer the newest.
        state.full = false;
        self.open.store(true, Ordering::Release);
        let empty = |state: &mut State| !state.full && !state.closed;
        let waited = self.changed.wait_timeout_while(state, patience, empty);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        self.open.store(false, Ordering::Release);
        let came = std::mem::take(&mut state.full);
        if came {
            std::mem::swap(&mut state.seen_frame, into);
        }
        came
    }
}

/// The vision thread's side; the renderer ends when it is dropped.
#[derive(Debug)]
pub struct FrameTap(Arc<Shared>);

impl FrameTap {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        shared.handoff.lock().closed = false;
        Self(shared)
    }

    /// Copies this picture if the renderer waits for one. Otherwise it only reads a flag.
    pub fn offer(&self, picture: &LentPicture<'_>, snapshot: &Snapshot) {
        let handoff = &self.0.handoff;
        if !handoff.open.load(Ordering::Acquire) {
            return;
        }
        let mut state = handoff.lock();
        state.seen_frame.copy(picture, snapshot);
        state.full = true;
        handoff.open.store(false, Ordering::Release);
        drop(state);
        handoff.changed.notify_all();
    }
}

impl Drop for FrameTap {
    fn drop(&mut self) {
        self.0.handoff.lock().closed = true;
        self.0.handoff.changed.notify_all();
    }
}
