//! Checks the devices of the configured board, part by part, for `moodring doctor`. Sends nothing to the display.

use std::{io, path::Path};

use moodring_base::config::{DisplayKind, LightKind, Settings, board::Board, pin::Pin};

use super::{
    open::{PWM_WAY_OUT, open_spi, way_out},
    pwm,
};
use crate::gpio::{Chips, LineAddress, buttons, pinmux, wires};

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
    let chips = Chips::of_this_machine();
    check_on(settings, &chips, user_of, Path::new(pinmux::DEBUG))
}

/// Which way a line is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Input,
    Output,
}

/// The same with any chips; `user` returns the program that uses a line, `pins_shown` is where the kernel shows how pins
/// are set.
fn check_on(
    settings: &Settings,
    chips: &Chips,
    user: impl Fn(&LineAddress) -> Result<Option<String>, String>,
    pins_shown: &Path,
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
    let wires = wires::wires(settings, chips.jetson.is_some());
    checks.push(found("wires", Ok(wires::describe(&wires))));
    let twice = wires::collisions(&wires);
    checks.extend(twice.into_iter().map(|text| PartCheck {
        part: "wires".into(),
        found: Err(trouble(text, wires::WAY_OUT)),
    }));
    let mut pins = vec![
        ("D/C".to_owned(), board.dc.clone(), Direction::Output),
        ("reset".into(), board.reset.clone(), Direction::Output),
    ];
    if settings.panel.pwm.is_empty() {
        let backlight = board.backlight.clone();
        pins.push(("backlight".into(), backlight, Direction::Output));
    } else {
        checks.push(found("backlight", pwm_channel(&settings.panel.pwm)));
    }
    if settings.display.kind == DisplayKind::Spi {
        let buttons = buttons::wanted(settings).into_iter();
        pins.extend(buttons.map(|(pin, role)| {
            let part = format!("{role:?} button").to_lowercase();
            (part, pin, Direction::Input)
        }));
    }
    if settings.light.kind == LightKind::Rgb {
        let mut led = board.led.clone();
        settings.light.pins.apply(&mut led);
        pins.extend(led.map(|pin| ("LED".into(), pin, Direction::Output)));
    }
    let lines = pins.into_iter().filter(|(_, pin, _)| pin.is_some());
    checks.extend(lines.map(|(part, pin, direction)| {
        PartCheck {
            part,
            found: line(&pin, settings, chips, &user)
                .and_then(|at| jetson_pin(at, &pin, direction, settings, chips, pins_shown)),
        }
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
        open_spi(path, board.speed_hz, board.mode).map(|_| format!("{} at {mhz} MHz", board.bus))
    };
    opened.map_err(|error| {
        let text = format!("{}: {error}", board.bus);
        trouble(text, way_out(path, error.kind()))
    })
}

fn pwm_channel(name: &str) -> Result<String, Problem> {
    let found = pwm::find(Path::new(pwm::CLASS), name);
    found
        .map(|(chip, channel)| format!("{name} is channel {channel} of {}", chip.display()))
        .map_err(|error| trouble(error, PWM_WAY_OUT))
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

const PINMUX: &str =
    "JetPack 6 moves no pin until its pinmux is changed: see \"Pins\" in deploy/jetson.md";

/// What else must be so on a Jetson: the pin is set to do what the line asks of it, and a button has a resistor.
fn jetson_pin(
    at: String,
    pin: &Pin,
    direction: Direction,
    settings: &Settings,
    chips: &Chips,
    pins_shown: &Path,
) -> Result<String, Problem> {
    let label = &settings.panel.gpio_chip;
    if chips.has_pull_ups(label) {
        return Ok(at);
    }
    let resistor = match direction {
        Direction::Input => "; no pull-up here, so wire 10 kOhm from the line to 3.3 V",
        Direction::Output => "",
    };
    let place = chips.place(pin, label).ok().flatten();
    let name = place.and_then(|place| chips.line_name(&place));
    let set = name.map(|name| pinmux::settings(pins_shown, &name));
    match (set, direction) {
        (Some(Ok(Some(set))), Direction::Output) if !set.drives => Err(trouble(
            format!("{at}, but its output is not connected"),
            PINMUX,
        )),
        (Some(Ok(Some(set))), Direction::Input) if !set.reads => Err(trouble(
            format!("{at}, but its input is not connected"),
            PINMUX,
        )),
        (Some(Ok(Some(_))), _) => Ok(format!("{at}, and its pin is set so{resistor}")),
        (Some(Ok(None)) | None, _) => Ok(format!("{at}{resistor}")),
        (Some(Err(_)), _) => Ok(format!(
            "{at}; whether its pin is set so only root can see (sudo moodring doctor){resistor}"
        )),
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
        let chips = Chips {
            all: vec![chip(4, "pinctrl-rp1", &["x"; 54])],
            jetson: None,
        };
        let user = |place: &LineAddress| Ok((place.offset == 24).then(|| "spi0 CS1".to_owned()));
        let checks = check_on(&settings, &chips, user, Path::new("/absent"));
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
        let bare = check_on(&settings, &Chips::default(), user, Path::new("/absent"));
        let dc = bare.iter().find(|c| c.part == "D/C").unwrap();
        assert!(dc.found.as_ref().unwrap_err().text.contains("group `gpio`"));
    }

    #[test]
    fn a_jetsons_pins_are_looked_at_where_the_kernel_shows_them() {
        let text = "[display]\nkind = \"spi\"\nboard = \"mini-pitft-1.3\"\n[panel]\nbus = \"/dev/absent0.0\"\n";
        let settings: Settings = toml::from_str(text).unwrap();
        let chips = Chips {
            all: vec![chip(
                0,
                "tegra234-gpio",
                &["PY.01", "PN.01", "PY.04", "PY.03"],
            )],
            jetson: Some(crate::gpio::header::Jetson::OrinNx),
        };
        let shown = tempfile::tempdir().unwrap();
        let found = |root: &Path, part: &str| {
            let checks = check_on(&settings, &chips, |_| Ok(None), root);
            let check = checks.into_iter().find(|check| check.part == part);
            check.unwrap().found
        };
        let hidden = found(&shown.path().join("absent"), "D/C").unwrap();
        assert!(hidden.contains("sudo moodring doctor"), "{hidden}");
        let main = shown.path().join("2430000.pinmux");
        std::fs::create_dir_all(&main).unwrap();
        let groups = "1 (spi3_miso_py1): \n\ttristate=1\n\tenable-input=0\n\
            2 (soc_gpio39_pn1): \n\ttristate=0\n\tenable-input=0\n\
            3 (spi3_cs1_py4): \n\ttristate=1\n\tenable-input=1\n";
        std::fs::write(main.join("pinconf-groups"), groups).unwrap();
        let dc = found(shown.path(), "D/C").unwrap_err();
        assert!(dc.mend.contains("deploy/jetson.md"), "{dc:?}");
        assert!(found(shown.path(), "backlight").unwrap().contains("set so"));
        let button = found(shown.path(), "camera button").unwrap();
        assert!(button.contains("10 kOhm"), "{button}");
    }

    #[test]
    fn a_wrong_board_is_the_only_finding() {
        let settings: Settings = toml::from_str("[display]\nboard = \"abc\"\n").unwrap();
        let checks = check_on(
            &settings,
            &Chips::default(),
            |_| Ok(None),
            Path::new("/absent"),
        );
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
