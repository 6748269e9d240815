//! Boards that are plugged on the 40-pin header: their pins are given.

use std::borrow::Cow;

use super::{Board, MODULE, PanelChip, Rotation};
use crate::config::pin::Pin;

/// Adafruit's small displays share their wires: no reset line, backlight on GPIO22, two buttons.
const MINI_PITFT: Board = Board {
    speed_hz: 64_000_000,
    reset: Pin::None,
    backlight: Pin::Gpio(22),
    camera_button: Pin::Gpio(23),
    picture_button: Pin::Gpio(24),
    ..MODULE
};

/// Waveshare's LCD HATs share their wires: backlight on GPIO24, keys beside the glass.
const WAVESHARE_HAT: Board = Board {
    backlight: Pin::Gpio(24),
    camera_button: Pin::Gpio(21),
    picture_button: Pin::Gpio(20),
    ..MODULE
};

/// Pimoroni's wires: the second chip select, D/C on SPI's unused input, no reset line.
const PIMORONI: Board = Board {
    bus: Cow::Borrowed("/dev/spidev0.1"),
    dc: Pin::Gpio(9),
    reset: Pin::None,
    backlight: Pin::Gpio(13),
    camera_button: Pin::Gpio(5),
    picture_button: Pin::Gpio(6),
    ..MODULE
};

pub(super) const HATS: &[Board] = &[
    Board {
        name: "display-hat-mini",
        about: "Pimoroni Display HAT Mini, 320x240",
        speed_hz: 60_000_000,
        glass_px: (240, 320),
        rotation: Rotation::Deg270,
        led: [Pin::Gpio(17), Pin::Gpio(27), Pin::Gpio(22)],
        ..PIMORONI
    },
    Board {
        name: "pirate-audio",
        about: "Pimoroni Pirate Audio, 240x240",
        speed_hz: 80_000_000,
        ..PIMORONI
    },
    Board {
        name: "enviro-plus",
        about: "Pimoroni Enviro+ and Enviro, 160x80",
        controller: PanelChip::St7735s,
        speed_hz: 10_000_000,
        glass_px: (80, 160),
        offset_px: (26, 1),
        rotation: Rotation::Deg270,
        bgr: true,
        backlight: Pin::Gpio(12),
        camera_button: Pin::None,
        picture_button: Pin::None,
        ..PIMORONI
    },
    Board {
        name: "mini-pitft-1.3",
        about: "Adafruit Mini PiTFT 1.3\", 240x240",
        ..MINI_PITFT
    },
    Board {
        name: "mini-pitft-1.14",
        about: "Adafruit Mini PiTFT 1.14\", 240x135",
        glass_px: (135, 240),
        offset_px: (52, 40),
        rotation: Rotation::Deg90,
        ..MINI_PITFT
    },
    Board {
        name: "pitft-2.8",
        about: "Adafruit PiTFT 2.8\", 320x240",
        controller: PanelChip::Ili9341,
        speed_hz: 32_000_000,
        glass_px: (240, 320),
        rotation: Rotation::Deg270,
        mirror: true,
        bgr: true,
        invert: false,
        backlight: Pin::Gpio(18),
        camera_button: Pin::Gpio(23),
        picture_button: Pin::Gpio(22),
        ..MINI_PITFT
    },
    Board {
        name: "waveshare-1.3",
        about: "Waveshare 1.3\" LCD HAT, 240x240",
        rotation: Rotation::Deg90,
        ..WAVESHARE_HAT
    },
    Board {
        name: "waveshare-1.44",
        about: "Waveshare 1.44\" LCD HAT, 128x128",
        controller: PanelChip::St7735s,
        speed_hz: 9_000_000,
        small_memory_px: Some((132, 132)),
        glass_px: (128, 128),
        offset_px: (2, 1),
        rotation: Rotation::Deg90,
        bgr: true,
        invert: false,
        ..WAVESHARE_HAT
    },
];
