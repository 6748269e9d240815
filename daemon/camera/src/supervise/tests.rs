//! Cameras that end, break and come back, that are switched off and on, and a real child process that dies.

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    time::Instant,
};

use moodring_core::frame::{Frame, PixelFormat};

use super::*;
use crate::CameraInfo;

/// A camera that follows a script, one step a frame.
struct ScriptedCamera {
    info: CameraInfo,
    steps: Receiver<&'static str>,
    closed: Sender<&'static str>,
}

impl Camera for ScriptedCamera {
    fn info(&self) -> &CameraInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Frame<'_>, CameraError> {
        match self.steps.try_recv() {
            Ok("frame") => Ok(Frame::packed(&[7], PixelFormat::Grey, (1, 1), Millis(0)).unwrap()),
            Ok("bad") => Err(self.info.bad("as the script has it")),
            Ok("end") => Err(self.info.ended()),
            Ok("panic") => panic!("a driver's fault"),
            _ => Err(self.info.lost("unplugged")),
        }
    }
}

impl Drop for ScriptedCamera {
    fn drop(&mut self) {
        let _ = self.closed.send("closed");
    }
}

struct RecordingSink(Sender<String>);

impl CameraSink for RecordingSink {
    fn frame(&mut self, frame: &Frame<'_>) {
        self.0.send(format!("frame {}", frame.luma(0, 0))).unwrap();
    }

    fn state(&mut self, status: &CameraStatus) {
        self.0.send(status.state.name().into()).unwrap();
    }
}

/// Runs over `scripts`: what each opened camera does, or `None` if the opening fails.
fn supervise(
    scripts: Vec<Option<Vec<&'static str>>>,
    live: bool,
) -> (CameraThread, Receiver<String>) {
    let (events_tx, events) = channel();
    let mut scripts = scripts.into_iter();
    let closed = channel().0;
    let open = move |_: &CameraSession| {
        let refused = || CameraError::Open {
            source_name: "scripted".into(),
            reason: "it is not there".into(),
            way_out: "Plug it in".into(),
        };
        let script = scripts.next().flatten().ok_or_else(refused)?;
        let (steps_tx, steps) = channel();
        for step in script {
            steps_tx.send(step).unwrap();
        }
        let info = CameraInfo {
            name: "scripted".into(),
            size_px: None,
            wire: "steps".into(),
            format: PixelFormat::Grey,
            rate_hz: None,
            live,
        };
        let camera = ScriptedCamera {
            info,
            steps,
            closed: closed.clone(),
        };
        Ok(Box::new(camera) as Box<dyn Camera>)
    };
    let thread = CameraThread::spawn_with(
        CameraControl::default(),
        open,
        live,
        || Millis(0),
        RecordingSink(events_tx),
    )
    .unwrap();
    (thread, events)
}

fn take(events: &Receiver<String>, count: usize) -> Vec<String> {
    let next = |_| events.recv_timeout(Duration::from_secs(20)).unwrap();
    (0..count).map(next).collect()
}

#[test]
fn an_unplugged_camera_comes_back() {
    let scripts = vec![
        None,
        Some(vec!["frame", "bad", "frame"]),
        None,
        Some(vec!["frame"]),
    ];
    let (mut thread, events) = supervise(scripts, true);
    assert_eq!(
        take(&events, 8),
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
fn a_source_that_panics_is_lost_and_opened_again() {
    let scripts = vec![
        Some(vec!["frame", "panic", "frame"]),
        Some(vec!["panic"]),
        Some(vec!["frame"]),
    ];
    // Also a file, which otherwise comes back only if it was there.
    for live in [true, false] {
        let (mut thread, events) = supervise(scripts.clone(), live);
        assert_eq!(take(&events, 3), ["frame 7", "running", "lost"]);
        let trouble = thread.status().trouble.unwrap();
        assert!(
            trouble.contains("frame 2") && trouble.contains("a driver's fault"),
            "{trouble}"
        );
        // The second panic has the same text and is not reported twice.
        assert_eq!(take(&events, 2), ["frame 7", "running"]);
        thread.stop();
        assert_eq!(thread.status().panics, 2);
    }
}

#[test]
fn the_end_of_a_source_that_was_chosen_later_is_not_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for (name, width) in [("first.png", 20), ("later.png", 40)] {
        image::GrayImage::new(width, 16).save(at(name)).unwrap();
    }
    let settings = CameraSettings {
        rate: 1000.0,
        picture_s: 0.05,
        ..CameraSettings::default()
    };
    let (states, seen) = channel();
    let control = CameraControl::default();
    // A child that never ends comes first; the file is chosen while the daemon runs.
    let first = Source::Command(format!(
        "while true; do cat {}; sleep 0.01; done",
        at("a.jpg").display()
    ));
    std::fs::write(at("a.jpg"), super::super::jpeg::tests::ramp(16, 16, 0)).unwrap();
    let sink = move |frame: &Frame<'_>| {
        let _ = states.send(frame.width_px());
    };
    let mut thread = CameraThread::spawn(
        control.clone(),
        first,
        vec![],
        settings,
        Clock::start(),
        sink,
    )
    .unwrap();
    let wait_for = |width: u32| {
        while seen.recv_timeout(Duration::from_secs(20)).unwrap() != width {}
    };
    wait_for(16);
    control.choose(Source::Picture(at("later.png")));
    wait_for(40);
    wait_for(16);
    assert!(!thread.is_finished());
    thread.stop();
}

#[test]
fn a_file_ends_and_a_missing_one_has_the_reason() {
    let (thread, events) = supervise(vec![Some(vec!["frame", "end"])], false);
    assert_eq!(take(&events, 3), ["frame 7", "running", "ended"]);
    assert_eq!(thread.status().trouble, None);
    let (thread, events) = supervise(vec![None], false);
    assert_eq!(take(&events, 1), ["ended"]);
    let trouble = thread.status().trouble.unwrap();
    assert!(trouble.contains("Plug it in"), "{trouble}");
}

#[test]
fn nothing_but_broken_frames_is_a_loss() {
    let scripts = vec![Some(vec!["bad"; 1000]), Some(vec!["frame"])];
    let (thread, events) = supervise(scripts, true);
    assert_eq!(take(&events, 3), ["lost", "frame 7", "running"]);
    assert_eq!(thread.status().bad_frames, u64::from(MAX_BAD_IN_A_ROW));
}

#[test]
fn stopping_does_not_wait_for_the_back_off() {
    let (mut thread, events) = supervise(vec![], true);
    assert_eq!(take(&events, 1), ["lost"]);
    let begin = Instant::now();
    thread.stop();
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );
    assert!(thread.is_finished());
}

/// A camera that lends a frame whenever it is asked, and reports when it is opened and closed.
struct SteadyCamera {
    info: CameraInfo,
    events_tx: Sender<String>,
    stop: Shutdown,
}

impl Camera for SteadyCamera {
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

impl Drop for SteadyCamera {
    fn drop(&mut self) {
        let _ = self.events_tx.send("closed".into());
    }
}

struct StateSink(Sender<String>);

impl CameraSink for StateSink {
    fn frame(&mut self, _: &Frame<'_>) {}

    fn state(&mut self, status: &CameraStatus) {
        let _ = self.0.send(status.state.name().into());
    }

    fn stopped(&mut self) {
        let _ = self.0.send("withdrawn".into());
    }
}

#[test]
fn off_closes_the_device_and_the_next_source_is_opened_when_asked_for() {
    let (events_tx, events) = channel();
    let states = StateSink(events_tx.clone());
    let open = move |session: &CameraSession| {
        events_tx.send(format!("opened {}", session.turn)).unwrap();
        let info = CameraInfo {
            name: "steady".into(),
            size_px: None,
            wire: "none".into(),
            format: PixelFormat::Grey,
            rate_hz: None,
            live: true,
        };
        Ok(Box::new(SteadyCamera {
            info,
            events_tx: events_tx.clone(),
            stop: session.stop.clone(),
        }) as Box<dyn Camera>)
    };
    let mut thread =
        CameraThread::spawn_with(CameraControl::default(), open, true, || Millis(0), states)
            .unwrap();
    let control = thread.control();
    assert_eq!(take(&events, 2), ["opened 0", "running"]);
    assert!(!control.switch(moodring_base::command::Switch::Toggle));
    assert_eq!(take(&events, 3), ["closed", "withdrawn", "off"]);
    assert!(!control.next());
    assert!(control.switch(moodring_base::command::Switch::On));
    assert_eq!(take(&events, 3), ["starting", "opened 0", "running"]);
    assert!(control.next());
    assert_eq!(take(&events, 3), ["closed", "withdrawn", "opened 1"]);
    control.reopen();
    assert_eq!(take(&events, 3), ["closed", "withdrawn", "opened 1"]);
    // Ends while it is off, too.
    control.switch(moodring_base::command::Switch::Off);
    assert_eq!(take(&events, 3), ["closed", "withdrawn", "off"]);
    thread.stop();
    assert!(thread.is_finished());
}

/// A command of one picture each is a camera, too: opened again soon, however often.
#[test]
fn what_comes_for_a_moment_is_opened_again_soon() {
    let (mut thread, events) = supervise(vec![Some(vec!["frame"]); 99], true);
    let begin = Instant::now();
    let one = ["frame 7", "running", "lost"];
    for _ in 0..10 {
        assert_eq!(take(&events, 3), one);
    }
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );
    thread.stop();
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
        CameraControl::default(),
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
