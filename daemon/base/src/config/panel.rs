//! `[panel]`: what differs from the board that `display.board` names.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, IntoDeserializer},
};

use super::{
    ConfigError,
    board::{ActiveLevel, BOARDS, Board, PanelChip, Rotation, SpiMode},
    error::range,
    pin::Pin,
};

/// The board's own value, or another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Override<T> {
    /// The board's value.
    #[serde(serialize_with = "serialize_board")]
    #[default]
    Board,
    /// This value instead.
    Own(T),
}

/// What stands for the board's value.
pub(super) const BOARD: &str = "board";

fn serialize_board<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(BOARD)
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Override<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OverrideVisitor(PhantomData))
    }
}

/// Deserializes anything but `"board"` as the value itself, so that errors name what the value accepts.
struct OverrideVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for OverrideVisitor<T> {
    type Value = Override<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"board\" or a value")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        match text {
            BOARD => Ok(Override::Board),
            _ => T::deserialize(text.into_deserializer()).map(Override::Own),
        }
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        T::deserialize(number.into_deserializer()).map(Override::Own)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        T::deserialize(number.into_deserializer()).map(Override::Own)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        T::deserialize(number.into_deserializer()).map(Override::Own)
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Self::Value, E> {
        T::deserialize(truth.into_deserializer()).map(Override::Own)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        T::deserialize(de::value::SeqAccessDeserializer::new(list)).map(Override::Own)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, table: A) -> Result<Self::Value, A::Error> {
        T::deserialize(de::value::MapAccessDeserializer::new(table)).map(Override::Own)
    }
}

impl<T: Clone> Override<T> {
    /// Replaces the board's value with an own one.
    pub fn apply(&self, to: &mut T) {
        if let Self::Own(value) = self {
            *to = value.clone();
        }
    }
}

/// What drives the bus and the pins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    /// The kernel's spidev, i2c-dev and GPIO character device: every board.
    #[default]
    Kernel,
    /// rppal: Raspberry Pi only, needs a build with `--features rppal`.
    Rppal,
}

/// Differences from the board.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PanelSettings {
    /// The chip.
    pub controller: Override<PanelChip>,
    /// `/dev/spidevB.C` or `/dev/i2c-N`.
    pub bus: Override<String>,
    /// The address on an I2C bus.
    pub address: Override<u8>,
    /// SPI clock in MHz.
    pub speed_mhz: Override<f32>,
    /// SPI mode, 0 to 3; a display without chip select wants 3.
    pub mode: Override<SpiMode>,
    /// Width of the glass in pixels, not rotated.
    pub width: Override<u16>,
    /// Its height, in pixels.
    pub height: Override<u16>,
    /// Where the glass begins in the chip's memory, from the left, in pixels, not rotated.
    pub x: Override<u16>,
    /// The same from the top.
    pub y: Override<u16>,
    /// Width of the memory that the chip uses with this glass, in pixels, not rotated.
    pub memory_width: Override<u16>,
    /// Its height.
    pub memory_height: Override<u16>,
    /// Rotation in degrees, clockwise.
    pub rotation: Override<Rotation>,
    /// Left and right are swapped.
    pub mirror: Override<bool>,
    /// Red and blue are swapped.
    pub bgr: Override<bool>,
    /// Bright and dark are swapped.
    pub invert: Override<bool>,
    /// The contrast of an OLED at full brightness.
    pub contrast: Override<u8>,
    /// The D/C line.
    pub dc: Override<Pin>,
    /// The reset line.
    pub reset: Override<Pin>,
    /// The backlight's line; unused if `pwm` is set.
    pub backlight: Override<Pin>,
    /// The level that lights it.
    pub backlight_active: Override<ActiveLevel>,
    /// `DEVICE:CHANNEL` or `CHIP:CHANNEL` under /sys/class/pwm that feeds the backlight; empty: none.
    pub pwm: String,
    /// The label of the GPIO chip with the 40-pin header; empty: the one of this machine's board.
    pub gpio_chip: String,
    /// What drives the bus.
    pub driver: Driver,
}

impl PanelSettings {
    /// The board with all differences applied.
    ///
    /// # Errors
    /// [`ConfigError::Range`] if there is no such board or a value cannot work with its chip.
    pub fn board(&self, name: &str) -> Result<Board, ConfigError> {
        let Some(known) = Board::named(name) else {
            let allowed = BOARDS.iter().map(|b| b.name).collect::<Vec<_>>().join(", ");
            let allowed = format!("one of {allowed}");
            return Err(ConfigError::choice("display.board", name, allowed));
        };
        let mut board = known.clone();
        if let Override::Own(chip) = self.controller {
            // Another chip has another memory.
            board.small_memory_px = board.small_memory_px.filter(|_| chip == board.controller);
            board.controller = chip;
        }
        let mut memory_px = board.memory_px();
        self.memory_width.apply(&mut memory_px.0);
        self.memory_height.apply(&mut memory_px.1);
        board.small_memory_px = (memory_px != board.controller.memory_px()).then_some(memory_px);
        if let Override::Own(bus) = &self.bus {
            board.bus = bus.clone().into();
        }
        self.address.apply(&mut board.address);
        if let Override::Own(mhz) = self.speed_mhz {
            range(
                (0.1..=125.0).contains(&mhz),
                "panel.speed_mhz",
                mhz,
                "0.1 to 125 MHz",
            )?;
            // In range, so that the cast only drops a fraction of a hertz.
            board.speed_hz = (mhz * 1e6) as u32;
        }
        self.mode.apply(&mut board.mode);
        self.width.apply(&mut board.glass_px.0);
        self.height.apply(&mut board.glass_px.1);
        self.x.apply(&mut board.offset_px.0);
        self.y.apply(&mut board.offset_px.1);
        self.rotation.apply(&mut board.rotation);
        self.mirror.apply(&mut board.mirror);
        self.bgr.apply(&mut board.bgr);
        self.invert.apply(&mut board.invert);
        self.contrast.apply(&mut board.contrast);
        self.dc.apply(&mut board.dc);
        self.reset.apply(&mut board.reset);
        self.backlight.apply(&mut board.backlight);
        self.backlight_active.apply(&mut board.backlight_active);
        check(&board)?;
        Ok(board)
    }
}

/// Checks that the glass fits into the chip's memory and that the bus has what it needs.
fn check(board: &Board) -> Result<(), ConfigError> {
    let (width, height) = board.memory_px();
    let most = board.controller.memory_px();
    let small = "at most the chip's whole memory, and for an OLED all of it";
    let whole = !board.controller.is_oled();
    for (key, used, most) in [
        ("panel.memory_width", width, most.0),
        ("panel.memory_height", height, most.1),
    ] {
        range(used == most || (whole && used < most), key, used, small)?;
    }
    let inside = |glass: u16, offset: u16, memory: u16| {
        glass >= 16 && u32::from(glass) + u32::from(offset) <= u32::from(memory)
    };
    let (glass, offset) = (board.glass_px, board.offset_px);
    for (key, at, glass, offset, memory) in [
        ("panel.width", "panel.x", glass.0, offset.0, width),
        ("panel.height", "panel.y", glass.1, offset.1, height),
    ] {
        if !inside(glass, offset, memory) {
            let allowed = format!(
                "16 or more, and with {at} = {offset} at most the chip's memory of {memory} pixels"
            );
            return Err(ConfigError::choice(key, &glass.to_string(), allowed));
        }
    }
    let pages = !board.controller.is_mono()
        || (board.glass_px.1.is_multiple_of(8) && board.offset_px.1 == 0);
    range(
        pages,
        "panel.height",
        board.glass_px.1,
        "a multiple of 8, with panel.y = 0, for a mono OLED",
    )?;
    if board.controller == PanelChip::Sh1107 && board.glass_px != (128, 128) {
        let (width, height) = board.glass_px;
        return Err(ConfigError::choice(
            "panel.width",
            &format!("{width}x{height}"),
            "128x128 with an SH1107: how smaller glasses hang on it is not known here".into(),
        ));
    }
    let i2c_known = board.controller.is_mono() || !board.is_i2c();
    range(
        i2c_known,
        "panel.bus",
        &board.bus,
        "an SPI device: a colour display has no I2C",
    )?;
    let dc = board.is_i2c() || board.dc.is_some();
    range(
        dc,
        "panel.dc",
        &board.dc,
        "a GPIO line: an SPI display needs one for D/C",
    )?;
    range(
        (0x08..0x78).contains(&board.address),
        "panel.address",
        format_args!("{:#04x}", board.address),
        "0x08 to 0x77; many modules print it with the bit for writing: their 0x78 is 0x3c, their 0x7a is 0x3d",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(name: &str, text: &str) -> Result<Board, String> {
        let settings: PanelSettings = toml::from_str(text).map_err(|e| e.to_string())?;
        settings.board(name).map_err(|e| e.to_string())
    }

    #[test]
    fn every_board_works_as_it_is() {
        for known in BOARDS.iter() {
            assert_eq!(board(known.name, "").as_ref(), Ok(known));
        }
    }

    #[test]
    fn every_field_can_differ() {
        let text = "controller = \"ili9341\"\nbus = \"/dev/spidev1.2\"\naddress = 0x3d\nspeed_mhz = 12.5\nmode = 3\nwidth = 200\n\
            height = 100\nx = 30\ny = 220\nmemory_width = 230\nmemory_height = 320\ncontrast = 9\nrotation = 270\nmirror = true\nbgr = true\ninvert = false\ndc = 5\n\
            reset = \"none\"\nbacklight = \"PP.04\"\nbacklight_active = \"low\"\npwm = \"pwmchip0:1\"\ngpio_chip = \"x\"\ndriver = \"rppal\"\n";
        let own = board("st7789-240x240", text).unwrap();
        let expected = Board {
            controller: PanelChip::Ili9341,
            bus: "/dev/spidev1.2".into(),
            address: 0x3d,
            speed_hz: 12_500_000,
            mode: SpiMode::Mode3,
            small_memory_px: Some((230, 320)),
            glass_px: (200, 100),
            offset_px: (30, 220),
            rotation: Rotation::Deg270,
            mirror: true,
            bgr: true,
            invert: false,
            contrast: 9,
            dc: Pin::Gpio(5),
            reset: Pin::None,
            backlight: Pin::Line("PP.04".into()),
            backlight_active: ActiveLevel::Low,
            ..Board::named("st7789-240x240").unwrap().clone()
        };
        assert_eq!(own, expected);
        assert_eq!(own.picture_px(), (100, 200));
    }

    #[test]
    fn what_cannot_work_names_its_key() {
        let wrong = |name, text, key: &str| {
            let error = board(name, text).unwrap_err();
            assert!(error.contains(key), "{error}");
        };
        wrong("st7788", "", "display.board");
        wrong("gc9a01", "x = 1", "panel.width");
        wrong("st7789-240x240", "y = 81", "panel.height");
        wrong("st7789-240x240", "height = 8", "panel.height");
        wrong("st7789-240x240", "dc = \"none\"", "panel.dc");
        wrong("st7789-240x240", "bus = \"/dev/i2c-1\"", "panel.bus");
        wrong("ssd1306", "height = 20", "panel.height");
        wrong("ssd1306", "address = 0x80", "panel.address");
        wrong("st7789-240x240", "speed_mhz = 1000.0", "panel.speed_mhz");
        wrong("st7789-240x240", "rotation = 45", "rotation");
        wrong("st7789-240x240", "x = 65535", "panel.width");
        wrong("st7789-240x240", "mode = 4", "mode");
        wrong(
            "st7789-240x240",
            "backlight_active = \"off\"",
            "backlight_active",
        );
        wrong("st7735s", "memory_width = 133", "panel.memory_width");
        wrong("st7735s", "memory_height = 160", "panel.height");
        wrong("ssd1306", "memory_height = 32", "panel.memory_height");
        wrong("sh1107-128x128", "width = 64", "128x128");
        // What would work.
        wrong("gc9a01", "x = 1", "240 pixels");
        wrong("ssd1306", "address = 0x7a", "0x3d");
        wrong("ssd1306", "rotation = 45", "90, 180 or 270");
        wrong("ssd1306", "mode = 4", "0, 1, 2 or 3");
        wrong("ssd1306", "dc = 28", "40-pin header");
        wrong("ssd1306", "controller = \"ili9488\"", "ili9341");
    }

    #[test]
    fn another_chip_forgets_the_glass_of_the_first() {
        let own = board("st7735-128x128", "controller = \"st7789\"").unwrap();
        assert_eq!(own.memory_px(), (240, 320));
        let same = board("st7735-128x128", "controller = \"st7735s\"").unwrap();
        assert_eq!(same.memory_px(), (132, 132));
    }
}
