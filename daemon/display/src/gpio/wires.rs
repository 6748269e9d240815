//! Which part of the settings is on which pin of the header, for people who wire and for `doctor`; and what is on one pin
//! twice.

use moodring_base::config::{DisplayKind, LightKind, Settings, board::Board, pin::Pin};

use super::{buttons, header::header_pin};

/// A part's wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wire {
    /// What it is for, such as `D/C`.
    pub part: String,
    /// Where it goes.
    pub pin: Pin,
}

/// The lines of an SPI device on the header, by the Pi's numbers: data, clock and chip select, and the input that displays
/// leave unused. Empty where the pins depend on the Pi or on an overlay.
fn spi_lines(bus: &str, is_jetson: bool) -> Vec<(&'static str, u8)> {
    let device = bus
        .strip_prefix("/dev/spidev")
        .and_then(|rest| rest.split_once('.'));
    let Some((number, select)) = device else {
        return vec![];
    };
    let (data, clock, input, selects): (_, _, _, &[u8]) = match number {
        "0" => (10, 11, 9, &[8, 7]),
        // NVIDIA's SPI3.
        "1" if is_jetson => (26, 27, 25, &[24, 23]),
        _ if is_jetson => return vec![],
        "1" | "6" => (20, 21, 19, &[18, 17, 16]),
        "5" => (14, 15, 13, &[12]),
        _ => return vec![],
    };
    let select = select.parse().ok().and_then(|at: usize| selects.get(at));
    let mut lines = vec![("data", data), ("clock", clock), ("input", input)];
    lines.extend(select.map(|gpio| ("chip select", *gpio)));
    lines
}

/// All wires of the display, the buttons, the light and the outputs, as far as they are known.
pub fn wires(settings: &Settings, is_jetson: bool) -> Vec<Wire> {
    let mut wires = Vec::new();
    let mut add = |part: String, pin: Pin| {
        if pin.is_some() {
            wires.push(Wire { part, pin });
        }
    };
    let board = settings.panel.board(&settings.display.board).ok();
    if settings.display.kind == DisplayKind::Spi
        && let Some(board) = &board
    {
        for (part, pin) in display_wires(board, is_jetson, settings.panel.pwm.is_empty()) {
            add(format!("display's {part}"), pin);
        }
    }
    for (pin, role) in buttons::wanted(settings) {
        add(format!("{role:?} button").to_lowercase(), pin);
    }
    match settings.light.kind {
        LightKind::None => {}
        LightKind::Rgb => {
            let mut led = board.map(|board| board.led).unwrap_or_default();
            settings.light.pins.apply(&mut led);
            for (colour, pin) in ["red", "green", "blue"].into_iter().zip(led) {
                add(format!("LED's {colour}"), pin);
            }
        }
        LightKind::Ws2812 => {
            // The bus takes all its lines, though the strip needs one.
            for (part, gpio) in spi_lines(&settings.light.bus, is_jetson) {
                let moved = match part {
                    "chip select" => " (unless cs0_pin of its overlay moves it)",
                    _ => "",
                };
                add(format!("strip's {part}{moved}"), Pin::Gpio(gpio));
            }
        }
    }
    for (pin, moods) in settings.outputs.lines() {
        let names: Vec<_> = moods.iter().map(|mood| mood.name()).collect();
        add(format!("output of {}", names.join(" and ")), pin);
    }
    wires
}

fn display_wires(board: &Board, is_jetson: bool, line_lights: bool) -> Vec<(&'static str, Pin)> {
    let mut wires: Vec<_> = if board.is_i2c() {
        let known = board.bus == "/dev/i2c-1";
        let lines = [("SDA", 2), ("SCL", 3)].into_iter().filter(|_| known);
        lines.map(|(part, gpio)| (part, Pin::Gpio(gpio))).collect()
    } else {
        let lines = spi_lines(&board.bus, is_jetson).into_iter();
        let used = lines.filter(|(part, _)| *part != "input");
        used.map(|(part, gpio)| (part, Pin::Gpio(gpio))).collect()
    };
    wires.push(("D/C", board.dc.clone()));
    wires.push(("reset", board.reset.clone()));
    if line_lights {
        wires.push(("backlight", board.backlight.clone()));
    }
    wires
}

/// The wires as a sentence for people: each part with its line and its pin of the header.
pub fn describe(wires: &[Wire]) -> String {
    let wire = |wire: &Wire| match &wire.pin {
        Pin::Gpio(gpio) => match header_pin(*gpio) {
            Some(pin) => format!("{} GPIO{gpio} (pin {pin})", wire.part),
            None => format!("{} GPIO{gpio}", wire.part),
        },
        other => format!("{} {other}", wire.part),
    };
    wires.iter().map(wire).collect::<Vec<_>>().join(", ")
}

/// Each pin that two parts want: such a pin serves one of them at best.
pub fn collisions(wires: &[Wire]) -> Vec<String> {
    let mut found = Vec::new();
    for (at, wire) in wires.iter().enumerate() {
        let earlier = wires[..at].iter().find(|other| other.pin == wire.pin);
        if let Some(other) = earlier {
            found.push(format!(
                "{} is wanted twice: by the {} and by the {}",
                wire.pin, other.part, wire.part
            ));
        }
    }
    found
}

/// What can be done about it.
pub const WAY_OUT: &str = "move one of them: `panel`, `buttons` and `outputs` take other lines, and a strip may hang on another SPI bus \
     (light.bus, see deploy/wiring.md)";

#[cfg(test)]
mod tests {
    use super::*;
    use moodring_base::config::board::BOARDS;

    fn settings(text: &str) -> Settings {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn the_wires_of_a_board_are_named_with_their_pins() {
        let text = "[display]\nkind = \"spi\"\nboard = \"waveshare-1.44\"\n";
        let text = describe(&wires(&settings(text), false));
        for part in [
            "display's data GPIO10 (pin 19)",
            "display's clock GPIO11 (pin 23)",
            "display's chip select GPIO8 (pin 24)",
            "display's D/C GPIO25 (pin 22)",
            "display's reset GPIO27 (pin 13)",
            "display's backlight GPIO24 (pin 18)",
            "camera button GPIO21 (pin 40)",
        ] {
            assert!(text.contains(part), "{text}");
        }
        let oled = describe(&wires(
            &settings("[display]\nkind = \"spi\"\nboard = \"ssd1306\"\n"),
            false,
        ));
        assert_eq!(
            oled,
            "display's SDA GPIO2 (pin 3), display's SCL GPIO3 (pin 5)"
        );
        assert_eq!(wires(&settings(""), false), []);
    }

    #[test]
    fn an_output_may_serve_two_moods_but_no_other_part() {
        let text = "[display]\nkind = \"spi\"\nboard = \"waveshare-1.44\"\n[outputs]\nhappy = 17\nsad = 17\n";
        let free = wires(&settings(text), false);
        assert_eq!(collisions(&free), [""; 0]);
        assert!(describe(&free).contains("output of happy and sad GPIO17 (pin 11)"));
        let taken = wires(&settings(&text.replace("17", "25")), false);
        assert_eq!(
            collisions(&taken),
            ["GPIO25 is wanted twice: by the display's D/C and by the output of happy and sad"]
        );
    }

    #[test]
    fn no_board_wants_a_pin_twice() {
        for board in BOARDS.iter() {
            let text = format!("[display]\nkind = \"spi\"\nboard = \"{}\"\n", board.name);
            let all = wires(&settings(&text), false);
            assert_eq!(collisions(&all), [""; 0], "{}", board.name);
            assert!(!all.is_empty(), "{}", board.name);
        }
    }

    #[test]
    fn a_strip_on_spi1_wants_the_backlight_of_modules_and_the_keys_of_hats() {
        let found = |board: &str, bus: &str| {
            let text = format!(
                "[display]\nkind = \"spi\"\nboard = \"{board}\"\n[light]\nkind = \"ws2812\"\nbus = \"{bus}\"\n"
            );
            collisions(&wires(&settings(&text), false))
        };
        let module = found("st7789-240x240", "/dev/spidev1.0");
        assert_eq!(module.len(), 1, "{module:?}");
        assert!(
            module[0].contains("GPIO18") && module[0].contains("backlight"),
            "{module:?}"
        );
        for hat in ["waveshare-1.3", "waveshare-1.44", "sh1106-spi"] {
            let hat = found(hat, "/dev/spidev1.0");
            assert!(hat.iter().any(|text| text.contains("GPIO20")), "{hat:?}");
            assert!(hat.iter().any(|text| text.contains("GPIO21")), "{hat:?}");
        }
        let jetson = "[display]\nkind = \"spi\"\n[light]\nkind = \"ws2812\"\n";
        let jetson = collisions(&wires(&settings(jetson), true));
        assert!(jetson.iter().any(|text| text.contains("D/C")), "{jetson:?}");
        for board in ["st7789-240x240", "waveshare-1.3", "sh1106-spi", "ssd1306"] {
            assert_eq!(found(board, "/dev/spidev5.0"), [""; 0], "{board}");
        }
    }
}
