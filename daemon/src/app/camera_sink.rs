//! What the camera thread calls: it puts frames into the slot and publishes the camera's state.

use moodring_core::frame::Frame;
use tokio::sync::watch;

use super::watchdog::Heartbeat;
use crate::{
    camera::{CameraSink, CameraStatus},
    latest::FrameWriter,
};

/// Receives the camera thread's frames and states.
pub(super) struct FrameForwarder {
    writer: FrameWriter,
    status: watch::Sender<CameraStatus>,
    heartbeat: Heartbeat,
}

impl FrameForwarder {
    pub(super) fn new(
        writer: FrameWriter,
        status: watch::Sender<CameraStatus>,
        heartbeat: Heartbeat,
    ) -> Self {
        Self {
            writer,
            status,
            heartbeat,
        }
    }
}

impl CameraSink for FrameForwarder {
    fn frame(&mut self, frame: &Frame<'_>) {
        self.heartbeat.beat();
        self.writer.put(frame);
    }

    fn state(&mut self, status: &CameraStatus) {
        self.status.send_replace(status.clone());
    }

    fn opened(&mut self, status: &CameraStatus) {
        self.status.send_replace(status.clone());
    }
}
