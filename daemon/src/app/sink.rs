//! What the camera thread calls: frames into the slot, states to whoever watches.

use moodring_core::frame::Frame;
use tokio::sync::watch;

use crate::{
    camera::{CameraStatus, Sink},
    latest::Writer,
};

/// The camera thread's way out.
pub(super) struct FrameSink {
    writer: Writer,
    status: watch::Sender<CameraStatus>,
}

impl FrameSink {
    pub(super) fn new(writer: Writer, status: watch::Sender<CameraStatus>) -> Self {
        Self { writer, status }
    }
}

impl Sink for FrameSink {
    fn frame(&mut self, frame: &Frame<'_>) {
        self.writer.put(frame);
    }

    fn state(&mut self, status: &CameraStatus) {
        self.status.send_replace(status.clone());
    }
}
