//! Finds the chip and offset of a pin. Chips are data here, so that a test can have a Pi 5 and a Jetson.

use std::path::PathBuf;

use moodring_base::config::pin::Pin;

use super::{GpioError, header::Jetson};

/// Chips with the 40-pin header: Raspberry Pi 4, 5, 3 and older, Jetson Orin and Xavier.
pub const KNOWN: [&str; 5] = [
    "pinctrl-bcm2711",
    "pinctrl-rp1",
    "pinctrl-bcm2835",
    "tegra234-gpio",
    "tegra194-gpio",
];
/// A Jetson's header has lines of two chips, this and `...-gpio-aon`; they differ by their names.
const JETSON: &str = "tegra";
/// The device tree's names of this machine.
const COMPATIBLE: &str = "/proc/device-tree/compatible";

/// A GPIO chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chip {
    /// Its node, such as /dev/gpiochip0.
    pub path: PathBuf,
    /// Its label.
    pub label: String,
    /// The names of its lines, by offset; empty for a line without a name.
    pub lines: Vec<String>,
}

/// A line as the kernel addresses it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LineAddress {
    /// The chip's node.
    pub chip: PathBuf,
    /// The line on it.
    pub offset: u32,
}

/// All chips of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chips {
    /// The chips.
    pub all: Vec<Chip>,
    /// Which Jetson it is, if it is a known one.
    pub jetson: Option<Jetson>,
}

impl Chips {
    /// The chips of this machine that may be opened.
    pub fn of_this_machine() -> Self {
        // A folder that cannot be listed has no chips.
        let paths = gpiocdev::chip::chips().unwrap_or_default();
        let chip = |path: PathBuf| {
            let open = gpiocdev::Chip::from_path(&path).ok()?;
            let names = open.line_info_iter().ok()?;
            Some(Chip {
                label: open.info().ok()?.label,
                lines: names
                    .map(|line| line.map(|l| l.name).unwrap_or_default())
                    .collect(),
                path,
            })
        };
        // A machine without a device tree is no Jetson.
        let compatible = std::fs::read_to_string(COMPATIBLE).unwrap_or_default();
        Self {
            all: paths.into_iter().filter_map(chip).collect(),
            jetson: Jetson::of(&compatible),
        }
    }

    /// Whether the header's chip can pull its lines up. A Jetson's ignores the request, without an error.
    pub fn has_pull_ups(&self, label: &str) -> bool {
        let header = self.header_chip(label);
        !header.is_ok_and(|chip| chip.label.starts_with(JETSON))
    }

    /// The address of a pin; `label` names the chip with the 40-pin header, empty for a known one. `None` for no pin.
    ///
    /// # Errors
    /// [`GpioError`] if there is no such chip or line.
    pub fn place(&self, pin: &Pin, label: &str) -> Result<Option<LineAddress>, GpioError> {
        match pin {
            Pin::None => Ok(None),
            Pin::Gpio(number) => {
                let chip = self.header_chip(label)?;
                self.on_header(chip, *number).map(Some)
            }
            Pin::Line(name) => self.by_name(name, label).map(Some),
        }
    }

    /// The chip with the 40-pin header.
    ///
    /// # Errors
    /// [`GpioError`] if it is not there.
    pub fn header_chip(&self, label: &str) -> Result<&Chip, GpioError> {
        if self.all.is_empty() {
            return Err(GpioError::NoChip);
        }
        let wanted: &[&str] = if label.is_empty() { &KNOWN } else { &[label] };
        let found = wanted
            .iter()
            .find_map(|label| self.all.iter().find(|chip| chip.label == *label));
        found.ok_or_else(|| GpioError::NoSuchChip {
            wanted: wanted.join(" or "),
            there: self.labels(),
        })
    }

    /// The kernel's name of a line.
    pub fn line_name(&self, place: &LineAddress) -> Option<String> {
        let chip = self.all.iter().find(|chip| chip.path == place.chip)?;
        chip.lines.get(usize::try_from(place.offset).ok()?).cloned()
    }

    fn on_header(&self, chip: &Chip, number: u8) -> Result<LineAddress, GpioError> {
        let missing = || GpioError::NoSuchLine {
            pin: Pin::Gpio(number).to_string(),
            chip: chip.label.clone(),
        };
        if chip.label.starts_with(JETSON) {
            let jetson = self.jetson.ok_or(GpioError::UnknownJetson)?;
            let name = jetson.line(number).ok_or_else(missing)?;
            return self.by_name(name, "");
        }
        if usize::from(number) >= chip.lines.len() {
            return Err(missing());
        }
        Ok(LineAddress {
            chip: chip.path.clone(),
            offset: number.into(),
        })
    }

    fn by_name(&self, name: &str, label: &str) -> Result<LineAddress, GpioError> {
        if self.all.is_empty() {
            return Err(GpioError::NoChip);
        }
        let here = |chip: &&Chip| label.is_empty() || chip.label == label;
        let found = self.all.iter().filter(here).find_map(|chip| {
            let offset = chip.lines.iter().position(|line| line == name)?;
            Some(LineAddress {
                chip: chip.path.clone(),
                offset: u32::try_from(offset).ok()?,
            })
        });
        found.ok_or_else(|| GpioError::NoSuchLine {
            pin: name.into(),
            chip: if label.is_empty() {
                self.labels()
            } else {
                label.into()
            },
        })
    }

    fn labels(&self) -> String {
        let labels: Vec<_> = self.all.iter().map(|chip| chip.label.as_str()).collect();
        labels.join(", ")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn chip(number: u32, label: &str, lines: &[&str]) -> Chip {
        Chip {
            path: format!("/dev/gpiochip{number}").into(),
            label: label.into(),
            lines: lines.iter().map(|&line| line.to_owned()).collect(),
        }
    }

    fn pi(all: Vec<Chip>) -> Chips {
        Chips { all, jetson: None }
    }

    fn place(number: u32, offset: u32) -> Result<Option<LineAddress>, GpioError> {
        let chip = format!("/dev/gpiochip{number}").into();
        Ok(Some(LineAddress { chip, offset }))
    }

    #[test]
    fn a_pi_5_has_its_header_on_the_chip_of_that_label() {
        let power = chip(0, "gpio-brcmstb@107d508500", &["a"; 32]);
        let rp1 = chip(4, "pinctrl-rp1", &["x"; 54]);
        let chips = pi(vec![power, rp1]);
        assert_eq!(chips.place(&Pin::Gpio(25), ""), place(4, 25));
        assert_eq!(chips.place(&Pin::None, ""), Ok(None));
        let own = chips.place(&Pin::Gpio(3), "gpio-brcmstb@107d508500");
        assert_eq!(own, place(0, 3));
    }

    #[test]
    fn a_jetson_has_names_where_a_pi_has_numbers() {
        let aon = chip(1, "tegra234-gpio-aon", &["PAA.00"; 32]);
        let main = chip(0, "tegra234-gpio", &["PA.00", "PY.00", "PY.01", "PH.07"]);
        let chips = Chips {
            all: vec![aon, main],
            jetson: Some(Jetson::OrinNx),
        };
        assert_eq!(chips.place(&Pin::Gpio(25), ""), place(0, 2));
        assert_eq!(chips.place(&Pin::Line("PH.07".into()), ""), place(0, 3));
        assert_eq!(chips.place(&Pin::Line("PAA.00".into()), ""), place(1, 0));
        let missing = chips.place(&Pin::Gpio(14), "").unwrap_err().to_string();
        assert!(
            missing.contains("GPIO14") && missing.contains("tegra234-gpio"),
            "{missing}"
        );
    }

    #[test]
    fn an_agx_orin_is_no_orin_nx_and_an_unknown_jetson_is_neither() {
        let aon = chip(1, "tegra234-gpio-aon", &["PAA.00", "PAA.01", "PBB.01"]);
        let main = chip(0, "tegra234-gpio", &["PY.01", "PP.04", "PR.00"]);
        let mut chips = Chips {
            all: vec![main, aon],
            jetson: Some(Jetson::AgxOrin),
        };
        assert_eq!(chips.place(&Pin::Gpio(25), ""), place(0, 1));
        assert_eq!(chips.place(&Pin::Gpio(27), ""), place(0, 2));
        // Its header has lines of the always-on chip, too.
        assert_eq!(chips.place(&Pin::Gpio(23), ""), place(1, 2));
        assert!(!chips.has_pull_ups(""));
        chips.jetson = None;
        let error = chips.place(&Pin::Gpio(25), "").unwrap_err().to_string();
        assert!(error.contains("PP.04"), "{error}");
        assert_eq!(chips.place(&Pin::Line("PP.04".into()), ""), place(0, 1));
        assert!(pi(vec![chip(4, "pinctrl-rp1", &["x"; 54])]).has_pull_ups(""));
    }

    #[test]
    fn what_is_missing_is_named_with_the_way_out() {
        let text = |chips: &Chips, pin| chips.place(&pin, "").unwrap_err().to_string();
        assert!(text(&pi(vec![]), Pin::Gpio(1)).contains("usermod -aG gpio"));
        assert!(text(&pi(vec![]), Pin::Line("A".into())).contains("usermod -aG gpio"));
        let pc = pi(vec![chip(0, "INT34C5:00", &["a", "b"])]);
        let error = text(&pc, Pin::Gpio(1));
        assert!(
            error.contains("INT34C5:00") && error.contains("pinctrl-rp1"),
            "{error}"
        );
        assert!(text(&pc, Pin::Line("c".into())).contains("gpioinfo"));
        let small = pi(vec![chip(0, "pinctrl-rp1", &["a", "b"])]);
        assert!(text(&small, Pin::Gpio(2)).contains("GPIO2"));
    }

    #[test]
    fn this_machine_can_be_asked() {
        // What it has differs; it must not fail.
        let chips = Chips::of_this_machine();
        assert!(chips.all.iter().all(|chip| !chip.label.is_empty()));
    }
}
