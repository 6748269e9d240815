//! `[mqtt.home_assistant]`: Home Assistant's discovery.

use serde::{Deserialize, Serialize};

use super::{ConfigError, error::range};

/// Home Assistant's discovery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HomeAssistantSettings {
    /// Announce this device; if not, an earlier announcement is withdrawn.
    pub enabled: bool,
    /// The discovery prefix, as Home Assistant's MQTT integration has it.
    pub prefix: String,
    /// A topic with the newest version of moodring, published (retained) by somebody else; empty: there is no update
    /// entity.
    pub release_topic: String,
    /// Send the picture that somebody asked for ("Take a picture") to the broker, as an image entity.
    pub camera_picture: bool,
}

impl Default for HomeAssistantSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            prefix: "homeassistant".into(),
            release_topic: String::new(),
            camera_picture: false,
        }
    }
}

impl HomeAssistantSettings {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let plain = |topic: &str| {
            !topic.contains(['+', '#'])
                && !topic.chars().any(char::is_control)
                && topic.len() <= 256
        };
        range(
            !self.prefix.is_empty() && plain(&self.prefix),
            "mqtt.home_assistant.prefix",
            &self.prefix,
            "a topic without + and #",
        )?;
        range(
            plain(&self.release_topic),
            "mqtt.home_assistant.release_topic",
            &self.release_topic,
            "a topic without + and #, or empty",
        )
    }
}
