//! The camera thread: opens, reads, and opens again what was lost, so that trouble is a state and not the end.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use moodring_core::frame::{Frame, Millis};

use super::{
    Camera, CameraError, CameraInfo, Source,
    control::{Control, Session, Wanted},
    stop::Stop,
};
use crate::{clock::Clock, config::CameraSettings, snapshot::CameraState};

/// The first and the longest wait before a lost source is opened again; doubled in between.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// After so many broken frames in a row a live source is opened again.
const MAX_BAD_IN_A_ROW: u32 = 100;
/// Broken frames are logged at most this often.
const LOG_EVERY_MS: u64 = 5_000;

/// What the camera thread did so far.
#[derive(Clone, Debug, Default)]
pub struct CameraStatus {
    /// What it does right now.
    pub state: CameraState,
    /// What is open, or was the last time.
    pub info: Option<CameraInfo>,
    /// Good frames handed on.
    pub frames: u64,
    /// Broken frames skipped.
    pub bad_frames: u64,
    /// How often it was opened, the first time included.
    pub opened: u64,
    /// The last trouble, with the way out.
    pub trouble: Option<String>,
}

/// Who gets the frames. Called on the camera thread: what takes long here holds the camera up.
pub trait Sink: Send {
    /// A good frame.
    fn frame(&mut self, frame: &Frame<'_>);

    /// The state changed.
    fn state(&mut self, _status: &CameraStatus) {}

    /// A source was opened, perhaps another one than before; no frame has come yet.
    fn opened(&mut self, _status: &CameraStatus) {}
}

impl<F: FnMut(&Frame<'_>) + Send> Sink for F {
    fn frame(&mut self, frame: &Frame<'_>) {
        self(frame);
    }
}

/// A running camera thread. Dropping it stops the thread and waits for it.
pub struct CameraThread {
    control: Control,
    status: Arc<Mutex<CameraStatus>>,
    thread: Option<JoinHandle<()>>,
}

impl CameraThread {
    /// Starts a thread that keeps `source` open and hands its frames to `sink`.
    ///
    /// A live source (a device, child or address) is opened again when lost, with waits from 0.2 to 5 seconds; a file
    /// ends. `auto` is decided once: a camera that goes away is waited for, not replaced by the drawn scene. `others` are
    /// the sources that [`Control::next`] goes through after `source`; if there are none, every camera that is found.
    /// A `control` that is off opens nothing until it is switched on.
    ///
    /// # Errors
    /// If no thread can be made. Trouble with the source is in [`CameraThread::status`].
    pub fn spawn(
        control: Control,
        source: Source,
        others: Vec<Source>,
        settings: CameraSettings,
        clock: Clock,
        sink: impl Sink + 'static,
    ) -> io::Result<Self> {
        let live = source.is_live();
        let mut decided: Option<Source> = None;
        let notes = control.clone();
        let open = move |session: &Session| {
            let first = decided.get_or_insert_with(|| super::resolve(&source));
            let source = super::of_session(first, &others, session);
            notes.opens(&source);
            super::open_until(&source, &settings, clock, session.stop.clone())
        };
        Self::spawn_with(control, open, live, move || clock.now(), sink)
    }

    /// The same with any opener and any time, for tests.
    pub(super) fn spawn_with(
        control: Control,
        open: impl FnMut(&Session) -> Result<Box<dyn Camera>, CameraError> + Send + 'static,
        live: bool,
        now: impl Fn() -> Millis + Send + 'static,
        sink: impl Sink + 'static,
    ) -> io::Result<Self> {
        let status = Arc::new(Mutex::new(CameraStatus::default()));
        let mut supervisor = Supervisor {
            live,
            control: control.clone(),
            status: Arc::clone(&status),
            sink,
            now,
            logged: None,
        };
        let thread = std::thread::Builder::new()
            .name("camera".into())
            .spawn(move || supervisor.run(open))?;
        Ok(Self {
            control,
            status,
            thread: Some(thread),
        })
    }

    /// Switches the camera on and off, and goes to the next.
    pub fn control(&self) -> Control {
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

    /// Asks the thread to end, within about a tenth of a second, and waits for it.
    pub fn stop(&mut self) {
        self.control.end();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the camera thread panicked");
        }
    }
}

impl Drop for CameraThread {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Supervisor<S, N> {
    live: bool,
    control: Control,
    status: Arc<Mutex<CameraStatus>>,
    sink: S,
    now: N,
    logged: Option<Millis>,
}

impl<S: Sink, N: Fn() -> Millis> Supervisor<S, N> {
    fn run(&mut self, mut open: impl FnMut(&Session) -> Result<Box<dyn Camera>, CameraError>) {
        let mut wait = BACKOFF.0;
        while let Some(session) = self.next_session() {
            let frames_before = self.update(|_| {}).frames;
            let mut live = self.live || session.turn > 0 || session.chosen.is_some();
            let error = match open(&session) {
                Ok(mut camera) => {
                    let info = camera.info().clone();
                    tracing::info!(name = info.name, wire = info.wire, "camera opened");
                    live &= info.live;
                    let status = self.update(|s| {
                        s.info = Some(info);
                        s.opened += 1;
                    });
                    self.sink.opened(&status);
                    // The camera is closed here, before the wait.
                    self.read(camera.as_mut(), &session.stop)
                }
                Err(error) => error,
            };
            if session.stop.is_set() {
                // Somebody wants something else: no trouble, and no reason to wait.
                wait = BACKOFF.0;
                continue;
            }
            if !live || matches!(error, CameraError::Ended { .. }) {
                return self.finish(&error);
            }
            if self.update(|_| {}).frames > frames_before {
                wait = BACKOFF.0;
            }
            self.lose(&error, wait);
            session.stop.sleep(wait);
            wait = (wait * 2).min(BACKOFF.1);
        }
    }

    /// The next opening; waits while the camera is off. `None` once the thread is to end.
    fn next_session(&mut self) -> Option<Session> {
        loop {
            match self.control.wanted() {
                Wanted::On(session) => return Some(session),
                Wanted::End => return None,
                Wanted::Off => {
                    tracing::info!("the camera is switched off and closed");
                    self.change(CameraState::Off, |s| s.trouble = None);
                    self.control.wait_while_off();
                    self.change(CameraState::Starting, |_| {});
                }
            }
        }
    }

    /// Reads until the source fails; why.
    fn read(&mut self, camera: &mut dyn Camera, stop: &Stop) -> CameraError {
        let mut bad_in_a_row = 0;
        loop {
            if stop.is_set() {
                return camera.info().ended();
            }
            match camera.next_frame() {
                Ok(frame) => {
                    bad_in_a_row = 0;
                    self.sink.frame(&frame);
                    let before = self.count_frame();
                    if before != CameraState::Running {
                        let info = camera.info().clone();
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
        let count = self.update(|s| s.bad_frames += 1).bad_frames;
        let now = (self.now)();
        if self
            .logged
            .is_none_or(|last| now.since(last) >= LOG_EVERY_MS)
        {
            self.logged = Some(now);
            tracing::warn!(bad_frames = count, "{error}");
        }
    }

    fn lose(&mut self, error: &CameraError, wait: Duration) {
        let text = error.to_string();
        let was = self.update(|_| {});
        // A source that stays away says the same thing again and again.
        if was.trouble.as_deref() == Some(&text) && was.state == CameraState::Lost {
            tracing::debug!("{text}");
            return;
        }
        tracing::warn!("{text}; trying again in {} ms and on", wait.as_millis());
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
mod tests {
    use std::{
        sync::mpsc::{Receiver, Sender, channel},
        time::Instant,
    };

    use moodring_core::frame::PixelFormat;

    use super::*;

    /// A camera that does what it is told, one word a frame.
    struct Told {
        info: CameraInfo,
        words: Receiver<&'static str>,
        closed: Sender<&'static str>,
    }

    impl Camera for Told {
        fn info(&self) -> &CameraInfo {
            &self.info
        }

        fn next_frame(&mut self) -> Result<Frame<'_>, CameraError> {
            match self.words.try_recv() {
                Ok("frame") => {
                    Ok(Frame::packed(&[7], PixelFormat::Grey, (1, 1), Millis(0)).unwrap())
                }
                Ok("bad") => Err(self.info.bad("told to")),
                Ok("end") => Err(self.info.ended()),
                _ => Err(self.info.lost("unplugged")),
            }
        }
    }

    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.closed.send("closed");
        }
    }

    struct Notes(Sender<String>);

    impl Sink for Notes {
        fn frame(&mut self, frame: &Frame<'_>) {
            self.0.send(format!("frame {}", frame.luma(0, 0))).unwrap();
        }

        fn state(&mut self, status: &CameraStatus) {
            self.0.send(status.state.name().into()).unwrap();
        }
    }

    /// Runs over `plays`: what each opened camera does, or `None` if the opening fails.
    fn supervise(
        plays: Vec<Option<Vec<&'static str>>>,
        live: bool,
    ) -> (CameraThread, Receiver<String>) {
        let (notes, noted) = channel();
        let mut plays = plays.into_iter();
        let closed = channel().0;
        let open = move |_: &Session| {
            let refused = || CameraError::Open {
                source_name: "told".into(),
                reason: "it is not there".into(),
                way_out: "Plug it in".into(),
            };
            let play = plays.next().flatten().ok_or_else(refused)?;
            let (say, words) = channel();
            for word in play {
                say.send(word).unwrap();
            }
            let info = CameraInfo {
                name: "told".into(),
                size_px: None,
                wire: "words".into(),
                format: PixelFormat::Grey,
                rate_hz: None,
                live,
            };
            let camera = Told {
                info,
                words,
                closed: closed.clone(),
            };
            Ok(Box::new(camera) as Box<dyn Camera>)
        };
        let thread =
            CameraThread::spawn_with(Control::default(), open, live, || Millis(0), Notes(notes))
                .unwrap();
        (thread, noted)
    }

    fn take(noted: &Receiver<String>, count: usize) -> Vec<String> {
        let next = |_| noted.recv_timeout(Duration::from_secs(20)).unwrap();
        (0..count).map(next).collect()
    }

    #[test]
    fn an_unplugged_camera_comes_back() {
        let plays = vec![
            None,
            Some(vec!["frame", "bad", "frame"]),
            None,
            Some(vec!["frame"]),
        ];
        let (mut thread, noted) = supervise(plays, true);
        assert_eq!(
            take(&noted, 8),
            [
                "lost", "frame 7", "running", "frame 7", "lost", "lost", "frame 7", "running"
            ]
        );
        thread.stop();
        let status = thread.status();
        assert_eq!((status.frames, status.bad_frames, status.opened), (3, 1, 2));
        assert!(status.trouble.is_none() || status.state == CameraState::Lost);
    }

    #[test]
    fn a_file_ends_and_a_missing_one_says_why() {
        let (thread, noted) = supervise(vec![Some(vec!["frame", "end"])], false);
        assert_eq!(take(&noted, 3), ["frame 7", "running", "ended"]);
        assert_eq!(thread.status().trouble, None);
        let (thread, noted) = supervise(vec![None], false);
        assert_eq!(take(&noted, 1), ["ended"]);
        let trouble = thread.status().trouble.unwrap();
        assert!(trouble.contains("Plug it in"), "{trouble}");
    }

    #[test]
    fn nothing_but_broken_frames_is_a_loss() {
        let plays = vec![Some(vec!["bad"; 1000]), Some(vec!["frame"])];
        let (thread, noted) = supervise(plays, true);
        assert_eq!(take(&noted, 3), ["lost", "frame 7", "running"]);
        assert_eq!(thread.status().bad_frames, u64::from(MAX_BAD_IN_A_ROW));
    }

    #[test]
    fn stopping_does_not_wait_for_the_back_off() {
        let (mut thread, noted) = supervise(vec![], true);
        assert_eq!(take(&noted, 1), ["lost"]);
        let begin = Instant::now();
        thread.stop();
        assert!(
            begin.elapsed() < Duration::from_secs(2),
            "{:?}",
            begin.elapsed()
        );
        assert!(thread.is_finished());
    }

    /// A camera that lends a frame whenever it is asked, and says when it is opened and closed.
    struct Steady {
        info: CameraInfo,
        said: Sender<String>,
        stop: Stop,
    }

    impl Camera for Steady {
        fn info(&self) -> &CameraInfo {
            &self.info
        }

        fn next_frame(&mut self) -> Result<Frame<'_>, CameraError> {
            // Also what waits for a frame is called off.
            if self.stop.sleep(Duration::from_millis(1)) {
                Ok(Frame::packed(&[7], PixelFormat::Grey, (1, 1), Millis(0)).unwrap())
            } else {
                Err(self.info.ended())
            }
        }
    }

    impl Drop for Steady {
        fn drop(&mut self) {
            let _ = self.said.send("closed".into());
        }
    }

    struct States(Sender<String>);

    impl Sink for States {
        fn frame(&mut self, _: &Frame<'_>) {}

        fn state(&mut self, status: &CameraStatus) {
            let _ = self.0.send(status.state.name().into());
        }
    }

    #[test]
    fn off_closes_the_device_and_the_next_source_is_opened_when_asked_for() {
        let (said, heard) = channel();
        let states = States(said.clone());
        let open = move |session: &Session| {
            said.send(format!("opened {}", session.turn)).unwrap();
            let info = CameraInfo {
                name: "steady".into(),
                size_px: None,
                wire: "none".into(),
                format: PixelFormat::Grey,
                rate_hz: None,
                live: true,
            };
            Ok(Box::new(Steady {
                info,
                said: said.clone(),
                stop: session.stop.clone(),
            }) as Box<dyn Camera>)
        };
        let mut thread =
            CameraThread::spawn_with(Control::default(), open, true, || Millis(0), states).unwrap();
        let control = thread.control();
        assert_eq!(take(&heard, 2), ["opened 0", "running"]);
        assert!(!control.switch(crate::command::Switch::Toggle));
        assert_eq!(take(&heard, 2), ["closed", "off"]);
        assert!(!control.next());
        assert!(control.switch(crate::command::Switch::On));
        assert_eq!(take(&heard, 3), ["starting", "opened 0", "running"]);
        assert!(control.next());
        assert_eq!(take(&heard, 2), ["closed", "opened 1"]);
        control.reopen();
        assert_eq!(take(&heard, 2), ["closed", "opened 1"]);
        // Ends while it is off, too.
        control.switch(crate::command::Switch::Off);
        assert_eq!(take(&heard, 2), ["closed", "off"]);
        thread.stop();
        assert!(thread.is_finished());
    }

    #[test]
    fn a_real_child_that_dies_is_started_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("film");
        std::fs::write(&path, super::super::jpeg::tests::ramp(16, 16, 0)).unwrap();
        let source = Source::Command(format!("cat {}", path.display()));
        let (sizes, seen) = channel();
        let sink = move |frame: &Frame<'_>| {
            let _ = sizes.send(frame.width_px());
        };
        let thread = CameraThread::spawn(
            Control::default(),
            source,
            vec![],
            CameraSettings::default(),
            Clock::start(),
            sink,
        )
        .unwrap();
        for _ in 0..2 {
            assert_eq!(seen.recv_timeout(Duration::from_secs(20)), Ok(16));
        }
        assert!(thread.status().opened >= 2);
    }
}
