//! What the camera thread calls: frames into the slot, states to whoever watches.

use moodring_core::frame::Frame;
use tokio::sync::watch;

use super::guard::Pulse;
use crate::{
    camera::{CameraStatus, Sink},
    latest::Writer,
};

/// The camera thread's way out.
pub(super) struct FrameSink {
    writer: Writer,
    status: watch::Sender<CameraStatus>,
    pulse: Pulse,
}

impl FrameSink {
    pub(super) fn new(writer: Writer, status: watch::Sender<CameraStatus>, pulse: Pulse) -> Self {
        Self {
            writer,
            status,
            pulse,
        }
    }
}

impl Sink for FrameSink {
    fn frame(&mut self, frame: &Frame<'_>) {
        self.pulse.beat();
        self.writer.put(frame);
    }

    fn state(&mut self, status: &CameraStatus) {
        self.status.send_replace(status.clone());
    }

    fn opened(&mut self, status: &CameraStatus) {
        self.status.send_replace(status.clone());
    }
}
