//! What can be controlled and how it is set now, as the web page and MQTT show it. The app keeps it true.

use moodring_core::frame::Millis;
use tokio::sync::watch;

use crate::config::{Settings, ThemeName};

/// How everything is set that a [`Command`](crate::command::Command) can set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Controls {
    /// Whether the camera is wanted on. Whether it runs says the snapshot.
    pub camera_on: bool,
    /// The camera that is wanted, one of [`Self::cameras`]; the source's name as the settings write it, without a
    /// password.
    pub camera: String,
    /// The cameras to choose from: those of the settings, or else all that are found.
    pub cameras: Vec<String>,
    /// Whether there is a display that can be switched, dimmed and coloured.
    pub has_display: bool,
    /// Whether the display is on.
    pub display_on: bool,
    /// How bright the display is now, 0 to 100 percent; while it is off, how bright it will be.
    pub brightness: u8,
    /// The face's colours.
    pub theme: ThemeName,
    /// How quickly the mood follows, 0 to 100 percent; 50 is as the settings say.
    pub sensitivity: u8,
    /// Whether a picture may be taken: only if `camera.pictures` names a folder.
    pub may_take_picture: bool,
    /// Whether a picture may be given to a browser: `preview.pictures`.
    pub may_give_picture: bool,
    /// Whether the camera's picture may be shown on the page: `preview.allowed`.
    pub preview_allowed: bool,
    /// Until when it is shown; `None`: it is not.
    pub preview_until: Option<Millis>,
}

impl Controls {
    /// The colours that exist.
    pub const fn themes(&self) -> &'static [ThemeName] {
        &ThemeName::ALL
    }

    /// As the settings have it at the start, at this minute of the day; which cameras there are is not known yet.
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
            may_take_picture: !settings.camera.pictures.as_os_str().is_empty(),
            may_give_picture: settings.preview.pictures,
            preview_allowed: settings.preview.allowed,
            preview_until: None,
        }
    }
}

/// Where the newest controls are read; changes can be awaited.
pub type ControlsReceiver = watch::Receiver<Controls>;
