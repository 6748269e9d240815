//! `place`: the location of the device. Work and education are refused, with the reason.

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// Where the device stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Location {
    /// A home.
    #[default]
    Home,
    /// A place where people come and go; they must be informed.
    Public,
    /// A study with consent.
    Research,
    /// Refused.
    Workplace,
    /// Refused.
    Education,
}

impl Location {
    /// Refuses the locations where the law forbids emotion recognition.
    ///
    /// # Errors
    /// [`ConfigError::Place`] for work and education.
    pub fn validate(self) -> Result<(), ConfigError> {
        match self {
            Self::Home | Self::Public | Self::Research => Ok(()),
            Self::Workplace => Err(ConfigError::Place("workplace")),
            Self::Education => Err(ConfigError::Place("education")),
        }
    }
}
