//! What the camera thread calls: it puts frames into the slot and publishes the camera's state.

use moodring_base::config::Settings;
use moodring_camera::{
    CameraSink, CameraStatus,
    latest::{FrameWriter, LentPicture},
    scaled_jpeg::DecodeNeeds,
};
use moodring_core::frame::Frame;
use tokio::sync::watch;

use super::watchdog::Heartbeat;

/// Receives the camera thread's frames and states.
pub(super) struct FrameForwarder {
    writer: FrameWriter,
    status: watch::Sender<CameraStatus>,
    heartbeat: Heartbeat,
    /// Whether the detector sees colours.
    colour: bool,
    /// The detector's input.
    input_px: (u32, u32),
}

impl FrameForwarder {
    pub(super) fn new(
        writer: FrameWriter,
        status: watch::Sender<CameraStatus>,
        heartbeat: Heartbeat,
        settings: &Settings,
    ) -> Self {
        Self {
            writer,
            status,
            heartbeat,
            colour: settings.camera.colour,
            input_px: (settings.vision.width, settings.vision.height),
        }
    }
}

impl CameraSink for FrameForwarder {
    fn frame(&mut self, frame: &Frame<'_>) {
        self.heartbeat.beat();
        self.writer.put(frame);
    }

    fn picture(&mut self, picture: &mut LentPicture<'_>) {
        self.heartbeat.beat();
        self.writer.put_picture(picture);
    }

    fn needs(&self) -> Option<DecodeNeeds> {
        Some(DecodeNeeds {
            least_px: self.input_px,
            colour: self.colour,
            is_resting: self.writer.reader_rests(),
        })
    }

    fn state(&mut self, status: &CameraStatus) {
        self.status.send_replace(status.clone());
    }

    fn stopped(&mut self) {
        self.writer.withdraw();
    }

    fn opened(&mut self, status: &CameraStatus) {
        self.status.send_replace(status.clone());
    }
}
