//! `[mqtt]`: the broker, or the embedded one.

use serde::{Deserialize, Serialize};

use super::{
    ConfigError, error::range, home_assistant::HomeAssistantSettings, homie::HomieSettings,
};

/// The format of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PayloadFormat {
    /// JSON, for people and most programs.
    #[default]
    Json,
    /// CBOR (RFC 8949): the same fields in fewer bytes.
    Cbor,
}

/// The version of MQTT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "VersionText", into = "String")]
pub enum MqttVersion {
    /// 5, or 3.1.1 with a broker that does not know 5.
    #[default]
    Auto,
    /// 5 alone.
    V5,
    /// 3.1.1 alone.
    V3,
}

/// How people write a version: an unquoted `5` is a number in TOML.
#[derive(Deserialize)]
#[serde(untagged)]
enum VersionText {
    Number(u64),
    Text(String),
}

impl TryFrom<VersionText> for MqttVersion {
    type Error = String;

    fn try_from(written: VersionText) -> Result<Self, String> {
        let text = match written {
            VersionText::Number(number) => number.to_string(),
            VersionText::Text(text) => text,
        };
        match text.trim() {
            "auto" => Ok(Self::Auto),
            "5" | "5.0" => Ok(Self::V5),
            "3.1.1" => Ok(Self::V3),
            _ => Err(format!("{text:?} is not \"auto\", \"5\" or \"3.1.1\"")),
        }
    }
}

impl From<MqttVersion> for String {
    fn from(version: MqttVersion) -> Self {
        let text = match version {
            MqttVersion::Auto => "auto",
            MqttVersion::V5 => "5",
            MqttVersion::V3 => "3.1.1",
        };
        text.to_owned()
    }
}

/// The link to the broker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MqttSettings {
    /// Whether to publish at all.
    pub enabled: bool,
    /// `mqtt://host:port` (or `mqtts`, `ws`, `wss`), or several parted by commas; empty: start the embedded broker.
    pub url: String,
    /// The version of MQTT to use.
    pub version: MqttVersion,
    /// Where the embedded broker listens; beyond loopback only with user and password.
    pub listen: String,
    /// User name, if the broker wants one.
    pub user: String,
    /// A file with the password in its first line; never put the password itself into the settings.
    pub password_file: String,
    /// A PEM file with the authorities that may sign the broker's certificate; empty: the system's.
    pub ca_file: String,
    /// SHA-256 of the broker's certificate, which is then the only one that is trusted; empty: `ca_file` counts.
    pub fingerprint: String,
    /// PEM files with this device's certificate and its key, if the broker wants one.
    pub cert_file: String,
    /// See `cert_file`.
    pub key_file: String,
    /// The first part of every topic.
    pub prefix: String,
    /// How messages are written.
    pub format: PayloadFormat,
    /// Seconds between state messages when nothing changes.
    pub interval_s: f32,
    /// Seconds between keep-alive pings.
    pub keep_alive_s: u16,
    /// Seconds for which the broker keeps requests for this device after a broken connection (MQTT 5 only); 0: not at
    /// all.
    pub session_s: u32,
    /// Seconds for which an event that no subscriber gets is kept and offered again (MQTT 5 only); 0: not at all.
    pub wait_for_subscriber_s: u32,
    /// Obey requests on `PREFIX/ID/THING/set`.
    pub commands: bool,
    /// Home Assistant's discovery.
    pub home_assistant: HomeAssistantSettings,
    /// The Homie 5 tree.
    pub homie: HomieSettings,
}

impl Default for MqttSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            url: String::new(),
            version: MqttVersion::Auto,
            listen: "127.0.0.1:1883".into(),
            user: String::new(),
            password_file: String::new(),
            ca_file: String::new(),
            fingerprint: String::new(),
            cert_file: String::new(),
            key_file: String::new(),
            prefix: "moodring".into(),
            format: PayloadFormat::Json,
            interval_s: 10.0,
            keep_alive_s: 15,
            session_s: 60,
            wait_for_subscriber_s: 600,
            commands: true,
            home_assistant: HomeAssistantSettings::default(),
            homie: HomieSettings::default(),
        }
    }
}

impl MqttSettings {
    /// Whether a picture of the camera that somebody asked for goes to the broker.
    pub fn sends_camera_picture(&self) -> bool {
        self.enabled && self.home_assistant.enabled && self.home_assistant.camera_picture
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.home_assistant.validate()?;
        self.homie.validate()?;
        let seconds = (0.5..=3600.0).contains(&self.interval_s);
        range(
            seconds,
            "mqtt.interval_s",
            self.interval_s,
            "0.5 to 3600 seconds",
        )?;
        // rumqttc refuses keep-alives below five seconds.
        let alive = (5..=3600).contains(&self.keep_alive_s);
        range(
            alive,
            "mqtt.keep_alive_s",
            self.keep_alive_s,
            "5 to 3600 seconds",
        )?;
        // A request that is an hour old is no longer what its sender wants.
        range(
            self.session_s <= 3600,
            "mqtt.session_s",
            self.session_s,
            "0 to 3600 seconds",
        )?;
        range(
            self.wait_for_subscriber_s <= 86_400,
            "mqtt.wait_for_subscriber_s",
            self.wait_for_subscriber_s,
            "0 to 86400 seconds",
        )?;
        let plain = !self.prefix.is_empty() && !self.prefix.contains(['+', '#', '\0']);
        range(
            plain,
            "mqtt.prefix",
            &self.prefix,
            "a topic without + and #",
        )
    }
}
