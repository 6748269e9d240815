//! The vision thread: frames from the slot through the pipeline, out as snapshots and events.

use std::{
    io,
    sync::atomic::Ordering,
    thread::{self, JoinHandle},
    time::Duration,
};

use moodring_core::event::Event;
use tokio::sync::{mpsc, watch};

use super::{StopFlag, album::Album, desk::Dials, guard::Pulse};
use crate::{
    camera::CameraStatus,
    clock::Clock,
    config::Settings,
    latest::{Reader, Taken},
    preview::Tap,
    snapshot::{CameraState, Snapshot},
    vision::Stream,
};

/// How long to wait for a frame before looking at the camera's state and the stop flag.
const PATIENCE: Duration = Duration::from_millis(100);

/// What the thread owns.
pub(super) struct Eyes {
    pub(super) stream: Stream,
    pub(super) reader: Reader,
    pub(super) camera: watch::Receiver<CameraStatus>,
    pub(super) album: Album,
    pub(super) tap: Tap,
    pub(super) settings: Settings,
    pub(super) dials: watch::Receiver<Dials>,
    pub(super) clock: Clock,
    pub(super) snapshots: watch::Sender<Snapshot>,
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) pulse: Pulse,
}

impl Eyes {
    pub(super) fn spawn(self, stop: StopFlag) -> io::Result<JoinHandle<()>> {
        thread::Builder::new()
            .name("vision".into())
            .spawn(move || self.watch(&stop))
    }

    /// Takes over what somebody set since the last time.
    fn turn_dials(&mut self, reloads: &mut u32) {
        if !self.dials.has_changed().unwrap_or(false) {
            return;
        }
        let dials = *self.dials.borrow_and_update();
        self.settings.mood.sensitivity = dials.sensitivity;
        let done = if *reloads == dials.reloads {
            self.stream.tune(&self.settings)
        } else {
            *reloads = dials.reloads;
            self.stream.reload(&self.settings)
        };
        if let Err(error) = done {
            tracing::warn!("{error}; going on as before");
        }
    }

    /// Until the camera thread is gone, or it is asked to stop.
    fn watch(mut self, stop: &StopFlag) {
        let mut reloads = self.dials.borrow().reloads;
        while !stop.load(Ordering::Relaxed) {
            self.pulse.beat();
            self.turn_dials(&mut reloads);
            // Nobody listening is no reason to stop seeing: the broker may be switched off.
            let tell = |event| {
                let _ = self.events.send(event);
            };
            match self.reader.take(PATIENCE) {
                Taken::Frame(frame, skipped) => {
                    let Ok(frame) = frame.lend() else { continue };
                    // The last frame before somebody switched the camera off is nobody's any more.
                    if self.camera.borrow().state == CameraState::Off {
                        continue;
                    }
                    self.album.offer(&frame);
                    match self.stream.see(&frame, skipped, tell) {
                        Ok(snapshot) => {
                            publish(&self.snapshots, snapshot);
                            self.tap.offer(&frame, snapshot);
                        }
                        Err(error) => tracing::error!("{error}"),
                    }
                }
                Taken::Nothing => {
                    let state = self.camera.borrow().state;
                    if state != CameraState::Running {
                        let snapshot = self.stream.miss(self.clock.now(), state, tell);
                        publish(&self.snapshots, snapshot);
                    }
                }
                Taken::Closed => {
                    let snapshot = self.stream.miss(self.clock.now(), CameraState::Ended, tell);
                    publish(&self.snapshots, snapshot);
                    return;
                }
            }
        }
    }
}

/// Copies into the channel's own place, so that nothing is allocated.
fn publish(to: &watch::Sender<Snapshot>, snapshot: &Snapshot) {
    to.send_modify(|newest| newest.clone_from(snapshot));
}
