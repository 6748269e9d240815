//! What hangs on the header besides a display: a strip, outputs, and pins that two parts want.

use moodring_base::config::Settings;
use moodring_display::gpio::{Chips, wires};

use super::{Finding, bad};

/// Pins that two parts want, where no check of a display names them.
pub(super) fn report_collisions(settings: &Settings, report: &mut impl FnMut(&str, Finding)) {
    let is_jetson = Chips::of_this_machine().jetson.is_some();
    for text in wires::collisions(&wires::wires(settings, is_jetson)) {
        report("wires", bad(text, wires::WAY_OUT));
    }
}

/// The bus of a strip.
pub(super) fn strip(bus: &str) -> Finding {
    match std::fs::metadata(bus) {
        Ok(_) => Finding::Good(format!("a strip on {bus}")),
        Err(error) => bad(
            format!("{bus}: {error}"),
            "switch that SPI bus on by its overlay and restart; deploy/wiring.md, \"Buttons and light\"",
        ),
    }
}

/// Whether the lines of `[outputs]` are there; none where no mood has one. They are not opened: the daemon may hold them.
pub(super) fn outputs(settings: &Settings, chips: &Chips) -> Option<Finding> {
    let lines = settings.outputs.lines();
    let mut all = Vec::new();
    for (pin, moods) in &lines {
        if let Err(error) = chips.place(pin, &settings.panel.gpio_chip) {
            return Some(bad(error, "see deploy/wiring.md, \"Outputs by mood\""));
        }
        let names: Vec<_> = moods.iter().map(|mood| mood.name()).collect();
        all.push(format!("{pin} while {}", names.join(" or ")));
    }
    (!lines.is_empty()).then(|| Finding::Good(all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodring_display::gpio::chip::Chip;

    #[test]
    fn outputs_are_named_and_so_is_a_line_that_is_not_there() {
        let settings: Settings =
            toml::from_str("[outputs]\nhappy = 17\nsurprise = 17\nsad = \"PP.04\"\n").unwrap();
        let with = |lines: &[&str]| {
            let mut names = vec!["x"; 28];
            names.extend(lines);
            let chips = Chips {
                all: vec![Chip {
                    path: "/dev/gpiochip0".into(),
                    label: "pinctrl-rp1".into(),
                    lines: names.iter().map(|&line| line.to_owned()).collect(),
                }],
                jetson: None,
            };
            match outputs(&settings, &chips) {
                Some(Finding::Good(text)) => Ok(text),
                Some(Finding::Bad(text, _)) => Err(text),
                _ => panic!("there are outputs"),
            }
        };
        assert_eq!(
            with(&["PP.04"]),
            Ok("GPIO17 while happy or surprise, PP.04 while sad".into())
        );
        assert!(with(&[]).unwrap_err().contains("PP.04"));
        assert!(outputs(&Settings::default(), &Chips::default()).is_none());
    }
}
