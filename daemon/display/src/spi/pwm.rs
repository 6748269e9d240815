//! A channel of the kernel's PWM (Documentation/ABI/testing/sysfs-class-pwm), found by its device's name.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// Where the kernel shows its PWM chips.
pub const CLASS: &str = "/sys/class/pwm";

/// A channel that is switched on.
#[derive(Clone, Debug)]
pub struct Pwm {
    folder: PathBuf,
    period_ns: u32,
}

impl fmt::Display for Pwm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.folder.display().fmt(f)
    }
}

impl Pwm {
    /// 1 kHz: no flicker for an eye, slow enough for the transistor of a backlight.
    const PERIOD_NS: u32 = 1_000_000;
    /// How long udev may take to give a new channel to the group.
    const UDEV_TIMEOUT: Duration = Duration::from_secs(1);

    /// Opens `DEVICE:CHANNEL` below `class` ([`CLASS`]), such as `1f00098000.pwm:2`, or `CHIP:CHANNEL`, such as
    /// `pwmchip0:1`. A device keeps its name; the chips' numbers change from kernel to kernel.
    ///
    /// # Errors
    /// If it is not there or may not be written.
    pub fn open(class: &Path, name: &str) -> io::Result<Self> {
        let (chip, channel) = find(class, name)?;
        let folder = chip.join(format!("pwm{channel}"));
        if !folder.is_dir() {
            fs::write(chip.join("export"), channel.to_string())?;
        }
        let mut pwm = Self {
            folder,
            period_ns: Self::PERIOD_NS,
        };
        pwm.prepare()?;
        Ok(pwm)
    }

    fn prepare(&mut self) -> io::Result<()> {
        let give_up = Instant::now() + Self::UDEV_TIMEOUT;
        // Right after the export, udev has not yet given the files to the group. A duty of 0 fits every period.
        while let Err(error) = self.write("duty_cycle", 0) {
            let young = matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound
            );
            if !young || Instant::now() > give_up {
                return Err(error);
            }
            thread::sleep(Duration::from_millis(20));
        }
        // A chip whose channels share one period may refuse another one; then what is set serves as well.
        if let Err(error) = self.write("period", self.period_ns) {
            self.period_ns = self.read("period").ok_or(error)?;
        }
        self.write("enable", 1)
    }

    /// Sets the duty in percent.
    ///
    /// # Errors
    /// If the kernel refuses it.
    pub fn set(&mut self, percent: u8) -> io::Result<()> {
        let duty = u64::from(self.period_ns) * u64::from(percent.min(100)) / 100;
        // At most the period, which is a `u32`.
        self.write("duty_cycle", duty as u32)
    }

    fn write(&self, file: &str, value: u32) -> io::Result<()> {
        fs::write(self.folder.join(file), value.to_string())
    }

    fn read(&self, file: &str) -> Option<u32> {
        let text = fs::read_to_string(self.folder.join(file)).ok()?;
        text.trim().parse().ok().filter(|period| *period > 0)
    }
}

/// The chip's folder and the channel that `name` means.
///
/// # Errors
/// If the name has another form, or if there is no such chip; the text lists those that there are.
pub fn find(class: &Path, name: &str) -> io::Result<(PathBuf, u32)> {
    let wrong = || {
        io::Error::other(format!(
            "`{name}` is not DEVICE:CHANNEL such as 1f00098000.pwm:2 or pwmchip0:1"
        ))
    };
    let (wanted, channel) = name.rsplit_once(':').ok_or_else(wrong)?;
    let channel: u32 = channel.parse().map_err(|_| wrong())?;
    if wanted.is_empty() || wanted.contains('/') || wanted.starts_with('.') {
        return Err(wrong());
    }
    let chips = chips(class);
    let is_it = |(chip, device): &&(String, String)| chip == wanted || device == wanted;
    let Some((chip, _)) = chips.iter().find(is_it) else {
        let there: Vec<_> = chips
            .iter()
            .map(|(chip, device)| format!("{device} ({chip})"))
            .collect();
        let there = match there[..] {
            [] => "none".into(),
            _ => there.join(", "),
        };
        let text = format!("no {wanted} in {}; there is: {there}", class.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, text));
    };
    Ok((class.join(chip), channel))
}

/// Each chip and the name of its device.
fn chips(class: &Path) -> Vec<(String, String)> {
    // A folder that cannot be read has none.
    let files = fs::read_dir(class).into_iter().flatten().flatten();
    let chip = |file: fs::DirEntry| {
        let chip = file.file_name().into_string().ok()?;
        let device = fs::canonicalize(file.path().join("device")).ok();
        let name = device.and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
        Some((chip, name.unwrap_or_default()))
    };
    let mut chips: Vec<_> = files.filter_map(chip).collect();
    chips.sort();
    chips
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A class folder with a chip whose device has this name.
    fn class(chip: &str, device: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let (chip, device) = (root.path().join(chip), root.path().join(".d").join(device));
        fs::create_dir_all(chip.join("pwm1")).unwrap();
        fs::create_dir_all(&device).unwrap();
        std::os::unix::fs::symlink(device, chip.join("device")).unwrap();
        root
    }

    #[test]
    fn it_writes_what_the_kernel_wants() {
        let root = class("pwmchip2", "1f00098000.pwm");
        let read = |file: &str| fs::read_to_string(root.path().join("pwmchip2/pwm1").join(file));
        for name in ["pwmchip2:1", "1f00098000.pwm:1"] {
            let mut pwm = Pwm::open(root.path(), name).unwrap();
            let made = (read("period").unwrap(), read("enable").unwrap());
            assert_eq!(made, ("1000000".into(), "1".into()));
            pwm.set(25).unwrap();
            assert_eq!(read("duty_cycle").unwrap(), "250000");
            pwm.set(200).unwrap();
            assert_eq!(read("duty_cycle").unwrap(), "1000000");
        }
    }

    #[test]
    fn a_device_keeps_its_name_when_the_chips_are_numbered_anew() {
        for chip in ["pwmchip0", "pwmchip2", "pwmchip5"] {
            let root = class(chip, "fe20c000.pwm");
            let found = find(root.path(), "fe20c000.pwm:1").unwrap();
            assert_eq!(found, (root.path().join(chip), 1));
        }
    }

    #[test]
    fn what_is_not_there_or_has_no_name_is_an_error() {
        let root = class("pwmchip2", "fe20c000.pwm");
        for name in ["pwmchip0", "0", "pwmchip2:x", "../x:1", ":1", "", "..:1"] {
            assert!(Pwm::open(root.path(), name).is_err(), "{name}");
        }
        let error = find(root.path(), "1f00098000.pwm:2").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("fe20c000.pwm (pwmchip2)"), "{text}");
    }
}
