//! Backlights: hardware PWM by sysfs, a GPIO line that is on or off, or none that can be switched.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use embedded_hal::digital::OutputPin;

use super::interface::InterfaceError;
use crate::gpio::LineError;

/// A GPIO output that is set high or low.
pub type DigitalOutput = Box<dyn OutputPin<Error = LineError> + Send>;

/// The backlight.
pub enum Backlight {
    /// Always on, or the glass itself shines.
    Fixed,
    /// On or off; high is on.
    Switch(DigitalOutput),
    /// Dimmed by PWM.
    Pwm(Pwm),
}

impl Backlight {
    /// Sets the brightness in percent. Returns how bright the picture must be drawn, for what the light cannot do
    /// itself.
    ///
    /// # Errors
    /// [`InterfaceError`] if the line or the PWM fails.
    pub fn set(&mut self, percent: u8) -> Result<u8, InterfaceError> {
        match self {
            Self::Fixed => Ok(percent),
            Self::Switch(line) => {
                line.set_state((percent > 0).into())?;
                Ok(percent)
            }
            Self::Pwm(pwm) => {
                let set = pwm.set(percent);
                set.map_err(|e| InterfaceError(format!("PWM {}: {e}", pwm.folder.display())))?;
                Ok(100)
            }
        }
    }
}

/// A channel of the kernel's PWM (Documentation/ABI/testing/sysfs-class-pwm).
#[derive(Clone, Debug)]
pub struct Pwm {
    folder: PathBuf,
}

impl Pwm {
    /// 1 kHz: no flicker for an eye, slow enough for the transistor of a backlight.
    const PERIOD_NS: u32 = 1_000_000;
    /// How long udev may take to give a new channel to the group.
    const PATIENCE: Duration = Duration::from_secs(1);

    /// Opens `CHIP:CHANNEL` below `class` (`/sys/class/pwm`), such as `pwmchip0:1`.
    ///
    /// # Errors
    /// If it is not there or may not be written.
    pub fn open(class: &Path, name: &str) -> io::Result<Self> {
        let wrong = || io::Error::other(format!("`{name}` is not CHIP:CHANNEL such as pwmchip0:1"));
        let (chip, channel) = name.split_once(':').ok_or_else(wrong)?;
        let channel: u32 = channel.parse().map_err(|_| wrong())?;
        if chip.is_empty() || !chip.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(wrong());
        }
        let chip = class.join(chip);
        let folder = chip.join(format!("pwm{channel}"));
        if !folder.is_dir() {
            fs::write(chip.join("export"), channel.to_string())?;
        }
        let pwm = Self { folder };
        pwm.prepare()?;
        Ok(pwm)
    }

    fn prepare(&self) -> io::Result<()> {
        let give_up = Instant::now() + Self::PATIENCE;
        // Right after the export, udev has not yet given the files to the group.
        while let Err(error) = self.write("period", Self::PERIOD_NS) {
            let young = matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound
            );
            if !young || Instant::now() > give_up {
                return Err(error);
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.write("duty_cycle", 0)?;
        self.write("enable", 1)
    }

    fn set(&self, percent: u8) -> io::Result<()> {
        self.write(
            "duty_cycle",
            Self::PERIOD_NS / 100 * u32::from(percent.min(100)),
        )
    }

    fn write(&self, file: &str, value: u32) -> io::Result<()> {
        fs::write(self.folder.join(file), value.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pwm_writes_what_the_kernel_wants() {
        let class = tempfile::tempdir().unwrap();
        let channel = class.path().join("pwmchip2/pwm1");
        fs::create_dir_all(&channel).unwrap();
        let mut light = Backlight::Pwm(Pwm::open(class.path(), "pwmchip2:1").unwrap());
        let read = |file: &str| fs::read_to_string(channel.join(file)).unwrap();
        assert_eq!(
            (read("period"), read("enable")),
            ("1000000".into(), "1".into())
        );
        assert_eq!(light.set(25), Ok(100));
        assert_eq!(read("duty_cycle"), "250000");
        light.set(200).unwrap();
        assert_eq!(read("duty_cycle"), "1000000");
    }

    #[test]
    fn a_pwm_that_is_not_there_or_has_no_name_is_an_error() {
        let class = tempfile::tempdir().unwrap();
        for name in ["pwmchip0:0", "pwmchip0", "0", "pwmchip0:x", "../x:1", ":1"] {
            assert!(Pwm::open(class.path(), name).is_err(), "{name}");
        }
    }

    #[test]
    fn what_a_light_cannot_do_the_picture_must() {
        assert_eq!(Backlight::Fixed.set(40), Ok(40));
    }
}
