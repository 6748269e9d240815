//! Finds the chip and offset of a pin. Chips are data here, so that a test can have a Pi 5 and a Jetson.

use std::path::PathBuf;

use super::{GpioError, header};
use crate::config::pin::Pin;

/// Chips with the 40-pin header: Raspberry Pi 4, 5, 3 and older, Jetson Orin.
pub const KNOWN: [&str; 4] = ["pinctrl-bcm2711", "pinctrl-rp1", "pinctrl-bcm2835", ORIN];
const ORIN: &str = "tegra234-gpio";

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
pub struct Chips(pub Vec<Chip>);

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
        Self(paths.into_iter().filter_map(chip).collect())
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
        if self.0.is_empty() {
            return Err(GpioError::NoChip);
        }
        let wanted: &[&str] = if label.is_empty() { &KNOWN } else { &[label] };
        let found = wanted
            .iter()
            .find_map(|label| self.0.iter().find(|chip| chip.label == *label));
        found.ok_or_else(|| GpioError::NoSuchChip {
            wanted: wanted.join(" or "),
            there: self.labels(),
        })
    }

    fn on_header(&self, chip: &Chip, number: u8) -> Result<LineAddress, GpioError> {
        let missing = || GpioError::NoSuchLine {
            pin: Pin::Gpio(number).to_string(),
            chip: chip.label.clone(),
        };
        if chip.label == ORIN {
            let name = header::orin_line(number).ok_or_else(missing)?;
            return self.by_name(name, ORIN);
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
        if self.0.is_empty() {
            return Err(GpioError::NoChip);
        }
        let here = |chip: &&Chip| label.is_empty() || chip.label == label;
        let found = self.0.iter().filter(here).find_map(|chip| {
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
        let labels: Vec<_> = self.0.iter().map(|chip| chip.label.as_str()).collect();
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

    fn place(number: u32, offset: u32) -> Result<Option<LineAddress>, GpioError> {
        let chip = format!("/dev/gpiochip{number}").into();
        Ok(Some(LineAddress { chip, offset }))
    }

    #[test]
    fn a_pi_5_has_its_header_where_the_label_says() {
        let power = chip(0, "gpio-brcmstb@107d508500", &["a"; 32]);
        let rp1 = chip(4, "pinctrl-rp1", &["x"; 54]);
        let chips = Chips(vec![power, rp1]);
        assert_eq!(chips.place(&Pin::Gpio(25), ""), place(4, 25));
        assert_eq!(chips.place(&Pin::None, ""), Ok(None));
        let own = chips.place(&Pin::Gpio(3), "gpio-brcmstb@107d508500");
        assert_eq!(own, place(0, 3));
    }

    #[test]
    fn a_jetson_has_names_where_a_pi_has_numbers() {
        let aon = chip(1, "tegra234-gpio-aon", &["PAA.00"; 32]);
        let main = chip(0, "tegra234-gpio", &["PA.00", "PY.00", "PY.01", "PH.07"]);
        let chips = Chips(vec![aon, main]);
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
    fn what_is_missing_is_named_with_the_way_out() {
        let text = |chips: &Chips, pin| chips.place(&pin, "").unwrap_err().to_string();
        assert!(text(&Chips(vec![]), Pin::Gpio(1)).contains("usermod -aG gpio"));
        assert!(text(&Chips(vec![]), Pin::Line("A".into())).contains("usermod -aG gpio"));
        let pc = Chips(vec![chip(0, "INT34C5:00", &["a", "b"])]);
        let error = text(&pc, Pin::Gpio(1));
        assert!(
            error.contains("INT34C5:00") && error.contains("pinctrl-rp1"),
            "{error}"
        );
        assert!(text(&pc, Pin::Line("c".into())).contains("gpioinfo"));
        let small = Chips(vec![chip(0, "pinctrl-rp1", &["a", "b"])]);
        assert!(text(&small, Pin::Gpio(2)).contains("GPIO2"));
    }

    #[test]
    fn this_machine_can_be_asked() {
        // What it has differs; it must not fail.
        let chips = Chips::of_this_machine();
        assert!(chips.0.iter().all(|chip| !chip.label.is_empty()));
    }
}
