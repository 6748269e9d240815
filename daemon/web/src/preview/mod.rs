//! The camera's picture for browsers: only where `[preview]` allows it, only while it is switched on, and it switches
//! itself off.
//!
//! ```text
//! vision thread -> FrameTap -> handoff (one frame, on request) -> renderer thread: overlays, JPEG -> Viewer (newest
//! wins)
//! ```
//!
//! While nobody watches, the vision thread only reads a flag and the renderer sleeps. A slow viewer misses pictures and
//! delays nobody. Pictures live in memory only.

mod handoff;
mod jpeg_frame;
mod lingering;
mod nets;
mod overlays;
mod renderer;
#[cfg(test)]
mod tests;

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use moodring_base::{
    clock::Clock,
    config::{PreviewSettings, Settings},
    shutdown::Shutdown,
    worker::Supervisor,
};
use moodring_core::frame::Millis;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

pub use handoff::FrameTap;
pub use overlays::label;

/// One encoded picture.
pub type Jpeg = Arc<[u8]>;

/// What is drawn over the camera's picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The emoji of each face, turned and scaled like it.
    Emoji,
    /// Boxes, landmarks, expressions and their probability.
    Boxes,
    /// Faces made unrecognisable by blocks.
    Blur,
    /// Where the classifier found evidence for its answer.
    Heat,
}

impl Mode {
    /// All modes.
    pub const ALL: [Self; 4] = [Self::Emoji, Self::Boxes, Self::Blur, Self::Heat];

    /// The name in addresses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Emoji => "emoji",
            Self::Boxes => "boxes",
            Self::Blur => "blur",
            Self::Heat => "heat",
        }
    }

    /// The mode with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// Why there is no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreviewError {
    /// The settings forbid it.
    #[error("the preview is not allowed: [preview] allowed is false in the settings")]
    Forbidden,
    /// Nobody switched it on, or its time is over.
    #[error("the preview is off; switch it on first")]
    Off,
    /// The most viewers are watching already.
    #[error("{0} browsers watch already, and more are not allowed (preview.streams)")]
    Full(usize),
    /// The settings forbid single pictures.
    #[error("pictures are not allowed: [preview] pictures is false in the settings")]
    NoPictures,
}

/// The preview: its switch and its viewers. Clones are the same preview.
#[derive(Clone, Debug)]
pub struct Preview(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: PreviewSettings,
    clock: Clock,
    until: watch::Sender<Option<Millis>>,
    /// The newest picture of each mode; `None` before the first.
    pictures: [watch::Sender<Option<Jpeg>>; Mode::ALL.len()],
    /// Waiting requests for a single picture.
    stills: Mutex<Vec<oneshot::Sender<Jpeg>>>,
    permits: Arc<Semaphore>,
    handoff: handoff::Handoff,
}

impl Preview {
    /// A preview that is off.
    pub fn new(settings: &PreviewSettings, clock: Clock) -> Self {
        Self(Arc::new(Shared {
            settings: settings.clone(),
            clock,
            until: watch::Sender::new(None),
            pictures: Mode::ALL.map(|_| watch::Sender::new(None)),
            stills: Mutex::default(),
            permits: Arc::new(Semaphore::new(settings.streams)),
            handoff: handoff::Handoff::default(),
        }))
    }

    /// Starts the renderer thread; `None` where the settings allow no picture at all. It ends with the last
    /// [`FrameTap`].
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn spawn(
        &self,
        settings: &Settings,
        supervisor: &Supervisor,
        shutdown: Shutdown,
    ) -> io::Result<Option<JoinHandle<()>>> {
        if !self.0.settings.allowed && !self.0.settings.pictures {
            return Ok(None);
        }
        let mut renderer = renderer::Renderer::new(Arc::clone(&self.0), settings);
        let work = move || renderer.work();
        supervisor.spawn("preview", shutdown, work).map(Some)
    }

    /// The vision thread's side.
    pub fn tap(&self) -> FrameTap {
        FrameTap::new(Arc::clone(&self.0))
    }

    /// Switches it on for its time, from now, or off; returns whether it is on then.
    pub fn switch(&self, on: bool) -> bool {
        self.switch_at(on, self.0.clock.now())
    }

    fn switch_at(&self, on: bool, now: Millis) -> bool {
        let on = on && self.0.settings.allowed;
        let limit_ms = u64::from(self.0.settings.limit_s) * 1_000;
        let until = on.then_some(Millis(now.0 + limit_ms));
        self.0.until.send_replace(until);
        if !on {
            // When it is switched on again it must not begin with an old picture.
            for pictures in &self.0.pictures {
                pictures.send_replace(None);
            }
        }
        on
    }

    /// Until when it is on; `None` if it is off.
    pub fn until(&self) -> Option<Millis> {
        *self.0.until.borrow()
    }

    /// The same, to await changes.
    pub fn watch_until(&self) -> watch::Receiver<Option<Millis>> {
        self.0.until.subscribe()
    }

    /// Waits until its time is over; for ever while it is off.
    pub async fn expired(&self) {
        let mut until = self.watch_until();
        loop {
            let end = *until.borrow_and_update();
            let over = async {
                match end {
                    Some(end) => {
                        let left = end.since(self.0.clock.now());
                        tokio::time::sleep(Duration::from_millis(left)).await;
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = over => return,
                // `self` holds the sender.
                _ = until.changed() => {}
            }
        }
    }

    /// Begins to watch, as long as it is on.
    ///
    /// # Errors
    /// [`PreviewError`] if it is off, or too many watch.
    pub fn watch(&self, mode: Mode) -> Result<Viewer, PreviewError> {
        let settings = &self.0.settings;
        if !settings.allowed {
            return Err(PreviewError::Forbidden);
        }
        if self.until().is_none() {
            return Err(PreviewError::Off);
        }
        let permit = Arc::clone(&self.0.permits).try_acquire_owned();
        let permit = permit.map_err(|_| PreviewError::Full(settings.streams))?;
        let mut pictures = self.0.pictures[mode as usize].subscribe();
        pictures.mark_changed();
        let viewer = Viewer {
            pictures,
            until: self.watch_until(),
            _permit: permit,
        };
        self.0.handoff.wake();
        Ok(viewer)
    }

    /// The next frame without overlays, as JPEG. Pends while the camera is off.
    ///
    /// # Errors
    /// [`PreviewError::NoPictures`].
    pub fn still(&self) -> Result<oneshot::Receiver<Jpeg>, PreviewError> {
        if !self.0.settings.pictures {
            return Err(PreviewError::NoPictures);
        }
        let (answer, still) = oneshot::channel();
        let mut stills = self.0.stills();
        // Requests whose receiver gave up make room.
        stills.retain(|asked| !asked.is_closed());
        stills.push(answer);
        drop(stills);
        self.0.handoff.wake();
        Ok(still)
    }
}

impl Shared {
    fn stills(&self) -> MutexGuard<'_, Vec<oneshot::Sender<Jpeg>>> {
        // The list is consistent after every step.
        self.stills.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody watches this mode now.
    fn is_watched(&self, mode: Mode) -> bool {
        self.until.borrow().is_some() && self.pictures[mode as usize].receiver_count() > 0
    }

    /// Whether anybody wants a frame now.
    fn is_wanted(&self) -> bool {
        let stills = self.stills().iter().any(|asked| !asked.is_closed());
        stills || Mode::ALL.into_iter().any(|mode| self.is_watched(mode))
    }
}

/// A viewer.
#[derive(Debug)]
pub struct Viewer {
    pictures: watch::Receiver<Option<Jpeg>>,
    until: watch::Receiver<Option<Millis>>,
    _permit: OwnedSemaphorePermit,
}

impl Viewer {
    /// The next new picture; `None` when the preview is over. Safe to cancel.
    pub async fn next(&mut self) -> Option<Jpeg> {
        loop {
            tokio::select! {
                biased;
                _ = self.until.wait_for(Option::is_none) => return None,
                changed = self.pictures.changed() => changed.ok()?,
            }
            let newest = self.pictures.borrow_and_update().clone();
            if newest.is_some() {
                return newest;
            }
        }
    }
}
