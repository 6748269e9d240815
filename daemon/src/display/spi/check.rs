//! Checks the devices of the configured board, part by part, for `moodring doctor`. Sends nothing to the display.

use std::{io, path::Path};

use super::open::{open_spi, way_out};
use crate::{
    config::{DisplayKind, LightKind, Settings, board::Board, pin::Pin},
    gpio::{Chips, LineAddress, buttons},
};

/// A part and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartCheck {
    /// The part, such as `bus` or `D/C`.
    pub part: String,
    /// What is there, or what is wrong.
    pub found: Result<String, Problem>,
}

/// A fault, and the way to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub text: String,
    /// What the user can do.
    pub mend: String,
}

/// Checks the bus and every line of the configured board, buttons included.
pub fn check(settings: &Settings) -> Vec<PartCheck> {
    check_on(settings, &Chips::of_this_machine(), user_of)
}

/// The same with any chips; `user` returns the program that uses a line.
fn check_on(
    settings: &Settings,
    chips: &Chips,
    user: impl Fn(&LineAddress) -> Result<Option<String>, String>,
) -> Vec<PartCheck> {
    let board = match settings.panel.board(&settings.display.board) {
        Ok(board) => board,
        Err(error) => {
            let text = "correct it; `moodring config` shows all keys";
            return vec![found("board", Err(trouble(error, text)))];
        }
    };
    let mut checks = vec![
        found("board", Ok(format!("{} ({})", board.name, board.about))),
        found("bus", bus(&board)),
    ];
    let mut pins = vec![
        ("D/C".to_owned(), board.dc.clone()),
        ("reset".into(), board.reset.clone()),
    ];
    if settings.panel.pwm.is_empty() {
        pins.push(("backlight".into(), board.backlight.clone()));
    } else {
        checks.push(found("backlight", pwm(&settings.panel.pwm)));
    }
    if settings.display.kind == DisplayKind::Spi {
        let buttons = buttons::wanted(settings).into_iter();
        pins.extend(buttons.map(|(pin, role)| (format!("{role:?} button").to_lowercase(), pin)));
    }
    if settings.light.kind == LightKind::Rgb {
        let mut led = board.led.clone();
        settings.light.pins.apply(&mut led);
        pins.extend(led.map(|pin| ("LED".into(), pin)));
    }
    let lines = pins.into_iter().filter(|(_, pin)| pin.is_some());
    checks.extend(lines.map(|(part, pin)| PartCheck {
        part,
        found: line(&pin, settings, chips, &user),
    }));
    checks
}

fn found(part: &str, found: Result<String, Problem>) -> PartCheck {
    PartCheck {
        part: part.into(),
        found,
    }
}

fn trouble(text: impl ToString, mend: &str) -> Problem {
    Problem {
        text: text.to_string(),
        mend: mend.into(),
    }
}

fn bus(board: &Board) -> Result<String, Problem> {
    let path = Path::new(board.bus.as_ref());
    let opened = if board.is_i2c() {
        let bus = linux_embedded_hal::I2cdev::new(path);
        bus.map(|_| format!("{}, address {:#04x}", board.bus, board.address))
            .map_err(io::Error::from)
    } else {
        let mhz = board.speed_hz / 1_000_000;
        open_spi(path, board.speed_hz).map(|_| format!("{} at {mhz} MHz", board.bus))
    };
    opened.map_err(|error| {
        let text = format!("{}: {error}", board.bus);
        trouble(text, way_out(path, error.kind()))
    })
}

fn pwm(name: &str) -> Result<String, Problem> {
    let chip = name.split(':').next().unwrap_or_default();
    let path = Path::new("/sys/class/pwm").join(chip);
    if path.is_dir() {
        return Ok(name.into());
    }
    let text = format!("there is no {}", path.display());
    let mend = "on a Raspberry Pi add `dtoverlay=pwm-2chan` to /boot/firmware/config.txt and restart, or empty panel.pwm";
    Err(trouble(text, mend))
}

fn line(
    pin: &Pin,
    settings: &Settings,
    chips: &Chips,
    user: impl Fn(&LineAddress) -> Result<Option<String>, String>,
) -> Result<String, Problem> {
    let place = chips
        .place(pin, &settings.panel.gpio_chip)
        .map_err(|error| trouble(error, "see deploy/wiring.md"))?;
    let Some(place) = place else {
        return Ok("none".into());
    };
    let at = format!("{pin} is line {} of {}", place.offset, place.chip.display());
    match user(&place) {
        Ok(None) => Ok(at),
        Ok(Some(user)) if user == crate::gpio::CONSUMER => Ok(format!("{at}, in use by moodring")),
        Ok(Some(user)) => {
            let text = format!("{at}, and `{user}` holds it");
            Err(trouble(
                text,
                "stop that program, or remove its dtoverlay from /boot/firmware/config.txt",
            ))
        }
        Err(error) => Err(trouble(format!("{at}: {error}"), "see `gpioinfo`")),
    }
}

/// The program that uses a line on this machine.
fn user_of(place: &LineAddress) -> Result<Option<String>, String> {
    let chip = gpiocdev::Chip::from_path(&place.chip).map_err(|error| error.to_string())?;
    let line = chip
        .line_info(place.offset)
        .map_err(|error| error.to_string())?;
    Ok(line.used.then_some(line.consumer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpio::chip::tests::chip;

    #[test]
    fn each_part_is_named_with_what_is_wrong() {
        let text = "[display]\nkind = \"spi\"\nboard = \"waveshare-1.3\"\n[panel]\nbus = \"/dev/absent0.0\"\n";
        let settings: Settings = toml::from_str(text).unwrap();
        let chips = Chips(vec![chip(4, "pinctrl-rp1", &["x"; 54])]);
        let user = |place: &LineAddress| Ok((place.offset == 24).then(|| "spi0 CS1".to_owned()));
        let checks = check_on(&settings, &chips, user);
        let of = |part: &str| &checks.iter().find(|c| c.part == part).unwrap().found;
        assert!(of("board").as_ref().unwrap().contains("Waveshare"));
        assert!(
            of("bus")
                .as_ref()
                .unwrap_err()
                .mend
                .contains("dtparam=spi=on")
        );
        let dc = of("D/C").as_ref().unwrap();
        assert!(
            dc.contains("GPIO25") && dc.contains("/dev/gpiochip4"),
            "{dc}"
        );
        assert!(
            of("backlight")
                .as_ref()
                .unwrap_err()
                .text
                .contains("spi0 CS1")
        );
        assert!(of("camera button").is_ok() && of("picture button").is_ok());
        let bare = check_on(&settings, &Chips::default(), user);
        let dc = bare.iter().find(|c| c.part == "D/C").unwrap();
        assert!(dc.found.as_ref().unwrap_err().text.contains("group `gpio`"));
    }

    #[test]
    fn a_wrong_board_is_the_only_finding() {
        let settings: Settings = toml::from_str("[display]\nboard = \"abc\"\n").unwrap();
        let checks = check_on(&settings, &Chips::default(), |_| Ok(None));
        assert_eq!(checks.len(), 1);
        assert!(
            checks[0]
                .found
                .as_ref()
                .unwrap_err()
                .text
                .contains("display-hat-mini")
        );
    }
}
