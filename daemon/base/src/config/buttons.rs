//! `[buttons]`: the lines of the buttons, and how long a long press is.

use serde::{Deserialize, Serialize};

use super::{ConfigError, error::range, panel::Override, pin::Pin};

/// Buttons between a line and ground.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ButtonSettings {
    /// Next camera; held: camera off and on.
    pub camera: Override<Pin>,
    /// Takes a picture.
    pub picture: Override<Pin>,
    /// Milliseconds that make a press long.
    pub long_ms: u64,
    /// Milliseconds that contacts may bounce.
    pub debounce_ms: u64,
}

impl Default for ButtonSettings {
    fn default() -> Self {
        Self {
            camera: Override::Board,
            picture: Override::Board,
            long_ms: 1_000,
            debounce_ms: 20,
        }
    }
}

impl ButtonSettings {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        range(
            (200..=10_000).contains(&self.long_ms),
            "buttons.long_ms",
            self.long_ms,
            "200 to 10000 milliseconds",
        )?;
        range(
            (1..=100).contains(&self.debounce_ms),
            "buttons.debounce_ms",
            self.debounce_ms,
            "1 to 100 milliseconds",
        )
    }
}
