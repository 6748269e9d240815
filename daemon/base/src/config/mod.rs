//! Settings: defaults, then the TOML file, then the environment, then flags.
//!
//! `default.toml` beside this file documents every key; a test keeps it in step with the types.

pub mod board;
mod buttons;
mod camera;
mod display;
mod environment;
mod error;
mod events;
mod home_assistant;
mod homie;
mod hooks;
mod light;
mod load;
mod location;
mod mood;
mod mqtt;
pub mod night;
mod notice;
pub mod origin;
mod outputs;
pub mod panel;
pub mod pin;
mod preview;
mod satellite;
mod store;
mod update;
mod vision;
mod web;

use serde::{Deserialize, Serialize};

pub use buttons::ButtonSettings;
pub use camera::{CameraSettings, RangeKind, RawKind};
pub use display::{DisplayKind, DisplaySettings, DisplayText, IdleOff, ThemeName};
pub use error::ConfigError;
pub use events::EventSettings;
pub use home_assistant::HomeAssistantSettings;
pub use homie::HomieSettings;
pub use hooks::HookSettings;
pub use light::{LightKind, LightSettings};
pub use load::{Overrides, SettingsSource, differences, load};
pub use location::Location;
pub use mood::{MoodSettings, WhoCountsSetting};
pub use mqtt::{MqttSettings, MqttVersion, PayloadFormat};
pub use notice::NoticeSettings;
pub use outputs::OutputSettings;
pub use panel::PanelSettings;
pub use preview::PreviewSettings;
pub use satellite::{SatellitePort, SatelliteSettings};
pub use store::StoreSettings;
pub use update::{UpdateSettings, UpdateSource};
pub use vision::{EngineKind, Labels, ModelSettings, OrtDevice, OrtSettings, VisionSettings};
pub use web::{WebSettings, parse_network};

/// The documented defaults, as `moodring config` prints them.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

/// Everything that can be set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the device stands; some places are refused by law.
    pub place: Location,
    /// The notice for people in front of the camera.
    pub notice: NoticeSettings,
    /// Who this device is.
    pub device: DeviceSettings,
    /// Where frames come from.
    pub camera: CameraSettings,
    /// How faces are found and read.
    pub vision: VisionSettings,
    /// Model files other than the built-in ones.
    pub models: ModelSettings,
    /// ONNX Runtime, for `engine = "ort"`.
    pub ort: OrtSettings,
    /// How expressions become a mood.
    pub mood: MoodSettings,
    /// Where the emoji is shown.
    pub display: DisplaySettings,
    /// What differs from the display's board.
    pub panel: PanelSettings,
    /// Buttons on GPIO lines.
    pub buttons: ButtonSettings,
    /// A light in the mood's colour.
    pub light: LightSettings,
    /// GPIO lines by mood.
    pub outputs: OutputSettings,
    /// The broker.
    pub mqtt: MqttSettings,
    /// Limits of events.
    pub events: EventSettings,
    /// Events until the broker has them, and the history.
    pub store: StoreSettings,
    /// The page.
    pub web: WebSettings,
    /// The camera's picture on the page.
    pub preview: PreviewSettings,
    /// Microcontrollers that show the mood too.
    pub satellite: SatelliteSettings,
    /// A program that is started at each change.
    pub hooks: HookSettings,
    /// The search for newer versions.
    pub update: UpdateSettings,
    /// What is logged.
    pub log: LogSettings,
}

/// `[device]`: the device's name in messages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeviceSettings {
    /// The id in topics; empty: the host's name.
    pub id: String,
    /// The name that people see; empty: the id.
    pub name: String,
    /// The room that Home Assistant suggests for it; empty: none.
    pub area: String,
}

impl DeviceSettings {
    /// The longest name and room, in characters.
    const MAX_CHARS: usize = 100;

    fn validate(&self) -> Result<(), ConfigError> {
        let fits = |text: &str| {
            text.chars().count() <= Self::MAX_CHARS && !text.chars().any(char::is_control)
        };
        let allowed = "at most 100 characters on one line";
        error::range(
            fits(&self.name),
            "device.name",
            format!("{:?}", self.name),
            allowed,
        )?;
        error::range(
            fits(&self.area),
            "device.area",
            format!("{:?}", self.area),
            allowed,
        )
    }
}

/// `[log]`: the log's filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// `error`, `warn`, `info`, `debug`, `trace`, or filters such as `info,moodring::mqtt=debug`.
    pub level: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            level: "info".into(),
        }
    }
}

impl Settings {
    /// Checks every range.
    ///
    /// # Errors
    /// [`ConfigError::Range`] for the first value that cannot work, or [`ConfigError::Place`].
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.place.validate()?;
        self.notice.validate()?;
        self.device.validate()?;
        self.camera.validate()?;
        self.vision.validate()?;
        self.mood.validate()?;
        self.display.validate()?;
        self.panel.board(&self.display.board)?;
        self.buttons.validate()?;
        self.light.validate()?;
        self.hooks.validate()?;
        self.mqtt.validate()?;
        self.events.validate()?;
        self.store.validate()?;
        self.web.validate()?;
        self.preview.validate()?;
        self.satellite.validate()?;
        self.update.validate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_file_is_the_default() {
        let parsed: Settings = toml::from_str(DEFAULT_TOML).unwrap();
        assert_eq!(parsed, Settings::default());
        assert!(parsed.validate().is_ok());
    }

    #[test]
    fn every_key_is_documented() {
        let all = toml::Table::try_from(Settings::default()).unwrap();
        let documented: toml::Table = toml::from_str(DEFAULT_TOML).unwrap();
        for (section, value) in &all {
            let there = documented
                .get(section)
                .unwrap_or_else(|| panic!("[{section}] is not documented"));
            for key in value.as_table().into_iter().flat_map(|t| t.keys()) {
                assert!(
                    there.get(key).is_some(),
                    "{section}.{key} is not documented"
                );
            }
        }
    }
}
