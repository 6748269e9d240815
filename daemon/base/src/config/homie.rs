//! `[mqtt.homie]`: the Homie 5 tree for openHAB and other controllers.

use serde::{Deserialize, Serialize};

use super::{ConfigError, error::range};

/// The Homie 5 tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HomieSettings {
    /// Publish this device as a Homie 5 tree, too.
    pub enabled: bool,
    /// The first level of its topics, as the controller has it.
    pub domain: String,
}

impl Default for HomieSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            domain: "homie".into(),
        }
    }
}

impl HomieSettings {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let plain = !self.domain.is_empty()
            && self.domain.len() <= 64
            && !self.domain.contains(['/', '+', '#'])
            && !self.domain.chars().any(char::is_control);
        range(
            plain,
            "mqtt.homie.domain",
            &self.domain,
            "one part of a topic, without / + and #",
        )
    }
}
