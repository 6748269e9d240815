//! `[camera]`: the source, and the size and rate to ask of it.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::{ConfigError, error::range};

/// Which luma values stand for black and white.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RangeKind {
    /// As the camera or file declares it, else as its format usually has it.
    #[default]
    Auto,
    /// 0 to 255.
    Full,
    /// 16 to 235.
    Limited,
}

/// What a child writes that writes raw pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RawKind {
    /// It writes JPEGs or YUV4MPEG2, which its bytes show.
    #[default]
    None,
    /// 4:2:0, three planes.
    I420,
    /// 4:2:0, two planes.
    Nv12,
    /// 4:2:2, packed.
    Yuyv,
    /// One byte of luma a pixel.
    Grey,
    /// Three bytes a pixel.
    Rgb,
}

/// Where frames come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CameraSettings {
    /// `auto`, a device, a file, a folder, `rpicam`, `argus`, `cmd:...`, `http://...` or `synthetic`.
    pub source: String,
    /// The sources that the button goes through after `source`; empty: every camera that was found.
    pub next: Vec<String>,
    /// The folder for pictures that somebody asks for; empty: none are saved.
    pub pictures: PathBuf,
    /// Width to ask for, in pixels; the nearest one that the device has is used.
    pub width: u32,
    /// Height to ask for, in pixels.
    pub height: u32,
    /// Black and white of YUV pictures: `auto`, `full` (0 to 255) or `limited` (16 to 235).
    pub range: RangeKind,
    /// Degrees by which pictures are turned clockwise: 0, 90, 180 or 270.
    pub rotate: u16,
    /// Whether to swap left and right.
    pub mirror: bool,
    /// What a child (`cmd:...`) writes: `none` (what its bytes show), or raw pictures of `width` x `height`.
    pub raw: RawKind,
    /// Seconds between two requests to an address that gives one picture at a time.
    pub snapshot_s: f32,
    /// A PEM file with the authorities to trust for `https://`, or the camera's own certificate; empty: the system's.
    pub ca_file: String,
    /// SHA-256 of the camera's certificate, which is then the only one that is trusted; empty: `ca_file` counts.
    pub fingerprint: String,
    /// Decode JPEGs in colour, which finds more faces; else only their luma, which is faster.
    pub colour: bool,
    /// Frames a second to ask for; for files and folders, the rate to play at.
    pub rate: f32,
    /// Seconds that a picture, or each picture of a folder, is shown; 0: one frame each.
    pub picture_s: f32,
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
            next: Vec::new(),
            pictures: PathBuf::new(),
            width: 640,
            height: 480,
            range: RangeKind::Auto,
            rotate: 0,
            mirror: false,
            raw: RawKind::None,
            snapshot_s: 1.0,
            ca_file: String::new(),
            fingerprint: String::new(),
            colour: true,
            rate: 30.0,
            picture_s: 2.0,
            repeat: false,
            timeout_ms: 5_000,
        }
    }
}

impl CameraSettings {
    /// The time between two requests for a snapshot, held in range.
    pub fn snapshot_interval(&self) -> Duration {
        let seconds = if self.snapshot_s.is_finite() {
            self.snapshot_s
        } else {
            1.0
        };
        Duration::from_secs_f32(seconds.clamp(0.01, 3600.0))
    }

    /// How long a live source may be silent before it counts as lost.
    pub fn longest_silence(&self) -> Duration {
        Duration::from_millis(self.timeout_ms) + self.snapshot_interval()
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        range(
            !self.source.trim().is_empty(),
            "camera.source",
            "empty",
            "`auto` or a source",
        )?;
        let side = |px: u32| (16..=7680).contains(&px);
        range(
            side(self.width),
            "camera.width",
            self.width,
            "16 to 7680 pixels",
        )?;
        range(
            side(self.height),
            "camera.height",
            self.height,
            "16 to 7680 pixels",
        )?;
        range(
            (0.1..=240.0).contains(&self.rate),
            "camera.rate",
            self.rate,
            "0.1 to 240 frames a second",
        )?;
        range(
            (0.0..=3600.0).contains(&self.picture_s),
            "camera.picture_s",
            self.picture_s,
            "0 to 3600 seconds",
        )?;
        range(
            self.rotate < 360 && self.rotate.is_multiple_of(90),
            "camera.rotate",
            self.rotate,
            "0, 90, 180 or 270 degrees",
        )?;
        range(
            (0.1..=3600.0).contains(&self.snapshot_s),
            "camera.snapshot_s",
            self.snapshot_s,
            "0.1 to 3600 seconds",
        )?;
        let timeout = (100..=600_000).contains(&self.timeout_ms);
        range(
            timeout,
            "camera.timeout_ms",
            self.timeout_ms,
            "100 to 600000 milliseconds",
        )
    }
}
