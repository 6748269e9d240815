//! The present value of everything that a command can set, for the web page and MQTT. The app keeps it up to date.

mod calibration;

use moodring_core::frame::Millis;
use tokio::sync::watch;

use crate::config::{Settings, ThemeName};

pub use calibration::{CalibrationProgress, CalibrationState};

/// The present values of everything that a [`Command`](crate::command::Command) can set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Controls {
    /// Whether the camera is switched on. Whether it runs stands in the snapshot.
    pub camera_on: bool,
    /// The chosen camera, one of [`Self::cameras`]: the source as the settings write it, without a password.
    pub camera: String,
    /// The cameras to choose from: those of the settings, or else all that were found.
    pub cameras: Vec<String>,
    /// Whether there is a display that can be switched, dimmed and coloured.
    pub has_display: bool,
    /// Whether the display is on.
    pub display_on: bool,
    /// How bright the display is now, 0 to 100 percent; while it is off, how bright it will be.
    pub brightness: u8,
    /// The face's colours.
    pub theme: ThemeName,
    /// How quickly the mood follows, 0 to 100 percent; 50 is as the settings have it.
    pub sensitivity: u8,
    /// The kept resting face, and how far learning one is.
    pub calibration: CalibrationState,
    /// Whether a picture may be taken: `camera.pictures` names a folder, or `mqtt.home_assistant.camera_picture` sends it.
    pub may_take_picture: bool,
    /// Whether a browser may get a picture: `preview.pictures`.
    pub may_give_picture: bool,
    /// Whether the page may show the camera's picture: `preview.allowed`.
    pub preview_allowed: bool,
    /// Until when the page shows it; `None` if it does not.
    pub preview_until: Option<Millis>,
}

impl Controls {
    /// All themes.
    pub const fn themes(&self) -> &'static [ThemeName] {
        &ThemeName::ALL
    }

    /// The controls at the start, at this minute of the day; the cameras are not known yet.
    pub fn new(settings: &Settings, has_display: bool, minute: u16) -> Self {
        Self {
            camera_on: true,
            camera: String::new(),
            cameras: Vec::new(),
            has_display,
            display_on: true,
            brightness: settings.display.brightness_at(minute),
            theme: settings.display.theme,
            sensitivity: settings.mood.sensitivity,
            calibration: CalibrationState::default(),
            may_take_picture: !settings.camera.pictures.as_os_str().is_empty()
                || settings.mqtt.sends_camera_picture(),
            may_give_picture: settings.preview.pictures,
            preview_allowed: settings.preview.allowed,
            preview_until: None,
        }
    }
}

/// Receives the newest controls; a change can be awaited.
pub type ControlsReceiver = watch::Receiver<Controls>;
