//! Bare colour modules, wired as in `deploy/wiring.md`.

use super::{Board, MODULE, PanelChip, Rotation, SpiMode};

/// An ST7735S on a clock that it surely takes; the colours are in the usual order.
const ST7735S: Board = Board {
    controller: PanelChip::St7735s,
    speed_hz: 16_000_000,
    rotation: Rotation::Deg180,
    invert: false,
    ..MODULE
};

pub(super) const MODULES: &[Board] = &[
    Board {
        name: "waveshare-1.28",
        about: "Waveshare 1.28\" round module, 240x240",
        controller: PanelChip::Gc9a01,
        bgr: true,
        ..MODULE
    },
    Board {
        name: "st7789-240x240",
        about: "bare ST7789 module, 240x240",
        ..MODULE
    },
    Board {
        name: "st7789-240x240-no-cs",
        about: "bare ST7789 module without chip select, 240x240",
        mode: SpiMode::Mode3,
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
        name: "st7789-172x320",
        about: "bare ST7789 module, 172x320 (1.47\")",
        glass_px: (172, 320),
        offset_px: (34, 0),
        ..MODULE
    },
    Board {
        name: "st7789-170x320",
        about: "bare ST7789 module, 170x320 (1.9\")",
        glass_px: (170, 320),
        offset_px: (35, 0),
        ..MODULE
    },
    Board {
        name: "st7789-240x280",
        about: "bare ST7789 module, 240x280 (1.69\")",
        glass_px: (240, 280),
        offset_px: (0, 20),
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
        about: "bare ST7735S module, 128x160 (1.8\", green tab)",
        glass_px: (128, 160),
        offset_px: (2, 1),
        ..ST7735S
    },
    Board {
        name: "st7735-black-tab",
        about: "bare ST7735R module, 128x160 (1.8\", black tab)",
        small_memory_px: Some((128, 160)),
        glass_px: (128, 160),
        ..ST7735S
    },
    Board {
        name: "st7735-128x128",
        about: "bare ST7735 module, 128x128 (1.44\", green tab)",
        small_memory_px: Some((132, 132)),
        glass_px: (128, 128),
        offset_px: (2, 1),
        bgr: true,
        ..ST7735S
    },
    Board {
        name: "st7735-80x160",
        about: "bare ST7735S IPS module, 80x160 (0.96\")",
        glass_px: (80, 160),
        offset_px: (26, 1),
        bgr: true,
        invert: true,
        ..ST7735S
    },
    Board {
        name: "st7735-80x160-red-tab",
        about: "bare ST7735 module, 80x160 (0.96\", red tab)",
        small_memory_px: Some((128, 160)),
        glass_px: (80, 160),
        offset_px: (24, 0),
        bgr: true,
        ..ST7735S
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
];
