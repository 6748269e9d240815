//! The receiver of the camera's pictures, and the camera's status.

use moodring_base::snapshot::CameraState;
use moodring_core::frame::Frame;

use super::CameraInfo;
use crate::{latest::LentPicture, scaled_jpeg::DecodeNeeds};

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
    /// How often a source's code panicked.
    pub panics: u64,
    /// How often it was opened, the first time included.
    pub opened: u64,
    /// The last error, and how to mend it.
    pub trouble: Option<String>,
}

/// Receives the frames. Called on the camera thread: what takes long here holds the camera up.
pub trait CameraSink: Send {
    /// A good frame.
    fn frame(&mut self, frame: &Frame<'_>);

    /// A good picture: a frame, or where there is a [`CameraSink::needs`], perhaps a JPEG.
    fn picture(&mut self, picture: &mut LentPicture<'_>) {
        if let LentPicture::Frame(frame) = picture {
            self.frame(frame);
        }
    }

    /// How far the next JPEG is to be decoded; `None`: it is to be a frame.
    fn needs(&self) -> Option<DecodeNeeds> {
        None
    }

    /// The state changed.
    fn state(&mut self, _status: &CameraStatus) {}

    /// Somebody wants the source closed: a picture that nobody looked at yet may go.
    fn stopped(&mut self) {}

    /// A source was opened, perhaps another one than before; no frame has come yet.
    fn opened(&mut self, _status: &CameraStatus) {}
}

impl<F: FnMut(&Frame<'_>) + Send> CameraSink for F {
    fn frame(&mut self, frame: &Frame<'_>) {
        self(frame);
    }
}
