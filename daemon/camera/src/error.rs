//! What a source is, and why it gives no frame.

use moodring_core::frame::PixelFormat;

/// What a source is and what it agreed to.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraInfo {
    /// A name for people, such as the card's name or the file's path.
    pub name: String,
    /// Width and height in pixels, as far as known before the first frame.
    pub size_px: Option<(u32, u32)>,
    /// The format on the wire, for people: `YUYV`, `MJPG`, ...
    pub wire: String,
    /// How [`Camera::next_frame`](crate::Camera::next_frame) lends its pixels.
    pub format: PixelFormat,
    /// Frames a second, if the source declares them.
    pub rate_hz: Option<f32>,
    /// Whether lost sources come back: a device, child or address does, a file does not.
    pub live: bool,
}

/// Why there is no frame. The text names the thing and the way out.
#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    /// It cannot be opened: does not exist, no permission, busy, not a camera.
    #[error("cannot open {source_name}: {reason}. {way_out}")]
    Open {
        /// What was to be opened.
        source_name: String,
        /// The cause.
        reason: String,
        /// What the user can do.
        way_out: String,
    },
    /// It was running and stopped: unplugged, killed, timed out, connection closed.
    #[error("lost {source_name}: {reason}")]
    Lost {
        /// What was lost.
        source_name: String,
        /// The cause.
        reason: String,
    },
    /// One frame was unusable (cut JPEG, unreadable picture in a folder); the next may be good.
    #[error("skipped a frame of {source_name}: {reason}")]
    Bad {
        /// Where the frame came from.
        source_name: String,
        /// The cause.
        reason: String,
    },
    /// A file without `--loop` came to its end.
    #[error("{source_name} came to its end")]
    Ended {
        /// What ended.
        source_name: String,
    },
}

impl CameraInfo {
    pub(crate) fn bad(&self, reason: impl Into<String>) -> CameraError {
        CameraError::Bad {
            source_name: self.name.clone(),
            reason: reason.into(),
        }
    }

    pub(crate) fn lost(&self, reason: impl Into<String>) -> CameraError {
        CameraError::Lost {
            source_name: self.name.clone(),
            reason: reason.into(),
        }
    }

    pub(crate) fn ended(&self) -> CameraError {
        CameraError::Ended {
            source_name: self.name.clone(),
        }
    }
}
