//! Frames from devices, files, children, the network or drawn ones, behind one trait that lends them.

use moodring_core::frame::{Frame, PixelFormat};

/// A source of frames. Blocking: it lives on a thread of its own.
pub trait Camera: Send {
    /// What was opened, and what was negotiated.
    fn info(&self) -> &CameraInfo;

    /// Lends the next frame; waits for it, but not longer than the source's timeout.
    ///
    /// # Errors
    /// [`CameraError`]; after [`CameraError::Ended`] or [`CameraError::Lost`] the source must be opened again.
    fn next_frame(&mut self) -> Result<Frame<'_>, CameraError>;
}

/// What a source is and what it agreed to.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraInfo {
    /// A name for people, such as the card's name or the file's path.
    pub name: String,
    /// Width and height in pixels, as far as known before the first frame.
    pub size_px: Option<(u32, u32)>,
    /// The format on the wire, for people: `YUYV`, `MJPG`, ...
    pub wire: String,
    /// How [`Camera::next_frame`] lends its pixels.
    pub format: PixelFormat,
    /// Frames a second, if the source says.
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
