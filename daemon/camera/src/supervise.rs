//! The camera thread: opens a source, reads frames, and decides what an error means: skip the frame, the camera is lost
//! (wait, then open it again), or the end. The sources themselves notice that no frame came within `timeout_ms`.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use moodring_base::{
    clock::Clock, config::CameraSettings, contain::catch_panic, shutdown::Shutdown,
    snapshot::CameraState,
};
use moodring_core::frame::Millis;

use super::{
    Camera, CameraError, Source,
    control::{CameraControl, CameraSession, NextStep},
    sink::{CameraSink, CameraStatus},
};

/// The first and the longest wait before a lost source is opened again; doubled in between.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// A source that ran for less than this is flapping; that is logged once.
const FLAPPING_BELOW_MS: u64 = 5_000;
/// How long the end of the thread is waited for: a driver or a file system that hangs must not hold the daemon's end up.
const STOP_WITHIN: Duration = Duration::from_secs(2);
/// After so many broken frames in a row a live source is opened again.
const MAX_BAD_IN_A_ROW: u32 = 100;
/// Broken frames are logged at most this often.
const LOG_EVERY_MS: u64 = 5_000;

/// A running camera thread. Dropping it stops the thread and waits for it.
pub struct CameraThread {
    control: CameraControl,
    status: Arc<Mutex<CameraStatus>>,
    thread: Option<JoinHandle<()>>,
}

impl CameraThread {
    /// Starts a thread that keeps `source` open and hands its frames to `sink`.
    ///
    /// A live source (a device, child or address) is opened again when lost, with waits from 0.2 to 5 seconds; a file
    /// ends. `auto` is decided once: a camera that goes away is waited for, not replaced by the drawn scene. `others` are
    /// the sources that [`CameraControl::next`] goes through after `source`; if there are none, every camera that is found.
    /// A `control` that is off opens nothing until it is switched on.
    ///
    /// # Errors
    /// If no thread can be made. Trouble with the source is in [`CameraThread::status`].
    pub fn spawn(
        control: CameraControl,
        source: Source,
        others: Vec<Source>,
        settings: CameraSettings,
        clock: Clock,
        sink: impl CameraSink + 'static,
    ) -> io::Result<Self> {
        let live = source.is_live();
        let mut decided: Option<Source> = None;
        let notes = control.clone();
        let open = move |session: &CameraSession| {
            let first = decided.get_or_insert_with(|| super::resolve(&source));
            let source = super::of_session(first, &others, session);
            notes.opens(&source);
            super::open_until(&source, &settings, clock, session.stop.clone())
        };
        Self::spawn_with(control, open, live, move || clock.now(), sink)
    }

    /// The same with any opener and any time, for tests.
    pub(super) fn spawn_with(
        control: CameraControl,
        open: impl FnMut(&CameraSession) -> Result<Box<dyn Camera>, CameraError> + Send + 'static,
        live: bool,
        now: impl Fn() -> Millis + Send + 'static,
        sink: impl CameraSink + 'static,
    ) -> io::Result<Self> {
        let status = Arc::new(Mutex::new(CameraStatus::default()));
        let mut camera_loop = CameraLoop {
            live,
            first: None,
            was_lost: false,
            control: control.clone(),
            status: Arc::clone(&status),
            sink,
            now,
            logged: None,
            last_loss: None,
            is_flapping: false,
        };
        let thread = std::thread::Builder::new()
            .name("camera".into())
            .spawn(move || camera_loop.run_contained(open))?;
        Ok(Self {
            control,
            status,
            thread: Some(thread),
        })
    }

    /// Switches the camera on and off, and goes to the next.
    pub fn control(&self) -> CameraControl {
        self.control.clone()
    }

    /// What the thread did so far.
    pub fn status(&self) -> CameraStatus {
        self.status
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether the thread came to its end: a file was played, or it was stopped.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Asks the thread to end and waits for it: about a tenth of a second, two seconds at most.
    pub fn stop(&mut self) {
        self.control.end();
        let Some(thread) = self.thread.take() else {
            return;
        };
        let due = Instant::now() + STOP_WITHIN;
        while !thread.is_finished() {
            if Instant::now() > due {
                tracing::error!("the camera thread hangs in its source; going without it");
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        if thread.join().is_err() {
            tracing::error!("the camera thread panicked");
        }
    }
}

impl Drop for CameraThread {
    fn drop(&mut self) {
        self.stop();
    }
}

struct CameraLoop<S, N> {
    live: bool,
    /// The source of the first session: its end is the end of all.
    first: Option<Option<Source>>,
    /// Whether what is open now was lost before: then it is waited for, also if it is a file.
    was_lost: bool,
    control: CameraControl,
    status: Arc<Mutex<CameraStatus>>,
    sink: S,
    now: N,
    logged: Option<Millis>,
    /// Why it was lost the last time: the same once more is not worth a line.
    last_loss: Option<String>,
    /// Whether it came the last time, and stayed only for a moment.
    is_flapping: bool,
}

impl<S: CameraSink, N: Fn() -> Millis> CameraLoop<S, N> {
    /// A panic outside of a source's code, such as in the sink, is waited out too.
    fn run_contained(
        &mut self,
        mut open: impl FnMut(&CameraSession) -> Result<Box<dyn Camera>, CameraError>,
    ) {
        while let Err(panic) = catch_panic("the camera thread", || self.run(&mut open)) {
            tracing::error!("{panic}; starting it again");
            std::thread::sleep(BACKOFF.1);
        }
    }

    fn run(
        &mut self,
        open: &mut impl FnMut(&CameraSession) -> Result<Box<dyn Camera>, CameraError>,
    ) {
        let mut wait = BACKOFF.0;
        while let Some(session) = self.next_session() {
            let (frames_before, began) = (self.update(|_| {}).frames, (self.now)());
            let (error, live) = self.run_session(&session, open);
            if session.stop.has_begun() {
                // Somebody wants something else: no trouble, and no reason to wait.
                self.sink.stopped();
                wait = BACKOFF.0;
                self.was_lost = false;
                continue;
            }
            let is_first = self.is_first();
            let is_over = match &error {
                CameraError::Ended { .. } => true,
                // What is there and cannot be opened is no camera that may come back.
                CameraError::Open { .. } => !live && !self.was_lost,
                CameraError::Lost { .. } | CameraError::Bad { .. } => false,
            };
            if is_over && is_first {
                return self.finish(&error);
            }
            if self.update(|_| {}).frames > frames_before {
                // A command that takes one picture and ends is a camera of a few pictures a second: each reopening is not logged.
                self.is_flapping = (self.now)().since(began) < FLAPPING_BELOW_MS;
                wait = BACKOFF.0;
            }
            if is_over {
                // It was chosen while the daemon ran, and its end is not the daemon's.
                tracing::info!("{error}; going to the next camera");
                self.was_lost = false;
                session.stop.sleep(wait);
                self.control.next();
            } else {
                self.was_lost = true;
                self.lose(&error, wait);
                session.stop.sleep(wait);
            }
            wait = (wait * 2).min(BACKOFF.1);
        }
    }

    /// Opens and reads until it fails; why, and whether such a source comes back by itself.
    fn run_session(
        &mut self,
        session: &CameraSession,
        open: &mut impl FnMut(&CameraSession) -> Result<Box<dyn Camera>, CameraError>,
    ) -> (CameraError, bool) {
        let live = self.live || session.turn > 0 || session.chosen.is_some();
        let opened = catch_panic("the source", || open(session));
        if self.first.is_none() {
            self.first = Some(self.control.source());
        }
        let mut camera = match opened {
            Ok(Ok(camera)) => camera,
            Ok(Err(error)) => return (error, live),
            Err(panic) => return (self.panicked(None, panic), true),
        };
        let info = camera.info().clone();
        tracing::debug!(
            name = info.name,
            wire = info.wire,
            "camera opened, waiting for its first picture"
        );
        let live = live && info.live;
        let name = info.name.clone();
        let status = self.update(|s| {
            s.info = Some(info);
            s.opened += 1;
        });
        self.sink.opened(&status);
        let read = catch_panic("the source", || self.read(camera.as_mut(), &session.stop));
        // The camera is closed here, before the wait; what panicked once may do it again.
        let closed = catch_panic("closing the source", || drop(camera));
        let error = match (read, closed) {
            (Ok(error), Ok(())) => return (error, live),
            (Err(panic), _) | (Ok(_), Err(panic)) => self.panicked(Some(name), panic),
        };
        (error, true)
    }

    /// Whether the source of the settings is open, not one that was chosen later.
    fn is_first(&self) -> bool {
        self.first
            .as_ref()
            .is_none_or(|first| *first == self.control.source())
    }

    /// A panic as a loss, with the frame's number.
    fn panicked(&mut self, name: Option<String>, panic: String) -> CameraError {
        let status = self.update(|s| s.panics += 1);
        let number = status.frames + status.bad_frames + 1;
        let named = self.control.source().map(|source| source.to_string());
        let reason = match name {
            Some(_) => format!("at frame {number}: {panic}"),
            None => panic,
        };
        CameraError::Lost {
            source_name: name.or(named).unwrap_or_else(|| "the camera".into()),
            reason,
        }
    }

    /// The next opening; waits while the camera is off. `None` once the thread is to end.
    fn next_session(&mut self) -> Option<CameraSession> {
        loop {
            match self.control.wanted() {
                NextStep::On(session) => return Some(session),
                NextStep::End => return None,
                NextStep::Off => {
                    tracing::info!("the camera is switched off and closed");
                    self.change(CameraState::Off, |s| s.trouble = None);
                    self.control.wait_while_off();
                    self.change(CameraState::Starting, |_| {});
                }
            }
        }
    }

    /// Reads until the source fails; why.
    fn read(&mut self, camera: &mut dyn Camera, stop: &Shutdown) -> CameraError {
        let mut bad_in_a_row = 0;
        loop {
            if stop.has_begun() {
                return camera.info().ended();
            }
            match camera.next_picture(self.sink.needs()) {
                Ok(mut picture) => {
                    bad_in_a_row = 0;
                    self.sink.picture(&mut picture);
                    let before = self.count_frame();
                    if before != CameraState::Running {
                        let info = camera.info().clone();
                        if !self.is_flapping {
                            tracing::info!(name = info.name, wire = info.wire, "camera opened");
                        }
                        self.change(CameraState::Running, |s| {
                            s.info = Some(info);
                            s.trouble = None;
                        });
                    }
                }
                Err(error @ CameraError::Bad { .. }) => {
                    self.skip(&error);
                    bad_in_a_row += 1;
                    if self.live && bad_in_a_row == MAX_BAD_IN_A_ROW {
                        return camera
                            .info()
                            .lost(format!("nothing but broken frames: {error}"));
                    }
                }
                Err(error) => return error,
            }
        }
    }

    fn count_frame(&mut self) -> CameraState {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        status.frames += 1;
        status.state
    }

    fn skip(&mut self, error: &CameraError) {
        let status = self.update(|s| s.bad_frames += 1);
        let count = status.bad_frames;
        let now = (self.now)();
        if self
            .logged
            .is_none_or(|last| now.since(last) >= LOG_EVERY_MS)
        {
            self.logged = Some(now);
            tracing::warn!(bad_frames = count, frame = status.frames + count, "{error}");
        }
    }

    fn lose(&mut self, error: &CameraError, wait: Duration) {
        let text = error.to_string();
        let was = self.update(|_| {});
        // A source that stays away gives the same error again and again, and so does one that comes for a moment.
        let is_known = self.last_loss.replace(text.clone()).as_ref() == Some(&text);
        if is_known && (was.state == CameraState::Lost || self.is_flapping) {
            tracing::debug!("{text}");
        } else {
            tracing::warn!("{text}; trying again in {} ms and on", wait.as_millis());
        }
        if is_known && was.state == CameraState::Lost {
            return;
        }
        self.change(CameraState::Lost, |s| s.trouble = Some(text));
    }

    fn finish(&mut self, error: &CameraError) {
        let trouble = match error {
            CameraError::Ended { .. } => {
                tracing::info!("{error}");
                None
            }
            other => {
                tracing::error!("{other}");
                Some(other.to_string())
            }
        };
        self.change(CameraState::Ended, |s| s.trouble = trouble);
    }

    fn update(&self, with: impl FnOnce(&mut CameraStatus)) -> CameraStatus {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        with(&mut status);
        status.clone()
    }

    fn change(&mut self, state: CameraState, with: impl FnOnce(&mut CameraStatus)) {
        let status = self.update(|s| {
            s.state = state;
            with(s);
        });
        self.sink.state(&status);
    }
}

#[cfg(test)]
mod tests;
