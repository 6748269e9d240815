//! One frame from the vision thread to the studio: copied only when the studio asked for it, so that there is no queue.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use moodring_core::frame::Frame;

use super::Shared;
use crate::{latest::OwnedFrame, snapshot::Snapshot};

/// A frame and what was seen on it.
#[derive(Debug)]
pub(super) struct SeenFrame {
    pub(super) frame: OwnedFrame,
    pub(super) snapshot: Snapshot,
}

impl Default for SeenFrame {
    fn default() -> Self {
        Self {
            frame: OwnedFrame::empty(),
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

/// Where the two threads meet.
#[derive(Debug, Default)]
pub(super) struct Handoff {
    state: Mutex<State>,
    changed: Condvar,
    /// Whether the studio waits for a frame; all that the vision thread reads while nobody watches.
    open: AtomicBool,
}

impl Handoff {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nobody panics while holding it: it is held for a copy or a swap.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody wants something: the studio looks again.
    pub(super) fn wake(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }

    /// Sleeps until `wanted`; `false` if the vision thread is gone.
    pub(super) fn wait_for(&self, wanted: impl Fn() -> bool) -> bool {
        let asleep = |state: &mut State| !state.closed && !wanted();
        let state = self.changed.wait_while(self.lock(), asleep);
        !state.unwrap_or_else(PoisonError::into_inner).closed
    }

    /// Asks for the next frame and waits at most `patience`; swaps it into `into`, whose buffer is used again.
    pub(super) fn take(&self, into: &mut SeenFrame, patience: Duration) -> bool {
        let mut state = self.lock();
        // An older one that came after the patience was over is no longer the newest.
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

/// The vision thread's end; the studio ends when it is dropped.
#[derive(Debug)]
pub struct FrameTap(Arc<Shared>);

impl FrameTap {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        shared.handoff.lock().closed = false;
        Self(shared)
    }

    /// Hands out a copy of this frame if somebody waits for one. Else it costs one look at a flag.
    pub fn offer(&self, frame: &Frame<'_>, snapshot: &Snapshot) {
        let handoff = &self.0.handoff;
        if !handoff.open.load(Ordering::Acquire) {
            return;
        }
        let mut state = handoff.lock();
        state.seen_frame.frame.copy(frame);
        state.seen_frame.snapshot.clone_from(snapshot);
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
