//! `[display]`: where the emoji is shown.

use std::{fmt, path::PathBuf};

use moodring_face::{picture::MAX_FACES, theme::Theme};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{ConfigError, error::range, night::NightHours};
use crate::translations::Language;

/// The kind of display.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DisplayKind {
    /// The live view if standard output is a terminal, else nothing.
    #[default]
    Auto,
    /// The live view.
    Terminal,
    /// A PNG file, replaced whenever the picture changes.
    Png,
    /// A small display on SPI or I2C; `board` names it, `[panel]` what differs.
    Spi,
    /// Any screen that the kernel knows, full screen, without a desktop.
    Screen,
    /// Nothing.
    None,
}

/// The colours of the face.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThemeName {
    /// The theme that suits the display: `mono` where there are two colours, else `classic`.
    #[default]
    Auto,
    /// Yellow.
    Classic,
    /// Strong lines, for bright places and weak eyes.
    Contrast,
    /// Black and white.
    Mono,
    /// Lines on a plain ground.
    Minimal,
}

impl ThemeName {
    /// All themes.
    pub const ALL: [Self; 5] = [
        Self::Auto,
        Self::Classic,
        Self::Contrast,
        Self::Mono,
        Self::Minimal,
    ];

    /// The name in settings and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Classic => "classic",
            Self::Contrast => "contrast",
            Self::Mono => "mono",
            Self::Minimal => "minimal",
        }
    }

    /// The theme; `suits` stands in for `auto`.
    pub const fn or(self, suits: &Theme) -> Theme {
        match self {
            Self::Auto => *suits,
            Self::Classic => Theme::CLASSIC,
            Self::Contrast => Theme::CONTRAST,
            Self::Mono => Theme::MONO,
            Self::Minimal => Theme::MINIMAL,
        }
    }
}

/// The text beneath or beside the face.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DisplayText {
    /// No text.
    #[default]
    None,
    /// The expression and the net's confidence.
    Label,
    /// This device's name.
    Device,
    /// Both, on two lines.
    Both,
}

/// How long nobody is in view until the display goes dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdleOff {
    /// What suits the kind.
    #[default]
    Auto,
    /// So many seconds; 0: never.
    After(u32),
}

impl Serialize for IdleOff {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::After(seconds) => serializer.serialize_u32(*seconds),
        }
    }
}

impl<'de> Deserialize<'de> for IdleOff {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdleOffVisitor)
    }
}

struct IdleOffVisitor;

impl de::Visitor<'_> for IdleOffVisitor {
    type Value = IdleOff;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"auto\" or whole seconds, 0 for never")
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<IdleOff, E> {
        let wrong = |_| E::invalid_value(de::Unexpected::Unsigned(seconds), &self);
        u32::try_from(seconds).map(IdleOff::After).map_err(wrong)
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<IdleOff, E> {
        let wrong = |_| E::invalid_value(de::Unexpected::Signed(seconds), &self);
        u32::try_from(seconds).map(IdleOff::After).map_err(wrong)
    }

    /// The environment has text only.
    fn visit_str<E: de::Error>(self, text: &str) -> Result<IdleOff, E> {
        match text {
            "auto" => Ok(IdleOff::Auto),
            _ => {
                let wrong = |_| E::invalid_value(de::Unexpected::Str(text), &self);
                text.trim().parse().map(IdleOff::After).map_err(wrong)
            }
        }
    }
}

/// The display.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DisplaySettings {
    /// `auto`, `terminal`, `png`, `spi`, `screen` or `none`.
    pub kind: DisplayKind,
    /// The file that `png` writes; replaced in one step, so that readers never see half a picture.
    pub path: PathBuf,
    /// Width and height of the picture that `png` writes, in pixels.
    pub size: u32,
    /// The display's name for `spi`, see `config::board`.
    pub board: String,
    /// The device of `screen`: `/dev/dri/cardN` or `/dev/fbN`, or `auto` for the first with a screen.
    pub screen: String,
    /// The face's colours on `png`, `spi` and `screen`.
    pub theme: ThemeName,
    /// The most faces on `png` and `spi`; the largest come first.
    pub faces: usize,
    /// Text on `png` and `spi`.
    pub text: DisplayText,
    /// The language of the text: `en`, `de`, `fr`, `es` or `it`.
    pub language: Language,
    /// Brightness of `spi`, in percent.
    pub brightness: u8,
    /// The hours of the night, in local time.
    pub night: NightHours,
    /// Brightness of `spi` at night, in percent; 0: dark.
    pub night_brightness: u8,
    /// Seconds with nobody in view until `spi` or `screen` goes dark; it dims after half of them. 0: never, `auto`: what
    /// suits the kind, see [`DisplaySettings::dark_after_s`].
    pub idle_off_s: IdleOff,
    /// The most pictures a second; 0: the display's usual rate.
    pub rate: f32,
}

impl Default for DisplaySettings {
    fn default() -> Self {
        Self {
            kind: DisplayKind::Auto,
            path: "mood.png".into(),
            size: 240,
            board: "st7789-240x240".into(),
            screen: "auto".into(),
            theme: ThemeName::Auto,
            faces: 4,
            text: DisplayText::None,
            language: Language::En,
            brightness: 100,
            night: NightHours::default(),
            night_brightness: 15,
            idle_off_s: IdleOff::Auto,
            rate: 0.0,
        }
    }
}

impl DisplaySettings {
    /// Pictures a second at most.
    pub fn rate_hz(&self) -> f32 {
        match self.kind {
            _ if self.rate > 0.0 => self.rate,
            DisplayKind::Spi | DisplayKind::Screen => 30.0,
            _ => 10.0,
        }
    }

    /// Seconds with nobody in view until it is dark; 0: never. A small display's pixels age while they shine, and nobody is there
    /// to see them; a screen or a TV has a saver of its own, takes seconds to come back, and is black glass to who looks for it.
    pub const fn dark_after_s(&self) -> u32 {
        match (self.idle_off_s, self.kind) {
            (IdleOff::After(seconds), _) => seconds,
            (IdleOff::Auto, DisplayKind::Spi) => 600,
            (IdleOff::Auto, _) => 0,
        }
    }

    /// The brightness in percent, at this minute of the day (0 to 1439).
    pub fn brightness_at(&self, minute: u16) -> u8 {
        if self.night.holds(minute) {
            self.night_brightness
        } else {
            self.brightness
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        range(
            (32..=2048).contains(&self.size),
            "display.size",
            self.size,
            "32 to 2048 pixels",
        )?;
        range(
            self.rate == 0.0 || (0.1..=60.0).contains(&self.rate),
            "display.rate",
            self.rate,
            "0.1 to 60 pictures a second, or 0 for the kind's own",
        )?;
        range(
            (1..=MAX_FACES).contains(&self.faces),
            "display.faces",
            self.faces,
            "1 to 8",
        )?;
        for (key, percent) in [
            ("display.brightness", self.brightness),
            ("display.night_brightness", self.night_brightness),
        ] {
            range(percent <= 100, key, percent, "0 to 100 percent")?;
        }
        let device = self.screen.starts_with("/dev/dri/") || self.screen.starts_with("/dev/fb");
        range(
            device || self.screen == "auto",
            "display.screen",
            &self.screen,
            "auto, /dev/dri/cardN or /dev/fbN",
        )?;
        let named = self.kind != DisplayKind::Png || !self.path.as_os_str().is_empty();
        range(named, "display.path", "empty", "a file name")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dark_after_s(text: &str) -> Result<u32, String> {
        let settings: Result<DisplaySettings, _> = toml::from_str(text);
        settings
            .map(|s| s.dark_after_s())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn a_small_display_goes_dark_by_itself_and_a_screen_only_if_asked() {
        for (text, seconds) in [
            ("kind = \"spi\"", 600),
            ("kind = \"screen\"", 0),
            ("kind = \"screen\"\nidle_off_s = 60", 60),
            ("kind = \"spi\"\nidle_off_s = 0", 0),
            ("kind = \"spi\"\nidle_off_s = \"auto\"", 600),
            ("kind = \"spi\"\nidle_off_s = \"90\"", 90),
        ] {
            assert_eq!(dark_after_s(text), Ok(seconds), "{text}");
        }
        for wrong in ["-1", "\"never\"", "1.5", "true", "4294967296"] {
            let error = dark_after_s(&format!("idle_off_s = {wrong}")).unwrap_err();
            assert!(error.contains("0 for never"), "{wrong}: {error}");
        }
    }
}
