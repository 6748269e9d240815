//! `[preview]`: whether the camera's picture may leave the memory at all, and for how long.

use serde::{Deserialize, Serialize};

use super::{ConfigError, error::range};

/// The camera's picture on the page. Off until somebody allows it in the settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PreviewSettings {
    /// Whether it may be switched on.
    pub allowed: bool,
    /// Seconds after which it switches itself off.
    pub limit_s: u32,
    /// The most browsers at once.
    pub streams: usize,
    /// The most pictures a second.
    pub rate: f32,
    /// Whether the page may save single pictures.
    pub pictures: bool,
}

impl Default for PreviewSettings {
    fn default() -> Self {
        Self {
            allowed: false,
            limit_s: 300,
            streams: 4,
            rate: 10.0,
            pictures: false,
        }
    }
}

impl PreviewSettings {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        range(
            (1..=86_400).contains(&self.limit_s),
            "preview.limit_s",
            self.limit_s,
            "1 to 86400 seconds",
        )?;
        range(
            (1..=100).contains(&self.streams),
            "preview.streams",
            self.streams,
            "1 to 100",
        )?;
        range(
            (0.2..=30.0).contains(&self.rate),
            "preview.rate",
            self.rate,
            "0.2 to 30 pictures a second",
        )
    }
}
