//! `[light]`: a light in the mood's colour.

use serde::{Deserialize, Serialize};

use super::{ConfigError, error::range, panel::Override, pin::Pin};

/// The kind of light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LightKind {
    /// None.
    #[default]
    None,
    /// An LED on three GPIO lines.
    Rgb,
    /// A strip of WS2812 on an SPI device's data line.
    Ws2812,
}

/// The light.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LightSettings {
    /// The kind.
    pub kind: LightKind,
    /// Red, green and blue of `rgb`.
    pub pins: Override<[Pin; 3]>,
    /// Whether 0 V on a line lights its colour.
    pub active_low: bool,
    /// The SPI device of `ws2812`.
    pub bus: String,
    /// The number of lights on the strip.
    pub count: u16,
    /// Their brightness, in percent.
    pub brightness: u8,
}

impl Default for LightSettings {
    fn default() -> Self {
        Self {
            kind: LightKind::None,
            pins: Override::Board,
            active_low: true,
            bus: "/dev/spidev1.0".into(),
            count: 8,
            brightness: 20,
        }
    }
}

impl LightSettings {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        // 9 bytes a light; one SPI message must hold them all.
        let count = (1..=400).contains(&self.count);
        range(count, "light.count", self.count, "1 to 400")?;
        let percent = self.brightness <= 100;
        range(
            percent,
            "light.brightness",
            self.brightness,
            "0 to 100 percent",
        )
    }
}
