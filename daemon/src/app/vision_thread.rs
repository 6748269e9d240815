//! The vision thread: takes frames from the slot, runs the pipeline, publishes snapshots and events.

use std::{io, thread::JoinHandle, time::Duration};

use moodring_base::{
    clock::Clock,
    config::Settings,
    shutdown::Shutdown,
    snapshot::{CameraState, Snapshot},
    worker::Supervisor,
};
use moodring_camera::{
    CameraStatus,
    latest::{FrameReader, Taken},
};
use moodring_core::{calibration::CalibrationStep, event::Event};
use moodring_vision::VisionPipeline;
use moodring_web::preview::FrameTap;
use tokio::sync::{mpsc, watch};

use super::{controller::VisionControls, stills::Stills, watchdog::Heartbeat};

/// How long to wait for a frame before reading the camera's state and the stop flag.
const FRAME_WAIT: Duration = Duration::from_millis(100);

/// Which calibration it is, counted from 1, and how far it is; `None` before there was one.
pub(super) type Calibrating = Option<(u32, CalibrationStep)>;

/// What the thread owns.
pub(super) struct VisionThread {
    pub(super) stream: VisionPipeline,
    pub(super) reader: FrameReader,
    pub(super) camera: watch::Receiver<CameraStatus>,
    pub(super) stills: Stills,
    pub(super) tap: FrameTap,
    pub(super) settings: Settings,
    pub(super) vision_controls: watch::Receiver<VisionControls>,
    pub(super) clock: Clock,
    pub(super) snapshots: watch::Sender<Snapshot>,
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) calibrations: watch::Sender<Calibrating>,
    pub(super) heartbeat: Heartbeat,
}

impl VisionThread {
    pub(super) fn spawn(
        mut self,
        supervisor: &Supervisor,
        shutdown: Shutdown,
    ) -> io::Result<JoinHandle<()>> {
        let stop = shutdown.clone();
        let mut panicked = false;
        supervisor.spawn("vision", shutdown, move || {
            if std::mem::replace(&mut panicked, true)
                && let Err(error) = self.stream.reload(&self.settings)
            {
                // What the nets held when it panicked may be half done; old ones are better than none.
                tracing::warn!("{error}; going on with the nets as they are");
            }
            self.watch(&stop);
        })
    }

    /// Applies the controls that were set since the last call.
    fn apply_controls(&mut self, applied: &mut VisionControls) {
        if !self.vision_controls.has_changed().unwrap_or(false) {
            return;
        }
        let vision_controls = *self.vision_controls.borrow_and_update();
        let before = std::mem::replace(applied, vision_controls);
        self.settings.mood.sensitivity = vision_controls.sensitivity;
        self.stream.set_calibration(vision_controls.calibration);
        let done = if before.reloads == vision_controls.reloads {
            self.stream.tune(&self.settings)
        } else {
            self.stream.reload(&self.settings)
        };
        if let Err(error) = done {
            tracing::warn!("{error}; going on as before");
        }
        if before.calibrating != vision_controls.calibrating {
            self.stream
                .learn_calibration(vision_controls.calibrating.is_some());
        }
    }

    /// Publishes how far a calibration is, if one is under way.
    fn publish_calibration(&mut self, applied: &VisionControls) {
        if let (Some(run), Some(step)) = (applied.calibrating, self.stream.calibration_step()) {
            self.calibrations.send_replace(Some((run, step)));
        }
    }

    /// Runs until the camera thread is gone or the shutdown begins.
    fn watch(&mut self, stop: &Shutdown) {
        let mut applied = *self.vision_controls.borrow_and_update();
        self.stream.set_calibration(applied.calibration);
        if let Err(error) = self.stream.tune(&self.settings) {
            tracing::warn!("{error}; going on without the kept resting face");
        }
        // One that somebody asked for before, or that a panic broke off, begins anew.
        self.stream.learn_calibration(applied.calibrating.is_some());
        let rest = self.reader.rest();
        while !stop.has_begun() {
            self.heartbeat.beat();
            self.apply_controls(&mut applied);
            // A closed channel is no reason to stop: MQTT may be switched off.
            let emit = |event| {
                let _ = self.events.send(event);
            };
            match self.reader.take(FRAME_WAIT) {
                Taken::Frame(picture, skipped) => {
                    let Ok(mut picture) = picture.lend() else {
                        continue;
                    };
                    // A frame that was taken before the camera was switched off is not used.
                    if self.camera.borrow().state == CameraState::Off {
                        continue;
                    }
                    self.stills.offer(&picture);
                    match self.stream.see(&mut picture, skipped, emit) {
                        Ok(snapshot) => {
                            publish(&self.snapshots, snapshot);
                            self.tap.offer(&picture, snapshot);
                        }
                        Err(error) => tracing::error!("{error}"),
                    }
                    rest.set(self.stream.is_resting());
                }
                Taken::Nothing => {
                    let state = self.camera.borrow().state;
                    if state != CameraState::Running {
                        let snapshot = self.stream.miss(self.clock.now(), state, emit);
                        publish(&self.snapshots, snapshot);
                    }
                }
                Taken::Closed => {
                    let snapshot = self.stream.miss(self.clock.now(), CameraState::Ended, emit);
                    publish(&self.snapshots, snapshot);
                    return;
                }
            }
            self.publish_calibration(&applied);
        }
    }
}

/// Copies into the channel's own value, so that nothing is allocated.
fn publish(to: &watch::Sender<Snapshot>, snapshot: &Snapshot) {
    to.send_modify(|newest| newest.clone_from(snapshot));
}
