//! Why `run` and `follow` could not start or had to end.

use moodring_base::message::NameError;
use moodring_camera::{CameraError, SourceError};
use moodring_display::DisplayError;
use moodring_mqtt::MqttError;
use moodring_vision::VisionError;

/// Why the daemon could not start or had to end.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The text names no source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A file source failed.
    #[error("{0}")]
    Camera(String),
    /// The nets.
    #[error(transparent)]
    Vision(#[from] VisionError),
    /// The display.
    #[error(transparent)]
    Display(#[from] DisplayError),
    /// The broker.
    #[error(transparent)]
    Mqtt(#[from] MqttError),
    /// The device's id.
    #[error("`device.id` is `{id}`, but {reason}. Set `[device] id` to letters, digits, - and _")]
    Device {
        /// The text that was given as the id.
        id: String,
        /// Why it cannot be the id.
        reason: NameError,
    },
    /// A worker panicked again and again.
    #[error("the {name} worker could not be started again: {reason}")]
    Worker {
        /// Which.
        name: &'static str,
        /// The last panic.
        reason: String,
    },
    /// Standard output cannot be written.
    #[error("cannot write standard output: {0}")]
    Output(std::io::Error),
    /// The system refused a thread or a signal handler.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
}

impl From<CameraError> for AppError {
    fn from(error: CameraError) -> Self {
        Self::Camera(error.to_string())
    }
}
