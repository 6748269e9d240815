//! `[satellite]`: microcontrollers that show the mood too.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ConfigError, error::range};

/// Where to look for satellites.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum SatellitePort {
    /// At every USB port with a satellite's ids.
    #[default]
    Auto,
    /// Nowhere.
    Off,
    /// At this serial port, whatever its ids.
    Path(String),
}

impl From<String> for SatellitePort {
    fn from(text: String) -> Self {
        match text.as_str() {
            "auto" => Self::Auto,
            "off" => Self::Off,
            _ => Self::Path(text),
        }
    }
}

impl From<SatellitePort> for String {
    fn from(port: SatellitePort) -> Self {
        match port {
            SatellitePort::Auto => "auto".into(),
            SatellitePort::Off => "off".into(),
            SatellitePort::Path(path) => path,
        }
    }
}

impl fmt::Display for SatellitePort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from(self.clone()))
    }
}

/// Satellites.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SatelliteSettings {
    /// `auto`, `off` or a serial port.
    pub port: SatellitePort,
    /// Bits a second of a UART; USB ignores it.
    pub baud: u32,
    /// A line of text under the face, at most 24 bytes; empty for none.
    pub label: String,
}

impl Default for SatelliteSettings {
    fn default() -> Self {
        Self {
            port: SatellitePort::Auto,
            baud: 115_200,
            label: String::new(),
        }
    }
}

impl SatelliteSettings {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let path = match &self.port {
            SatellitePort::Path(path) => path.starts_with('/'),
            SatellitePort::Auto | SatellitePort::Off => true,
        };
        let wanted = "\"auto\", \"off\" or a path such as /dev/ttyACM0 or /dev/serial0";
        range(path, "satellite.port", &self.port, wanted)?;
        let bauds = (9_600..=4_000_000).contains(&self.baud);
        range(bauds, "satellite.baud", self.baud, "9600 to 4000000")?;
        let short = self.label.len() <= moodring_link::message::MAX_LABEL_BYTES;
        range(short, "satellite.label", &self.label, "at most 24 bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_from_their_texts() {
        for text in ["auto", "off", "/dev/ttyACM0"] {
            let port = SatellitePort::from(text.to_owned());
            assert_eq!(port.to_string(), text);
        }
        let wrong = SatelliteSettings {
            port: SatellitePort::Path("of".into()),
            ..SatelliteSettings::default()
        };
        let error = wrong.validate().unwrap_err().to_string();
        assert!(
            error.contains("satellite.port") && error.contains("off"),
            "{error}"
        );
    }
}
