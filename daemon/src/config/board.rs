//! Displays that people buy, with their pins and quirks as far as known; none was tried on the real board.
//! `deploy/wiring.md` shows the wires.

use std::borrow::Cow;

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
    /// Colour, memory of 132x162.
    St7735s,
    /// Colour, round glass, memory of 240x240.
    Gc9a01,
    /// Colour, memory of 320x480.
    St7796,
    /// Mono, memory of 128x64.
    Ssd1306,
    /// Mono, memory of 132x64.
    Sh1106,
}

impl PanelChip {
    /// Width and height of its memory in pixels.
    pub const fn memory_px(self) -> (u16, u16) {
        match self {
            Self::St7789 | Self::Ili9341 => (240, 320),
            Self::St7735s => (132, 162),
            Self::Gc9a01 => (240, 240),
            Self::St7796 => (320, 480),
            Self::Ssd1306 => (128, 64),
            Self::Sh1106 => (132, 64),
        }
    }

    /// Whether it has only black and white.
    pub const fn is_mono(self) -> bool {
        matches!(self, Self::Ssd1306 | Self::Sh1106)
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
    /// The address on an I2C bus.
    pub address: u8,
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
    /// Data or command (SPI only).
    pub dc: Pin,
    /// Reset, low active.
    pub reset: Pin,
    /// Backlight, high active.
    pub backlight: Pin,
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

/// A bare colour module, wired as `deploy/wiring.md` says: D/C on GPIO25, reset on GPIO27, backlight on GPIO18.
const MODULE: Board = Board {
    name: "",
    about: "",
    controller: PanelChip::St7789,
    bus: Cow::Borrowed("/dev/spidev0.0"),
    speed_hz: 40_000_000,
    address: 0x3c,
    glass_px: (240, 240),
    offset_px: (0, 0),
    rotation: Rotation::Deg0,
    mirror: false,
    bgr: false,
    invert: true,
    dc: Pin::Gpio(25),
    reset: Pin::Gpio(27),
    backlight: Pin::Gpio(18),
    camera_button: Pin::None,
    picture_button: Pin::None,
    led: [const { Pin::None }; 3],
};

/// A mono OLED on I2C, without other wires.
const OLED: Board = Board {
    controller: PanelChip::Ssd1306,
    bus: Cow::Borrowed("/dev/i2c-1"),
    speed_hz: 8_000_000,
    glass_px: (128, 64),
    invert: false,
    dc: Pin::None,
    reset: Pin::None,
    backlight: Pin::None,
    ..MODULE
};

/// All boards.
pub const BOARDS: &[Board] = &[
    Board {
        name: "display-hat-mini",
        about: "Pimoroni Display HAT Mini, 320x240",
        bus: Cow::Borrowed("/dev/spidev0.1"),
        speed_hz: 60_000_000,
        glass_px: (240, 320),
        rotation: Rotation::Deg270,
        dc: Pin::Gpio(9),
        reset: Pin::None,
        backlight: Pin::Gpio(13),
        camera_button: Pin::Gpio(5),
        picture_button: Pin::Gpio(6),
        led: [Pin::Gpio(17), Pin::Gpio(27), Pin::Gpio(22)],
        ..MODULE
    },
    Board {
        name: "mini-pitft-1.3",
        about: "Adafruit Mini PiTFT 1.3\", 240x240",
        speed_hz: 64_000_000,
        reset: Pin::None,
        backlight: Pin::Gpio(22),
        camera_button: Pin::Gpio(23),
        picture_button: Pin::Gpio(24),
        ..MODULE
    },
    Board {
        name: "mini-pitft-1.14",
        about: "Adafruit Mini PiTFT 1.14\", 240x135",
        speed_hz: 64_000_000,
        glass_px: (135, 240),
        offset_px: (52, 40),
        rotation: Rotation::Deg90,
        reset: Pin::None,
        backlight: Pin::Gpio(22),
        camera_button: Pin::Gpio(23),
        picture_button: Pin::Gpio(24),
        ..MODULE
    },
    Board {
        name: "waveshare-1.28",
        about: "Waveshare 1.28\" round module, 240x240",
        controller: PanelChip::Gc9a01,
        bgr: true,
        ..MODULE
    },
    Board {
        name: "waveshare-1.3",
        about: "Waveshare 1.3\" LCD HAT, 240x240",
        rotation: Rotation::Deg90,
        backlight: Pin::Gpio(24),
        camera_button: Pin::Gpio(21),
        picture_button: Pin::Gpio(20),
        ..MODULE
    },
    Board {
        name: "st7789-240x240",
        about: "bare ST7789 module, 240x240",
        ..MODULE
    },
    Board {
        name: "st7789-240x320",
        about: "bare ST7789 module, 240x320",
        glass_px: (240, 320),
        ..MODULE
    },
    Board {
        name: "st7789-135x240",
        about: "bare ST7789 module, 135x240",
        glass_px: (135, 240),
        offset_px: (52, 40),
        ..MODULE
    },
    Board {
        name: "ili9341",
        about: "bare ILI9341 module, 240x320",
        controller: PanelChip::Ili9341,
        glass_px: (240, 320),
        mirror: true,
        bgr: true,
        invert: false,
        ..MODULE
    },
    Board {
        name: "st7735s",
        about: "bare ST7735S module, 128x160",
        controller: PanelChip::St7735s,
        speed_hz: 16_000_000,
        glass_px: (128, 160),
        offset_px: (2, 1),
        rotation: Rotation::Deg180,
        invert: false,
        ..MODULE
    },
    Board {
        name: "gc9a01",
        about: "bare round GC9A01 module, 240x240",
        controller: PanelChip::Gc9a01,
        bgr: true,
        ..MODULE
    },
    Board {
        name: "st7796",
        about: "bare ST7796 module, 320x480",
        controller: PanelChip::St7796,
        glass_px: (320, 480),
        mirror: true,
        bgr: true,
        invert: false,
        ..MODULE
    },
    Board {
        name: "ssd1306",
        about: "SSD1306 OLED on I2C, 128x64",
        ..OLED
    },
    Board {
        name: "ssd1306-spi",
        about: "SSD1306 OLED on SPI, 128x64",
        bus: Cow::Borrowed("/dev/spidev0.0"),
        dc: Pin::Gpio(25),
        reset: Pin::Gpio(27),
        ..OLED
    },
    Board {
        name: "sh1106",
        about: "SH1106 OLED on I2C, 128x64",
        controller: PanelChip::Sh1106,
        offset_px: (2, 0),
        ..OLED
    },
    Board {
        name: "sh1106-spi",
        about: "SH1106 OLED on SPI, 128x64 (Waveshare 1.3\" OLED HAT)",
        controller: PanelChip::Sh1106,
        offset_px: (2, 0),
        bus: Cow::Borrowed("/dev/spidev0.0"),
        dc: Pin::Gpio(24),
        reset: Pin::Gpio(25),
        camera_button: Pin::Gpio(21),
        picture_button: Pin::Gpio(20),
        ..OLED
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_board_fits_its_chip_and_names_no_pin_twice() {
        let names: HashSet<_> = BOARDS.iter().map(|board| board.name).collect();
        assert_eq!(names.len(), BOARDS.len());
        for board in BOARDS {
            let (width, height) = board.controller.memory_px();
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
