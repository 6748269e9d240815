//! Parses commands from texts: untrusted bytes from MQTT and the web, checked for size, kind and range.

use super::{Calibrate, Command, Switch};
use crate::{config::ThemeName, control::Controls};

/// The longest payload of a request, in bytes. A camera's name is the longest that anybody needs.
pub const MAX_BYTES: usize = 256;

/// What can be set. Its name is the `<thing>` of topics and routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ControlName {
    /// `camera`: `on`, `off` or `toggle`.
    Camera,
    /// `source`: a camera's name, or `next`.
    Source,
    /// `picture`: `take`.
    Picture,
    /// `preview`: `on`, `off` or `toggle`.
    Preview,
    /// `display`: `on`, `off` or `toggle`.
    Display,
    /// `brightness`: 0 to 100.
    Brightness,
    /// `theme`: a theme's name.
    Theme,
    /// `sensitivity`: 0 to 100.
    Sensitivity,
    /// `calibrate`: `start` or `erase`.
    Calibrate,
    /// `restart`: `restart`.
    Restart,
}

impl ControlName {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Camera,
        Self::Source,
        Self::Picture,
        Self::Preview,
        Self::Display,
        Self::Brightness,
        Self::Theme,
        Self::Sensitivity,
        Self::Calibrate,
        Self::Restart,
    ];

    /// The name in topics and routes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Camera => "camera",
            Self::Source => "source",
            Self::Picture => "picture",
            Self::Preview => "preview",
            Self::Display => "display",
            Self::Brightness => "brightness",
            Self::Theme => "theme",
            Self::Sensitivity => "sensitivity",
            Self::Calibrate => "calibrate",
            Self::Restart => "restart",
        }
    }

    /// The thing of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|thing| thing.name() == name)
    }

    /// Its present value, as the text that sets it, or of a calibration how far it is; `None` for what is done and then over.
    pub fn value(self, controls: &Controls) -> Option<String> {
        let switch = |on: bool| if on { "on" } else { "off" }.to_owned();
        match self {
            Self::Camera => Some(switch(controls.camera_on)),
            Self::Source => Some(controls.camera.clone()),
            // Where it is not allowed, it is not shown.
            Self::Preview if !controls.preview_allowed => None,
            Self::Preview => Some(switch(controls.preview_until.is_some())),
            Self::Display => Some(switch(controls.display_on)),
            Self::Brightness => Some(controls.brightness.to_string()),
            Self::Theme => Some(controls.theme.name().to_owned()),
            Self::Sensitivity => Some(controls.sensitivity.to_string()),
            Self::Calibrate => Some(crate::message::json(&controls.calibration)),
            Self::Picture | Self::Restart => None,
        }
    }
}

/// Why a text is no command. It never repeats the text: that may be anything, of any length.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// Nobody needs so much.
    #[error("{0} bytes are too many, at most {MAX_BYTES} are read")]
    Long(usize),
    /// Not text.
    #[error("it is not UTF-8 text")]
    NoText,
    /// None of the texts that are known.
    #[error("it must be one of: {0}")]
    Choice(String),
    /// Not a number, or not in the range.
    #[error("it must be a whole number from 0 to 100")]
    Number,
    /// Between two whole numbers.
    #[error("it must be a whole number from 0 to 100, without a fraction")]
    Fraction,
    /// The broker would give it to this device again at every connection.
    #[error("requests must not be retained")]
    Retained,
    /// More than anybody means.
    #[error("too many requests at once; wait a second")]
    TooMany,
    /// The settings do not allow it.
    #[error("pictures are not allowed: camera.pictures names no folder")]
    NoPictures,
    /// The settings do not allow it.
    #[error("the preview is not allowed: preview.allowed is false")]
    NoPreview,
    /// Nobody can be seen.
    #[error("the camera is off: switch it on, and look at it calmly for five seconds")]
    CameraOff,
    /// There is none.
    #[error("this device has no display")]
    NoDisplay,
}

/// The command that a text is, by what there is to control now.
///
/// # Errors
/// [`CommandError`] with the reason; nothing has changed then.
pub fn parse(
    thing: ControlName,
    payload: &[u8],
    controls: &Controls,
) -> Result<Command, CommandError> {
    if payload.len() > MAX_BYTES {
        return Err(CommandError::Long(payload.len()));
    }
    let text = std::str::from_utf8(payload).map_err(|_| CommandError::NoText)?;
    let text = text.trim_ascii();
    match thing {
        ControlName::Camera => switch(text).map(Command::Camera),
        ControlName::Source => source(text, controls),
        ControlName::Picture if !controls.may_take_picture => Err(CommandError::NoPictures),
        ControlName::Picture => choice(text, &[("take", Command::TakePicture)]),
        ControlName::Preview if !controls.preview_allowed => Err(CommandError::NoPreview),
        ControlName::Preview => switch(text).map(Command::Preview),
        ControlName::Display | ControlName::Brightness | ControlName::Theme
            if !controls.has_display =>
        {
            Err(CommandError::NoDisplay)
        }
        ControlName::Display => switch(text).map(Command::Display),
        ControlName::Brightness => percent(text).map(Command::Brightness),
        ControlName::Theme => {
            let themes = ThemeName::ALL.map(|theme| (theme.name(), Command::Theme(theme)));
            choice(text, &themes)
        }
        ControlName::Sensitivity => percent(text).map(Command::Sensitivity),
        ControlName::Calibrate => calibrate(text, controls),
        ControlName::Restart => choice(text, &[("restart", Command::Restart)]),
    }
}

fn switch(text: &str) -> Result<Switch, CommandError> {
    let switches = [
        ("on", Switch::On),
        ("off", Switch::Off),
        ("toggle", Switch::Toggle),
    ];
    choice(text, &switches)
}

fn calibrate(text: &str, controls: &Controls) -> Result<Command, CommandError> {
    let choices = [("start", Calibrate::Start), ("erase", Calibrate::Erase)];
    match choice(text, &choices)? {
        Calibrate::Start if !controls.camera_on => Err(CommandError::CameraOff),
        asked => Ok(Command::Calibrate(asked)),
    }
}

fn source(text: &str, controls: &Controls) -> Result<Command, CommandError> {
    if text == "next" {
        return Ok(Command::NextCamera);
    }
    if controls.cameras.iter().any(|camera| camera == text) {
        return Ok(Command::ChooseCamera(text.to_owned()));
    }
    Err(CommandError::Choice(format!(
        "next, {}",
        controls.cameras.join(", ")
    )))
}

/// The meaning of one of a few texts, in small or in capital letters.
fn choice<T: Clone>(text: &str, known: &[(&str, T)]) -> Result<T, CommandError> {
    let found = known
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text));
    match found {
        Some((_, meaning)) => Ok(meaning.clone()),
        None => {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            Err(CommandError::Choice(names.join(", ")))
        }
    }
}

fn percent(text: &str) -> Result<u8, CommandError> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let Some((whole, fraction)) = text.split_once('.')
        && digits(whole)
        && digits(fraction)
    {
        return Err(CommandError::Fraction);
    }
    // Digits only: `+5` and ` 5` would pass Rust's own parser.
    let number = text.parse().ok();
    let number = number.filter(|number| digits(text) && *number <= 100_u8);
    number.ok_or(CommandError::Number)
}

#[cfg(test)]
mod tests;
