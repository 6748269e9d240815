//! Opens a board of the settings on this machine: spidev or i2c-dev, GPIO lines, and the backlight.

use std::{fs, io, path::Path, thread, time::Duration};

use embedded_hal::digital::OutputPin;
use linux_embedded_hal::{
    Delay, I2cdev, SpidevDevice,
    spidev::{SpiModeFlags, SpidevOptions},
};
use moodring_base::config::{
    DisplaySettings, PanelSettings,
    board::{ActiveLevel, Board, PanelChip, SpiMode},
    panel::Driver,
    pin::Pin,
};
use moodring_face::picture::ScreenShape;

use super::{
    super::{Display, DisplayError},
    backlight::{ActiveLow, Backlight},
    framebuffer::{ColourBuffer, MonoBuffer},
    interface::{DisplayInterface, I2cInterface, InterfaceError, SpiInterface, WithHeldLine},
    oled::Oled,
    panel::Panel,
    panel_display::PanelDisplay,
    pwm::{self, Pwm},
    tft,
};
use crate::gpio::{Chips, GpioError, OutputLine};

/// What spidev takes in one message unless its module was configured otherwise.
const SPIDEV_BYTES: usize = 4096;
/// Longer messages would hold up the other chip on the bus.
const MOST_BYTES: usize = 65_536;

/// The way to mend a PWM that cannot be used.
pub(super) const PWM_WAY_OUT: &str = "On a Raspberry Pi add `dtoverlay=pwm-2chan` to /boot/firmware/config.txt and restart, see \
     deploy/wiring.md; `ls -l /sys/class/pwm` shows what there is; or empty panel.pwm";

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
    let shape = match board.controller {
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
        let open = Box::new(move || machine.open_mono());
        let display = PanelDisplay::new(&name, settings, shape, framebuffer, open);
        Box::new(display.with_new_set_up().with_pixel_shift())
    } else {
        let framebuffer = ColourBuffer::new(board.picture_px());
        let open = Box::new(move || machine.open_colour());
        let display =
            PanelDisplay::new(&name, settings, shape, framebuffer, open).with_new_set_up();
        if board.controller.is_oled() {
            Box::new(display.with_pixel_shift())
        } else {
            Box::new(display)
        }
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

    /// Resets the chip and returns the interface to it. It holds every line that the chip needs.
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
        let mut reset_line = self.line(chips, &self.board.reset, true)?;
        if let Some(line) = &mut reset_line {
            reset(line).map_err(|error| DisplayError::show(&self.name, error))?;
        }
        let interface = self.wire(chips)?;
        Ok(match reset_line {
            Some(line) => Box::new(WithHeldLine::new(interface, line)),
            None => interface,
        })
    }

    /// The bus, with the D/C line if it has one.
    fn wire(&self, chips: &Chips) -> Result<Box<dyn DisplayInterface>, DisplayError> {
        let bus = Path::new(self.board.bus.as_ref());
        if self.board.is_i2c() {
            let device = I2cdev::new(bus)
                .map_err(io::Error::from)
                .map_err(|error| self.unusable(&error, way_out(bus, error.kind())))?;
            return Ok(Box::new(I2cInterface::new(device, self.board.address)));
        }
        let spi = open_spi(bus, self.board.speed_hz, self.board.mode)
            .map_err(|error| self.unusable(&error, way_out(bus, error.kind())))?;
        let Some(dc) = self.line(chips, &self.board.dc, false)? else {
            return Err(self.unusable("there is no D/C line", "Set panel.dc"));
        };
        Ok(Box::new(SpiInterface::new(spi, dc, spidev_bytes())))
    }

    /// The backlight: PWM if the settings name one that works, else the line. A display with a picture and full light is
    /// of more use than a dark one.
    fn light(&self, chips: &Chips) -> Result<Backlight, DisplayError> {
        if !self.panel.pwm.is_empty() {
            match Pwm::open(Path::new(pwm::CLASS), &self.panel.pwm) {
                Ok(pwm) => return Ok(Backlight::Pwm(pwm)),
                Err(error) => tracing::warn!(
                    "display {}: panel.pwm {}: {error}; the backlight's line serves instead. {PWM_WAY_OUT}",
                    self.name,
                    self.panel.pwm
                ),
            }
        }
        let active = self.board.backlight_active;
        let off = active == ActiveLevel::Low;
        let line = match self.line(chips, &self.board.backlight, off) {
            // Where PWM was meant to feed the light, the line may be missing, or be the PWM's.
            Err(error) if !self.panel.pwm.is_empty() => {
                tracing::warn!("the backlight stays as it is: {error}");
                None
            }
            line => line?,
        };
        Ok(match (line, active) {
            (None, _) => Backlight::Fixed,
            (Some(line), ActiveLevel::High) => Backlight::Switch(Box::new(line)),
            (Some(line), ActiveLevel::Low) => Backlight::Switch(Box::new(ActiveLow(line))),
        })
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

/// Opens and sets up a spidev.
///
/// # Errors
/// If the node is not there, may not be opened, or refuses the speed or the mode.
pub fn open_spi(path: &Path, speed_hz: u32, mode: SpiMode) -> io::Result<SpidevDevice> {
    let mut spi = linux_embedded_hal::spidev::Spidev::open(path)?;
    let options = SpidevOptions::new()
        .bits_per_word(8)
        .max_speed_hz(speed_hz)
        .mode(match mode {
            SpiMode::Mode0 => SpiModeFlags::SPI_MODE_0,
            SpiMode::Mode1 => SpiModeFlags::SPI_MODE_1,
            SpiMode::Mode2 => SpiModeFlags::SPI_MODE_2,
            SpiMode::Mode3 => SpiModeFlags::SPI_MODE_3,
        })
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
    fn the_error_on_a_machine_without_spi_names_the_way_to_it() {
        let settings = DisplaySettings {
            kind: moodring_base::config::DisplayKind::Spi,
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
