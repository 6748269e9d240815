//! Displays that people buy: their chip, pins and quirks, as their makers' published code has them (the tests hold them
//! against `daemon/tests/panels/makers.rs`); none was tried on the real board. `deploy/wiring.md` shows the wires.

mod hats;
mod modules;
mod oleds;

use std::{borrow::Cow, sync::LazyLock};

use serde::{Deserialize, Serialize};

use super::pin::Pin;

/// The chip behind the glass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PanelChip {
    /// Colour, memory of 240x320.
    St7789,
    /// Colour, memory of 240x320.
    Ili9341,
    /// Colour, memory of 132x162; its GM pins make it smaller on some glasses, see [`Board::memory_px`].
    St7735s,
    /// Colour, round glass, memory of 240x240.
    Gc9a01,
    /// Colour, memory of 320x480.
    St7796,
    /// Colour OLED, memory of 128x128.
    Ssd1351,
    /// Mono OLED, memory of 128x64.
    Ssd1306,
    /// Mono OLED, memory of 132x64.
    Sh1106,
    /// Mono OLED, memory of 128x128.
    Sh1107,
}

impl PanelChip {
    /// All chips.
    pub const ALL: [Self; 9] = [
        Self::St7789,
        Self::Ili9341,
        Self::St7735s,
        Self::Gc9a01,
        Self::St7796,
        Self::Ssd1351,
        Self::Ssd1306,
        Self::Sh1106,
        Self::Sh1107,
    ];

    /// Width and height of its whole memory in pixels.
    pub const fn memory_px(self) -> (u16, u16) {
        match self {
            Self::St7789 | Self::Ili9341 => (240, 320),
            Self::St7735s => (132, 162),
            Self::Gc9a01 => (240, 240),
            Self::St7796 => (320, 480),
            Self::Ssd1351 | Self::Sh1107 => (128, 128),
            Self::Ssd1306 => (128, 64),
            Self::Sh1106 => (132, 64),
        }
    }

    /// Whether it has only black and white.
    pub const fn is_mono(self) -> bool {
        matches!(self, Self::Ssd1306 | Self::Sh1106 | Self::Sh1107)
    }

    /// Whether each pixel is a lamp of its own, which ages while it shines.
    pub const fn is_oled(self) -> bool {
        self.is_mono() || matches!(self, Self::Ssd1351)
    }
}

/// How far the picture is turned on the glass, clockwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub enum Rotation {
    /// Not at all.
    #[default]
    Deg0,
    /// A quarter.
    Deg90,
    /// Upside down.
    Deg180,
    /// Three quarters.
    Deg270,
}

impl TryFrom<u16> for Rotation {
    type Error = &'static str;

    fn try_from(degrees: u16) -> Result<Self, Self::Error> {
        match degrees {
            0 => Ok(Self::Deg0),
            90 => Ok(Self::Deg90),
            180 => Ok(Self::Deg180),
            270 => Ok(Self::Deg270),
            _ => Err("a rotation is 0, 90, 180 or 270 degrees"),
        }
    }
}

impl From<Rotation> for u16 {
    fn from(rotation: Rotation) -> Self {
        match rotation {
            Rotation::Deg0 => 0,
            Rotation::Deg90 => 90,
            Rotation::Deg180 => 180,
            Rotation::Deg270 => 270,
        }
    }
}

impl Rotation {
    /// Whether the rotation swaps width and height.
    pub const fn swaps_sides(self) -> bool {
        matches!(self, Self::Deg90 | Self::Deg270)
    }
}

/// The clock's level at rest and the edge that counts, as SPI numbers them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum SpiMode {
    /// Low at rest, read at the first edge: nearly all displays.
    #[default]
    Mode0,
    /// Low at rest, read at the second edge.
    Mode1,
    /// High at rest, read at the first edge.
    Mode2,
    /// High at rest, read at the second edge: an ST7789 without chip select.
    Mode3,
}

impl TryFrom<u8> for SpiMode {
    type Error = &'static str;

    fn try_from(mode: u8) -> Result<Self, Self::Error> {
        match mode {
            0 => Ok(Self::Mode0),
            1 => Ok(Self::Mode1),
            2 => Ok(Self::Mode2),
            3 => Ok(Self::Mode3),
            _ => Err("an SPI mode is 0, 1, 2 or 3"),
        }
    }
}

impl From<SpiMode> for u8 {
    fn from(mode: SpiMode) -> Self {
        match mode {
            SpiMode::Mode0 => 0,
            SpiMode::Mode1 => 1,
            SpiMode::Mode2 => 2,
            SpiMode::Mode3 => 3,
        }
    }
}

/// The level of a line at which its part works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActiveLevel {
    /// 3.3 V.
    #[default]
    High,
    /// 0 V.
    Low,
}

/// A display with its wires.
#[derive(Clone, Debug, PartialEq)]
pub struct Board {
    /// Its name in the settings.
    pub name: &'static str,
    /// A description for people.
    pub about: &'static str,
    /// The chip.
    pub controller: PanelChip,
    /// The kernel's node: `/dev/spidev0.0` or `/dev/i2c-1`.
    pub bus: Cow<'static, str>,
    /// SPI clock in Hz.
    pub speed_hz: u32,
    /// SPI mode.
    pub mode: SpiMode,
    /// The address on an I2C bus.
    pub address: u8,
    /// Width and height of the memory that the chip uses with this glass, if its pins make it smaller than the chip's.
    pub small_memory_px: Option<(u16, u16)>,
    /// Width and height of the glass in pixels, not rotated.
    pub glass_px: (u16, u16),
    /// Where the glass begins in the chip's memory, in pixels, not rotated.
    pub offset_px: (u16, u16),
    /// The picture's rotation.
    pub rotation: Rotation,
    /// Whether the glass is wired from right to left.
    pub mirror: bool,
    /// Whether its pixels are in the order blue, green, red.
    pub bgr: bool,
    /// Whether the glass shows bright as dark, so that the chip must invert.
    pub invert: bool,
    /// The contrast of an OLED at full brightness, 0 to 255; more ages it faster.
    pub contrast: u8,
    /// Data or command (SPI only).
    pub dc: Pin,
    /// Reset, low active.
    pub reset: Pin,
    /// Backlight.
    pub backlight: Pin,
    /// The level that lights it.
    pub backlight_active: ActiveLevel,
    /// The button for the next camera, and for off and on.
    pub camera_button: Pin,
    /// The button that takes a picture.
    pub picture_button: Pin,
    /// Red, green and blue of an LED, low active.
    pub led: [Pin; 3],
}

impl Board {
    /// The board with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        BOARDS.iter().find(|board| board.name == name)
    }

    /// Whether it is on an I2C bus.
    pub fn is_i2c(&self) -> bool {
        self.bus.contains("i2c")
    }

    /// Width and height of the memory that the chip uses, in pixels. Where a turned picture begins follows from it.
    pub fn memory_px(&self) -> (u16, u16) {
        self.small_memory_px
            .unwrap_or_else(|| self.controller.memory_px())
    }

    /// Width and height of the picture as people see it.
    pub const fn picture_px(&self) -> (u16, u16) {
        let (width, height) = self.glass_px;
        if self.rotation.swaps_sides() {
            (height, width)
        } else {
            (width, height)
        }
    }
}

/// A bare colour module, wired as in `deploy/wiring.md`: D/C on GPIO25, reset on GPIO27, backlight on GPIO18.
const MODULE: Board = Board {
    name: "",
    about: "",
    controller: PanelChip::St7789,
    bus: Cow::Borrowed("/dev/spidev0.0"),
    speed_hz: 40_000_000,
    mode: SpiMode::Mode0,
    address: 0x3c,
    small_memory_px: None,
    glass_px: (240, 240),
    offset_px: (0, 0),
    rotation: Rotation::Deg0,
    mirror: false,
    bgr: false,
    invert: true,
    contrast: 0xff,
    dc: Pin::Gpio(25),
    reset: Pin::Gpio(27),
    backlight: Pin::Gpio(18),
    backlight_active: ActiveLevel::High,
    camera_button: Pin::None,
    picture_button: Pin::None,
    led: [const { Pin::None }; 3],
};

/// All boards: those that are plugged on, bare colour modules, OLEDs.
pub static BOARDS: LazyLock<Vec<Board>> =
    LazyLock::new(|| [hats::HATS, modules::MODULES, oleds::OLEDS].concat());

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn there_are_at_least_26() {
        assert!(BOARDS.len() >= 26, "{}", BOARDS.len());
    }

    #[test]
    fn every_board_fits_its_chip_and_names_no_pin_twice() {
        let names: HashSet<_> = BOARDS.iter().map(|board| board.name).collect();
        assert_eq!(names.len(), BOARDS.len());
        for board in BOARDS.iter() {
            let (width, height) = board.memory_px();
            let fits = board.glass_px.0 + board.offset_px.0 <= width
                && board.glass_px.1 + board.offset_px.1 <= height;
            assert!(fits, "{}", board.name);
            assert_eq!(board.is_i2c(), !board.dc.is_some(), "{}", board.name);
            let [red, green, blue] = &board.led;
            let others = [
                &board.camera_button,
                &board.picture_button,
                red,
                green,
                blue,
            ];
            let pins = [&board.dc, &board.reset, &board.backlight];
            let used: Vec<_> = pins
                .into_iter()
                .chain(others)
                .filter(|p| p.is_some())
                .collect();
            let different: HashSet<_> = used.iter().collect();
            assert_eq!(used.len(), different.len(), "{}", board.name);
            // SPI0's clock, data and chip selects; GPIO9 is its unused input, which one board takes for D/C.
            for taken in [7, 8, 10, 11] {
                assert!(!used.contains(&&Pin::Gpio(taken)), "{}", board.name);
            }
        }
    }
}
