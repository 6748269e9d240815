//! `[display]`: where the emoji is shown.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, error::range};

/// Which display.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DisplayKind {
    /// The live view if standard output is a terminal, else nothing.
    #[default]
    Auto,
    /// The live view.
    Terminal,
    /// A PNG file, replaced whenever the picture changes.
    Png,
    /// Nothing.
    None,
}

/// The display.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DisplaySettings {
    /// `auto`, `terminal`, `png` or `none`.
    pub kind: DisplayKind,
    /// The file that `png` writes; replaced in one step, so that readers never see half a picture.
    pub path: PathBuf,
    /// Width and height of the picture that `png` writes, in pixels.
    pub size: u32,
    /// Pictures a second at most.
    pub rate: f32,
}

impl Default for DisplaySettings {
    fn default() -> Self {
        Self {
            kind: DisplayKind::Auto,
            path: "mood.png".into(),
            size: 240,
            rate: 10.0,
        }
    }
}

impl DisplaySettings {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        range(
            (32..=2048).contains(&self.size),
            "display.size",
            self.size,
            "32 to 2048 pixels",
        )?;
        range(
            (0.1..=60.0).contains(&self.rate),
            "display.rate",
            self.rate,
            "0.1 to 60 pictures a second",
        )?;
        let named = self.kind != DisplayKind::Png || !self.path.as_os_str().is_empty();
        range(named, "display.path", "empty", "a file name")
    }
}
