//! Describes the board's display: the host gets it, and all pictures have its size.

use moodring_face::picture::ScreenShape;
use moodring_link::{
    frame::VERSION,
    message::{Capabilities, Colour, Light, MAX_FACES, Versions},
};

/// A display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panel {
    /// Pixels across.
    pub width_px: u16,
    /// Pixels down.
    pub height_px: u16,
    /// Its colours.
    pub colour: Colour,
    /// Its form.
    pub shape: ScreenShape,
    /// What can be done about its light.
    pub light: Light,
    /// The least time between two pictures, in milliseconds.
    pub frame_ms: u16,
}

impl Panel {
    /// The usual square ST7789 module with its light on a PWM pin, at most 20 pictures a second.
    pub const ST7789_SQUARE: Self = Self {
        width_px: 240,
        height_px: 240,
        colour: Colour::Rgb565,
        shape: ScreenShape::Square,
        light: Light::Dimmed,
        frame_ms: 50,
    };

    /// The description for the host.
    pub const fn capabilities(&self) -> Capabilities {
        Capabilities {
            versions: Versions {
                oldest: VERSION,
                newest: VERSION,
            },
            firmware: FIRMWARE,
            width_px: self.width_px,
            height_px: self.height_px,
            colour: self.colour,
            light: self.light,
            faces: MAX_FACES as u8,
        }
    }
}

/// This crate's version.
const FIRMWARE: [u8; 3] = [
    number(env!("CARGO_PKG_VERSION_MAJOR")),
    number(env!("CARGO_PKG_VERSION_MINOR")),
    number(env!("CARGO_PKG_VERSION_PATCH")),
];

/// Decimal digits as a number.
const fn number(digits: &str) -> u8 {
    match u8::from_str_radix(digits, 10) {
        Ok(number) => number,
        Err(_) => 255,
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn the_firmware_has_the_crates_version() {
        let [major, minor, patch] = Panel::ST7789_SQUARE.capabilities().firmware;
        assert_eq!(
            format!("{major}.{minor}.{patch}"),
            env!("CARGO_PKG_VERSION")
        );
    }
}
