//! What the makers' own published drivers send, with the place where it was read: the truth that our boards are held
//! against. Nothing here comes from our presets.
//!
//! A driver's orientation is its MADCTL with the first column and row of its window. Drivers that turn the picture before
//! they send it give the number of quarters, counterclockwise (`turned_before`).

use moodring_tests::panel::{Chip, Gluing, Upright};

/// Bits of MADCTL.
pub(super) const MY: u8 = 0x80;
pub(super) const MX: u8 = 0x40;
pub(super) const MV: u8 = 0x20;
pub(super) const BGR: u8 = 0x08;
/// The bits that a picture depends on; the others are the order of refreshing.
pub(super) const SEEN: u8 = MY | MX | MV | BGR;

const ST7789: &str = "https://github.com/pimoroni/st7789-python/blob/main/st7789/__init__.py";
const DISPLAY_HAT: &str =
    "https://github.com/pimoroni/displayhatmini-python/blob/main/displayhatmini/__init__.py";
const ENVIRO: &str = "https://github.com/pimoroni/st7735-python/blob/main/st7735/__init__.py";
const ADAFRUIT_PI: &str = "https://github.com/adafruit/Adafruit_CircuitPython_RGB_Display/blob/main/adafruit_rgb_display/st7789.py";
const ADAFRUIT_ILI: &str = "https://github.com/adafruit/Adafruit_CircuitPython_RGB_Display/blob/main/adafruit_rgb_display/ili9341.py";
const WAVESHARE_13: &str = "https://www.waveshare.com/wiki/1.3inch_LCD_HAT (python/ST7789.py)";
const WAVESHARE_144: &str = "https://www.waveshare.com/wiki/1.44inch_LCD_HAT (python/LCD_1in44.py), memory as TFT_eSPI's GREENTAB3";
const WAVESHARE_128: &str =
    "https://www.waveshare.com/wiki/1.28inch_LCD_Module (python/lib/LCD_1inch28.py)";
const TFT_7735: &str =
    "https://github.com/Bodmer/TFT_eSPI/blob/master/TFT_Drivers/ST7735_Rotation.h";
const TFT_9341: &str =
    "https://github.com/Bodmer/TFT_eSPI/blob/master/TFT_Drivers/ILI9341_Rotation.h";
const TFT_7796: &str =
    "https://github.com/Bodmer/TFT_eSPI/blob/master/TFT_Drivers/ST7796_Rotation.h";
const TFT_GC9A01: &str =
    "https://github.com/Bodmer/TFT_eSPI/blob/master/TFT_Drivers/GC9A01_Rotation.h";
const ADAFRUIT_7789: &str =
    "https://github.com/adafruit/Adafruit-ST7735-Library/blob/master/Adafruit_ST7789.cpp";
const ADAFRUIT_1306: &str =
    "https://github.com/adafruit/Adafruit_SSD1306/blob/master/Adafruit_SSD1306.cpp";
const LUMA: &str = "https://github.com/rm-hull/luma.oled/blob/main/luma/oled/device/__init__.py";
const WAVESHARE_OLED: &str = "https://www.waveshare.com/wiki/1.3inch_OLED_HAT (python/SH1106.py)";

/// A colour panel in its maker's hands.
pub(super) struct ColourMaker {
    pub(super) board: &'static str,
    pub(super) source: &'static str,
    /// Width and height of the memory behind this glass.
    pub(super) memory_px: (usize, usize),
    /// How the maker's driver shows a picture upright.
    pub(super) upright: Upright,
    /// Quarters, counterclockwise, by which the maker turns the picture before sending.
    pub(super) turned_before: usize,
    /// MADCTL and first column and row of every orientation that the maker publishes.
    pub(super) orientations: &'static [(u8, (usize, usize))],
}

const NATIVE: (usize, usize) = (240, 320);

const fn upright(
    madctl: u8,
    first: (usize, usize),
    size_px: (usize, usize),
    inverts: bool,
) -> Upright {
    Upright {
        madctl,
        first,
        size_px,
        inverts,
    }
}

/// MADCTLs of the four turns: not mirrored, in RGB and BGR, and mirrored.
const fn turns(order: u8, first: [(usize, usize); 4]) -> [(u8, (usize, usize)); 4] {
    [
        (order, first[0]),
        (MX | MV | order, first[1]),
        (MX | MY | order, first[2]),
        (MV | MY | order, first[3]),
    ]
}

const MIRRORED: [(u8, (usize, usize)); 4] = [
    (MX | BGR, (0, 0)),
    (MV | BGR, (0, 0)),
    (MY | BGR, (0, 0)),
    (MX | MY | MV | BGR, (0, 0)),
];

/// Adafruit_ST7789 by the size of the glass: right justified (240x240), centred, or centred with an odd pixel (135x240).
const SQUARE: [(u8, (usize, usize)); 4] = turns(0, [(0, 0), (0, 0), (0, 80), (80, 0)]);
const WHOLE: [(u8, (usize, usize)); 4] = turns(0, [(0, 0); 4]);
const NARROW_135: [(u8, (usize, usize)); 4] = turns(0, [(52, 40), (40, 53), (53, 40), (40, 52)]);
const NARROW_172: [(u8, (usize, usize)); 4] = turns(0, [(34, 0), (0, 34), (34, 0), (0, 34)]);
const NARROW_170: [(u8, (usize, usize)); 4] = turns(0, [(35, 0), (0, 35), (35, 0), (0, 35)]);
const SHORT_280: [(u8, (usize, usize)); 4] = turns(0, [(0, 20), (20, 0), (0, 20), (20, 0)]);
const GC9A01: [(u8, (usize, usize)); 4] = turns(BGR, [(0, 0); 4]);
/// TFT_eSPI's tabs of the ST7735.
const BLACK_TAB: [(u8, (usize, usize)); 4] = turns(0, [(0, 0); 4]);
const GREEN_TAB_2: [(u8, (usize, usize)); 4] = turns(0, [(2, 1), (1, 2), (2, 1), (1, 2)]);
const GREEN_TAB_3: [(u8, (usize, usize)); 4] = turns(BGR, [(2, 1), (1, 2), (2, 3), (3, 2)]);
const GREEN_TAB_160: [(u8, (usize, usize)); 4] = turns(BGR, [(26, 1), (1, 26), (26, 1), (1, 26)]);
const RED_TAB_160: [(u8, (usize, usize)); 4] = turns(BGR, [(24, 0), (0, 24), (24, 0), (0, 24)]);

const fn maker(
    board: &'static str,
    source: &'static str,
    memory_px: (usize, usize),
    upright: Upright,
    turned_before: usize,
    orientations: &'static [(u8, (usize, usize))],
) -> ColourMaker {
    ColourMaker {
        board,
        source,
        memory_px,
        upright,
        turned_before,
        orientations,
    }
}

#[rustfmt::skip] // A table.
pub(super) const COLOUR: &[ColourMaker] = &[
    maker("display-hat-mini", DISPLAY_HAT, NATIVE, upright(MX | MV, (0, 0), (320, 240), true), 2, &WHOLE),
    maker("pirate-audio", ST7789, NATIVE, upright(MX | MV, (0, 0), (240, 240), true), 1, &SQUARE),
    maker("enviro-plus", ENVIRO, (132, 162), upright(MX | MY | BGR, (26, 1), (80, 160), true), 3, &GREEN_TAB_160),
    maker("mini-pitft-1.3", ADAFRUIT_PI, NATIVE, upright(MX | MY, (0, 80), (240, 240), true), 2, &SQUARE),
    maker("mini-pitft-1.14", ADAFRUIT_PI, NATIVE, upright(MX | MY, (53, 40), (135, 240), true), 1, &NARROW_135),
    maker("pitft-2.8", ADAFRUIT_ILI, NATIVE, upright(MX | BGR, (0, 0), (240, 320), false), 1, &MIRRORED),
    maker("waveshare-1.3", WAVESHARE_13, NATIVE, upright(MX | MV, (0, 0), (240, 240), true), 0, &SQUARE),
    maker("waveshare-1.44", WAVESHARE_144, (132, 132), upright(MX | MV | BGR, (1, 2), (128, 128), false), 0, &GREEN_TAB_3),
    maker("waveshare-1.28", WAVESHARE_128, (240, 240), upright(BGR, (0, 0), (240, 240), true), 0, &GC9A01),
    maker("gc9a01", TFT_GC9A01, (240, 240), upright(BGR, (0, 0), (240, 240), true), 0, &GC9A01),
    maker("st7789-240x240", ADAFRUIT_7789, NATIVE, upright(0, (0, 0), (240, 240), true), 0, &SQUARE),
    maker("st7789-240x240-no-cs", ADAFRUIT_7789, NATIVE, upright(0, (0, 0), (240, 240), true), 0, &SQUARE),
    maker("st7789-240x320", ADAFRUIT_7789, NATIVE, upright(0, (0, 0), (240, 320), true), 0, &WHOLE),
    maker("st7789-135x240", ADAFRUIT_7789, NATIVE, upright(0, (52, 40), (135, 240), true), 0, &NARROW_135),
    maker("st7789-172x320", ADAFRUIT_7789, NATIVE, upright(0, (34, 0), (172, 320), true), 0, &NARROW_172),
    maker("st7789-170x320", ADAFRUIT_7789, NATIVE, upright(0, (35, 0), (170, 320), true), 0, &NARROW_170),
    maker("st7789-240x280", ADAFRUIT_7789, NATIVE, upright(0, (0, 20), (240, 280), true), 0, &SHORT_280),
    maker("ili9341", TFT_9341, NATIVE, upright(MX | BGR, (0, 0), (240, 320), false), 0, &MIRRORED),
    maker("st7796", TFT_7796, (320, 480), upright(MX | BGR, (0, 0), (320, 480), false), 0, &MIRRORED),
    maker("st7735s", TFT_7735, (132, 162), upright(MX | MY, (2, 1), (128, 160), false), 0, &GREEN_TAB_2),
    maker("st7735-black-tab", TFT_7735, (128, 160), upright(MX | MY, (0, 0), (128, 160), false), 0, &BLACK_TAB),
    maker("st7735-128x128", TFT_7735, (132, 132), upright(MX | MY | BGR, (2, 3), (128, 128), false), 0, &GREEN_TAB_3),
    maker("st7735-80x160", TFT_7735, (132, 162), upright(MX | MY | BGR, (26, 1), (80, 160), true), 0, &GREEN_TAB_160),
    maker("st7735-80x160-red-tab", TFT_7735, (128, 160), upright(MX | MY | BGR, (24, 0), (80, 160), false), 0, &RED_TAB_160),
];

/// Values of the commands that no picture depends on, as the sources send them: a command and its data.
pub(super) type Registers = &'static [(u8, &'static [u8])];

#[rustfmt::skip] // A table.
const INIT_9341: Registers = &[
    (0xCF, b"\x00\xc1\x30"), (0xED, b"\x64\x03\x12\x81"), (0xE8, b"\x85\x00\x78"), (0xCB, b"\x39\x2c\x00\x34\x02"),
    (0xF7, b"\x20"), (0xEA, b"\x00\x00"), (0xC0, b"\x23"), (0xC1, b"\x10"), (0xC5, b"\x3e\x28"), (0xC7, b"\x86"),
    (0xB1, b"\x00\x18"), (0xB6, b"\x08\x82\x27"), (0xF2, b"\x00"), (0x26, b"\x01"),
    (0xE0, b"\x0f\x31\x2b\x0c\x0e\x08\x4e\xf1\x37\x07\x10\x03\x0e\x09\x00"),
    (0xE1, b"\x00\x0e\x14\x03\x11\x07\x31\xc1\x48\x08\x0f\x0c\x31\x36\x0f"),
];
/// <https://github.com/Bodmer/TFT_eSPI/blob/master/TFT_Drivers/ST7735_Init.h>, Rcmd1 and Rcmd3.
#[rustfmt::skip] // A table.
const INIT_7735: Registers = &[
    (0xB1, &[0x01, 0x2C, 0x2D]), (0xB2, &[0x01, 0x2C, 0x2D]), (0xB3, &[0x01, 0x2C, 0x2D, 0x01, 0x2C, 0x2D]), (0xB4, &[0x07]),
    (0xC0, &[0xA2, 0x02, 0x84]), (0xC1, &[0xC5]), (0xC2, &[0x0A, 0x00]), (0xC3, &[0x8A, 0x2A]), (0xC4, &[0x8A, 0xEE]), (0xC5, &[0x0E]),
    (0xE0, &[0x02, 0x1c, 0x07, 0x12, 0x37, 0x32, 0x29, 0x2d, 0x29, 0x25, 0x2B, 0x39, 0x00, 0x01, 0x03, 0x10]),
    (0xE1, &[0x03, 0x1d, 0x07, 0x06, 0x2E, 0x2C, 0x29, 0x2D, 0x2E, 0x2E, 0x37, 0x3F, 0x00, 0x00, 0x02, 0x10]),
];
/// <https://github.com/Bodmer/TFT_eSPI/blob/master/TFT_Drivers/ST7796_Init.h>; at the end the second set is closed.
#[rustfmt::skip] // A table.
const INIT_7796: Registers = &[
    (0xB4, &[0x01]), (0xB6, &[0x20, 0x02, 0x3B]), (0xE8, &[0x40, 0x8A, 0x00, 0x00, 0x29, 0x19, 0xA5, 0x33]),
    (0xC1, &[0x06]), (0xC2, &[0xA7]), (0xC5, &[0x18]),
    (0xE0, &[0xF0, 0x09, 0x0b, 0x06, 0x04, 0x15, 0x2F, 0x54, 0x42, 0x3C, 0x17, 0x14, 0x18, 0x1B]),
    (0xE1, &[0xE0, 0x09, 0x0B, 0x06, 0x04, 0x03, 0x2B, 0x43, 0x42, 0x3B, 0x16, 0x14, 0x17, 0x1B]),
    (0xF0, &[0x69]),
];
/// [`ST7789`], `_init`.
#[rustfmt::skip] // A table.
const INIT_PIMORONI: Registers = &[
    (0xB2, &[0x0C, 0x0C, 0x00, 0x33, 0x33]), (0xB7, &[0x14]), (0xBB, &[0x37]), (0xC0, &[0x2C]), (0xC2, &[0x01]), (0xC3, &[0x12]),
    (0xC4, &[0x20]), (0xD0, &[0xA4, 0xA1]), (0xC6, &[0x0F]),
    (0xE0, &[0xD0, 0x04, 0x0D, 0x11, 0x13, 0x2B, 0x3F, 0x54, 0x4C, 0x18, 0x0D, 0x0B, 0x1F, 0x23]),
    (0xE1, &[0xD0, 0x04, 0x0C, 0x11, 0x13, 0x2C, 0x3F, 0x44, 0x51, 0x2F, 0x1F, 0x1F, 0x20, 0x23]),
];

/// What this board's maker sets besides. Adafruit_ST7789 sets nothing; of Waveshare's ST7789 nothing is held here yet.
pub(super) fn registers(maker: &ColourMaker) -> Registers {
    match maker.source {
        DISPLAY_HAT | ST7789 => INIT_PIMORONI,
        ADAFRUIT_ILI | TFT_9341 => INIT_9341,
        TFT_7735 | ENVIRO | WAVESHARE_144 => INIT_7735,
        TFT_7796 => INIT_7796,
        _ => &[],
    }
}

/// A mono OLED in its maker's hands.
pub(super) struct MonoMaker {
    pub(super) board: &'static str,
    pub(super) source: &'static str,
    pub(super) chip: Chip,
    pub(super) gluing: Gluing,
    /// The contrast that the maker sets.
    pub(super) contrast: u8,
}

/// The glass is its size and the first column on it when it is upright; `down` is the pair A0, C0, else A1, C8.
const fn mono(
    board: &'static str,
    source: &'static str,
    chip: Chip,
    (size_px, first_column): ((usize, usize), usize),
    down: bool,
    com_pins: Option<u8>,
    contrast: u8,
) -> MonoMaker {
    MonoMaker {
        board,
        source,
        chip,
        gluing: Gluing {
            size_px,
            columns_reversed: !down,
            rows_reversed: !down,
            first_column,
            com_pins,
            // Adafruit's driver for CircuitPython switches it on for every SSD1306; the smallest glass stays dark without.
            needs_reference_current: size_px.0 == 72,
        },
        contrast,
    }
}

#[rustfmt::skip] // A table.
pub(super) const MONO: &[MonoMaker] = &[
    mono("ssd1306", ADAFRUIT_1306, Chip::Ssd1306, ((128, 64), 0), false, Some(0x12), 0xcf),
    mono("ssd1306-spi", ADAFRUIT_1306, Chip::Ssd1306, ((128, 64), 0), false, Some(0x12), 0xcf),
    mono("ssd1306-128x32", ADAFRUIT_1306, Chip::Ssd1306, ((128, 32), 0), false, Some(0x02), 0x8f),
    // 0 after a user's photo (luma.core issue 264, luma.oled issue 367); CircuitPython's formula would give 16.
    mono("ssd1306-96x16", LUMA, Chip::Ssd1306, ((96, 16), 0), false, Some(0x02), 0xaf),
    mono("ssd1306-72x40", ADAFRUIT_1306, Chip::Ssd1306, ((72, 40), 28), false, Some(0x12), 0xa0),
    mono("ssd1306-64x48", LUMA, Chip::Ssd1306, ((64, 48), 32), false, Some(0x12), 0xcf),
    mono("ssd1306-64x32", LUMA, Chip::Ssd1306, ((64, 32), 32), false, Some(0x12), 0xcf),
    mono("sh1106", LUMA, Chip::Sh1106, ((128, 64), 2), false, Some(0x12), 0x7f),
    mono("sh1106-spi", WAVESHARE_OLED, Chip::Sh1106, ((128, 64), 2), true, Some(0x12), 0xa0),
    mono("sh1107-128x128", LUMA, Chip::Sh1107, ((128, 128), 0), true, None, 0x7f),
];

/// The remap byte of an SSD1351 at 0, 90, 180 and 270 degrees, and its colours' currents.
/// <https://github.com/adafruit/Adafruit-SSD1351-library/blob/master/Adafruit_SSD1351.cpp>, `setRotation` and `begin`.
pub(super) const SSD1351_REMAP: [u8; 4] = [0x74, 0x77, 0x66, 0x65];
pub(super) const SSD1351_CONTRAST: [u8; 3] = [0xc8, 0x80, 0xc8];
