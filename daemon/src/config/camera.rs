//! `[camera]`: which source, and what to ask of it.

use serde::{Deserialize, Serialize};

/// Where frames come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CameraSettings {
    /// `auto`, a device, a file, a folder, `rpicam`, `argus`, `cmd:...`, `http://...` or `synthetic`.
    pub source: String,
    /// Width to ask for, in pixels; the nearest that the device has is taken.
    pub width: u32,
    /// Height to ask for, in pixels.
    pub height: u32,
    /// Frames a second to ask for; for files and folders, the rate to play at.
    pub rate: f32,
    /// Play files and folders again from the beginning.
    #[serde(rename = "loop")]
    pub repeat: bool,
    /// Milliseconds without a frame after which a live source counts as lost.
    pub timeout_ms: u64,
}

impl Default for CameraSettings {
    fn default() -> Self {
        Self {
            source: "auto".into(),
            width: 640,
            height: 480,
            rate: 30.0,
            repeat: false,
            timeout_ms: 5_000,
        }
    }
}
