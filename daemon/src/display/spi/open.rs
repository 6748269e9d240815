//! Opens a board of the settings on this machine: spidev or i2c-dev, GPIO lines, and the backlight.

use std::{fs, io, path::Path, thread, time::Duration};

use embedded_hal::digital::OutputPin;
use linux_embedded_hal::{
    Delay, I2cdev, SpidevDevice,
    spidev::{SpiModeFlags, SpidevOptions},
};
use moodring_face::picture::ScreenShape;

use super::{
    super::{Display, DisplayError},
    backlight::{Backlight, Pwm},
    framebuffer::{ColourBuffer, MonoBuffer},
    interface::{DisplayInterface, I2cInterface, InterfaceError, SpiInterface},
    oled::Oled,
    panel::Panel,
    panel_display::PanelDisplay,
    tft,
};
use crate::{
    config::{
        DisplaySettings, PanelSettings,
        board::{Board, PanelChip},
        panel::Driver,
        pin::Pin,
    },
    gpio::{Chips, GpioError, OutputLine},
};

/// What spidev takes in one message unless its module was configured otherwise.
const SPIDEV_BYTES: usize = 4096;
/// Longer messages would hold up the other chip on the bus.
const MOST_BYTES: usize = 65_536;

/// The display of the settings. Its devices are opened when it first shows something, and again after a failure: a
/// device that is not there yet is a state, not an error.
///
/// # Errors
/// [`DisplayError::Open`] if the settings cannot work.
pub fn open(
    settings: &DisplaySettings,
    panel: &PanelSettings,
) -> Result<Box<dyn Display + Send>, DisplayError> {
    let board = panel.board(&settings.board).map_err(|error| {
        DisplayError::open("spi", error, "Correct it; `moodring config` shows all keys")
    })?;
    let name = format!("spi ({}, {})", settings.board, board.bus);
    let glass = match board.controller {
        PanelChip::Gc9a01 => ScreenShape::Round,
        _ => ScreenShape::Square,
    };
    let machine = BoardDevices {
        name: name.clone(),
        board: board.clone(),
        panel: panel.clone(),
    };
    Ok(if board.controller.is_mono() {
        let framebuffer = MonoBuffer::new(board.glass_px, board.rotation);
        let open = move || machine.open_mono();
        Box::new(PanelDisplay::new(
            &name,
            settings,
            glass,
            framebuffer,
            Box::new(open),
        ))
    } else {
        let framebuffer = ColourBuffer::new(board.picture_px());
        let open = move || machine.open_colour();
        Box::new(PanelDisplay::new(
            &name,
            settings,
            glass,
            framebuffer,
            Box::new(open),
        ))
    })
}

/// This machine's devices for one board.
struct BoardDevices {
    name: String,
    board: Board,
    panel: PanelSettings,
}

impl BoardDevices {
    fn open_colour(&self) -> Result<Box<dyn Panel<u16>>, DisplayError> {
        let chips = Chips::of_this_machine();
        let interface = self.interface(&chips)?;
        let light = self.light(&chips)?;
        tft::open(&self.board, interface, light, &mut Delay)
            .map_err(|error| DisplayError::show(&self.name, error))
    }

    fn open_mono(&self) -> Result<Box<dyn Panel<u8>>, DisplayError> {
        // An I2C display may need no GPIO chip, and there may be none.
        let chips = Chips::of_this_machine();
        let interface = self.interface(&chips)?;
        let oled = Oled::open(&self.board, interface)
            .map_err(|error| DisplayError::show(&self.name, error))?;
        Ok(Box::new(oled))
    }

    /// Resets the chip and returns the interface to it.
    fn interface(&self, chips: &Chips) -> Result<Box<dyn DisplayInterface>, DisplayError> {
        #[cfg(feature = "rppal")]
        if self.panel.driver == Driver::Rppal {
            let interface = super::rppal::interface(&self.board);
            return interface.map_err(|error| self.unusable(error, super::rppal::WAY_OUT));
        }
        if self.panel.driver == Driver::Rppal {
            let way_out = "Build with `--features rppal`, or set panel.driver = \"kernel\"";
            return Err(self.unusable("this build has no rppal", way_out));
        }
        if let Some(mut line) = self.line(chips, &self.board.reset, true)? {
            reset(&mut line).map_err(|error| DisplayError::show(&self.name, error))?;
        }
        let bus = Path::new(self.board.bus.as_ref());
        if self.board.is_i2c() {
            let device = I2cdev::new(bus)
                .map_err(io::Error::from)
                .map_err(|error| self.unusable(&error, way_out(bus, error.kind())))?;
            return Ok(Box::new(I2cInterface::new(device, self.board.address)));
        }
        let spi = open_spi(bus, self.board.speed_hz)
            .map_err(|error| self.unusable(&error, way_out(bus, error.kind())))?;
        let Some(dc) = self.line(chips, &self.board.dc, false)? else {
            return Err(self.unusable("there is no D/C line", "Set panel.dc"));
        };
        Ok(Box::new(SpiInterface::new(spi, dc, spidev_bytes())))
    }

    fn light(&self, chips: &Chips) -> Result<Backlight, DisplayError> {
        if !self.panel.pwm.is_empty() {
            let pwm = Pwm::open(Path::new("/sys/class/pwm"), &self.panel.pwm).map_err(|error| {
                let way_out = "On a Raspberry Pi add `dtoverlay=pwm-2chan` to /boot/firmware/config.txt and restart, \
                     see deploy/wiring.md; `ls /sys/class/pwm` shows what there is; or empty panel.pwm";
                self.unusable(format!("panel.pwm {}: {error}", self.panel.pwm), way_out)
            })?;
            return Ok(Backlight::Pwm(pwm));
        }
        let line = self.line(chips, &self.board.backlight, false)?;
        Ok(line.map_or(Backlight::Fixed, |line| Backlight::Switch(Box::new(line))))
    }

    fn line(
        &self,
        chips: &Chips,
        pin: &Pin,
        high: bool,
    ) -> Result<Option<OutputLine>, DisplayError> {
        let place = chips
            .place(pin, &self.panel.gpio_chip)
            .map_err(|error| self.gpio(error))?;
        let Some(place) = place else { return Ok(None) };
        let line = OutputLine::open(pin, &place, high).map_err(|error| self.gpio(error))?;
        Ok(Some(line))
    }

    fn gpio(&self, error: GpioError) -> DisplayError {
        // The error already names the way out.
        DisplayError::open(&self.name, error, "See deploy/wiring.md")
    }

    fn unusable(&self, reason: impl ToString, way_out: &str) -> DisplayError {
        DisplayError::open(&self.name, reason, way_out)
    }
}

/// Opens and sets up a spidev: mode 0, as all these chips want it.
///
/// # Errors
/// If the node is not there, may not be opened, or refuses the speed.
pub fn open_spi(path: &Path, speed_hz: u32) -> io::Result<SpidevDevice> {
    let mut spi = linux_embedded_hal::spidev::Spidev::open(path)?;
    let options = SpidevOptions::new()
        .bits_per_word(8)
        .max_speed_hz(speed_hz)
        .mode(SpiModeFlags::SPI_MODE_0)
        .build();
    spi.configure(&options)?;
    Ok(SpidevDevice(spi))
}

/// The way to mend a bus that cannot be opened.
pub fn way_out(bus: &Path, kind: io::ErrorKind) -> &'static str {
    let i2c = bus.to_string_lossy().contains("i2c");
    match kind {
        io::ErrorKind::PermissionDenied if i2c => {
            "Join the groups: sudo usermod -aG i2c,gpio $USER, then log in again"
        }
        io::ErrorKind::PermissionDenied => {
            "Join the groups: sudo usermod -aG spi,gpio $USER, then log in again"
        }
        io::ErrorKind::NotFound if i2c => {
            "On a Raspberry Pi add `dtparam=i2c_arm=on` to /boot/firmware/config.txt (or run raspi-config) and restart; \
             `ls /dev/i2c-*` shows what there is; set panel.bus to it"
        }
        io::ErrorKind::NotFound => {
            "On a Raspberry Pi add `dtparam=spi=on` to /boot/firmware/config.txt (or run raspi-config) and restart; on a \
             Jetson enable SPI1 with /opt/nvidia/jetson-io/jetson-io.py; `ls /dev/spidev*` shows what there is; set \
             panel.bus to it"
        }
        _ => "See deploy/wiring.md; `moodring doctor` looks at each part",
    }
}

/// How many bytes spidev takes in one message.
fn spidev_bytes() -> usize {
    let text = fs::read_to_string("/sys/module/spidev/parameters/bufsiz").unwrap_or_default();
    parse_bytes(&text)
}

fn parse_bytes(text: &str) -> usize {
    let bytes: usize = text.trim().parse().unwrap_or(SPIDEV_BYTES);
    bytes.clamp(SPIDEV_BYTES, MOST_BYTES)
}

/// A pulse on the reset line. 10 us are enough for the slowest chip (ST7796), which is ready 120 ms later.
fn reset(line: &mut impl OutputPin<Error: Into<InterfaceError>>) -> Result<(), InterfaceError> {
    for (high, wait_ms) in [(true, 5), (false, 20), (true, 150)] {
        line.set_state(high.into()).map_err(Into::into)?;
        thread::sleep(Duration::from_millis(wait_ms));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_spi_says_how_to_get_it() {
        let settings = DisplaySettings {
            kind: crate::config::DisplayKind::Spi,
            board: "waveshare-1.3".into(),
            ..DisplaySettings::default()
        };
        let panel: PanelSettings =
            toml::from_str("bus = \"/dev/absent-spidev0.0\"\nreset = \"none\"").unwrap();
        let machine = BoardDevices {
            name: "spi".into(),
            board: panel.board(&settings.board).unwrap(),
            panel: panel.clone(),
        };
        let error = machine
            .interface(&Chips::default())
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("dtparam=spi=on") && error.contains("panel.bus"),
            "{error}"
        );
        // The display as a whole exists even if its panel cannot be opened yet.
        assert!(open(&settings, &panel).is_ok());
    }

    #[test]
    fn denied_buses_name_the_group() {
        let denied = io::ErrorKind::PermissionDenied;
        assert!(way_out(Path::new("/dev/spidev0.0"), denied).contains("spi,gpio"));
        assert!(way_out(Path::new("/dev/i2c-1"), denied).contains("i2c,gpio"));
        assert!(way_out(Path::new("/dev/i2c-1"), io::ErrorKind::NotFound).contains("i2c_arm"));
    }

    #[test]
    fn the_chunk_is_what_spidev_takes() {
        assert_eq!(parse_bytes("4096\n"), 4096);
        assert_eq!(parse_bytes("32768\n"), 32_768);
        assert_eq!(parse_bytes(""), 4096);
        assert_eq!(parse_bytes("0"), 4096);
        assert_eq!(parse_bytes("99999999"), 65_536);
    }
}
