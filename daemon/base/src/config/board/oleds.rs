//! OLEDs: mono on I2C or SPI, and one in colour.

use std::borrow::Cow;

use super::{Board, MODULE, PanelChip, Rotation};
use crate::config::pin::Pin;

/// A mono OLED on I2C, without other wires.
const OLED: Board = Board {
    controller: PanelChip::Ssd1306,
    bus: Cow::Borrowed("/dev/i2c-1"),
    speed_hz: 8_000_000,
    glass_px: (128, 64),
    invert: false,
    contrast: 0xcf,
    dc: Pin::None,
    reset: Pin::None,
    backlight: Pin::None,
    ..MODULE
};

/// Glasses narrower than the memory sit in its middle.
const fn small(
    name: &'static str,
    about: &'static str,
    glass_px: (u16, u16),
    contrast: u8,
) -> Board {
    Board {
        name,
        about,
        glass_px,
        offset_px: ((128 - glass_px.0) / 2, 0),
        contrast,
        ..OLED
    }
}

pub(super) const OLEDS: &[Board] = &[
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
    small(
        "ssd1306-128x32",
        "SSD1306 OLED on I2C, 128x32 (Adafruit PiOLED)",
        (128, 32),
        0x8f,
    ),
    Board {
        name: "ssd1306-96x16",
        about: "SSD1306 OLED on I2C, 96x16",
        glass_px: (96, 16),
        // The one narrow glass that begins at the memory's first column.
        offset_px: (0, 0),
        contrast: 0xaf,
        ..OLED
    },
    small(
        "ssd1306-72x40",
        "SSD1306 OLED on I2C, 72x40",
        (72, 40),
        0xa0,
    ),
    small(
        "ssd1306-64x48",
        "SSD1306 OLED on I2C, 64x48",
        (64, 48),
        0xcf,
    ),
    small(
        "ssd1306-64x32",
        "SSD1306 OLED on I2C, 64x32",
        (64, 32),
        0xcf,
    ),
    Board {
        name: "sh1106",
        about: "SH1106 OLED on I2C, 128x64",
        controller: PanelChip::Sh1106,
        offset_px: (2, 0),
        contrast: 0x7f,
        ..OLED
    },
    Board {
        name: "sh1106-spi",
        about: "SH1106 OLED on SPI, 128x64 (Waveshare 1.3\" OLED HAT)",
        controller: PanelChip::Sh1106,
        offset_px: (2, 0),
        // The maker leaves segments and rows unmapped (A0, C0) and turns nothing.
        rotation: Rotation::Deg180,
        contrast: 0xa0,
        bus: Cow::Borrowed("/dev/spidev0.0"),
        dc: Pin::Gpio(24),
        reset: Pin::Gpio(25),
        camera_button: Pin::Gpio(21),
        picture_button: Pin::Gpio(20),
        ..OLED
    },
    Board {
        name: "sh1107-128x128",
        about: "SH1107 OLED on I2C, 128x128 (Pimoroni 1.12\")",
        controller: PanelChip::Sh1107,
        glass_px: (128, 128),
        // A0 and C0 here, too.
        rotation: Rotation::Deg180,
        contrast: 0x7f,
        ..OLED
    },
    Board {
        name: "ssd1351",
        about: "SSD1351 colour OLED on SPI, 128x128 (1.5\")",
        controller: PanelChip::Ssd1351,
        speed_hz: 16_000_000,
        glass_px: (128, 128),
        bgr: true,
        invert: false,
        contrast: 0xff,
        backlight: Pin::None,
        ..MODULE
    },
];
