//! A light in the mood's colour beside the display: an LED on three GPIO lines, or a WS2812 strip on SPI.

use std::path::PathBuf;

use embedded_graphics::{
    pixelcolor::Rgb888,
    prelude::{RgbColor, WebColors},
};
use embedded_hal::spi::SpiDevice;
use linux_embedded_hal::SpidevDevice;
use moodring_base::{
    config::{LightKind, LightSettings, Settings, board::SpiMode, pin::Pin},
    snapshot::Snapshot,
};
use moodring_core::{expression::Expression, mood::Mood};

use super::{
    Display,
    beside::{Output, OutputKind, WithOutput},
    spi::{backlight::DigitalOutput, interface::InterfaceError, open},
};
use crate::gpio::{Chips, OutputLine};

/// The colour of the mood; black for nobody, and while the camera does not run.
fn colour(snapshot: &Snapshot) -> Rgb888 {
    if !snapshot.camera.is_seeing() {
        return Rgb888::BLACK;
    }
    match snapshot.mood.mood() {
        Mood::Showing(expression) => match expression {
            Expression::Angry => Rgb888::RED,
            Expression::Disgust => Rgb888::GREEN,
            Expression::Fear => Rgb888::MAGENTA,
            Expression::Happy => Rgb888::YELLOW,
            Expression::Sad => Rgb888::BLUE,
            Expression::Surprise => Rgb888::CYAN,
            Expression::Neutral => Rgb888::WHITE,
        },
        Mood::Uncertain => Rgb888::CSS_DIM_GRAY,
        Mood::Nobody => Rgb888::BLACK,
    }
}

/// Adds the light of the settings to the display, if there is one.
pub(super) fn with(
    display: Box<dyn Display + Send>,
    settings: &Settings,
) -> Box<dyn Display + Send> {
    if settings.light.kind == LightKind::None {
        return display;
    }
    let settings = settings.clone();
    let kind = OutputKind {
        name: "the light",
        state: |snapshot, on| if on { colour(snapshot) } else { Rgb888::BLACK },
        off: Rgb888::BLACK,
    };
    let open = Box::new(move || open_light(&settings));
    Box::new(WithOutput::new(display, kind, open))
}

/// A light shows colours; black is off.
type MoodLight = Box<dyn Output<Rgb888>>;

fn open_light(settings: &Settings) -> Result<MoodLight, InterfaceError> {
    let light = &settings.light;
    match light.kind {
        LightKind::Rgb => Ok(Box::new(GpioLed {
            lines: led_lines(settings)?,
            active_low: light.active_low,
        })),
        LightKind::Ws2812 | LightKind::None => LedStrip::open(light).map(|s| Box::new(s) as Box<_>),
    }
}

/// An LED on three lines: each colour is on or off.
struct GpioLed {
    lines: [DigitalOutput; 3],
    active_low: bool,
}

impl Output<Rgb888> for GpioLed {
    fn set(&mut self, colour: Rgb888) -> Result<(), InterfaceError> {
        let parts = [colour.r(), colour.g(), colour.b()];
        for (line, part) in self.lines.iter_mut().zip(parts) {
            // A dim grey is off: three LEDs that are fully on would not look like doubt.
            line.set_state(((part >= 128) != self.active_low).into())?;
        }
        Ok(())
    }
}

fn led_lines(settings: &Settings) -> Result<[DigitalOutput; 3], InterfaceError> {
    let known = settings.panel.board(&settings.display.board);
    let mut pins = known.map(|board| board.led).unwrap_or_default();
    settings.light.pins.apply(&mut pins);
    let chips = Chips::of_this_machine();
    let line = |pin: &Pin| -> Result<DigitalOutput, InterfaceError> {
        let place = chips.place(pin, &settings.panel.gpio_chip);
        let place = place.map_err(|error| InterfaceError(error.to_string()))?;
        let none = || InterfaceError("this board has no LED: set light.pins".into());
        let place = place.ok_or_else(none)?;
        let line = OutputLine::open(pin, &place, settings.light.active_low);
        Ok(Box::new(
            line.map_err(|error| InterfaceError(error.to_string()))?,
        ))
    };
    let [red, green, blue] = &pins;
    Ok([line(red)?, line(green)?, line(blue)?])
}

/// WS2812 lights on an SPI device's data line. One message holds them all: between messages the line would rest, and
/// the lights take 50 us of rest for the end.
struct LedStrip {
    spi: SpidevDevice,
    path: PathBuf,
    count: u16,
    brightness: u8,
    message: Vec<u8>,
}

impl LedStrip {
    /// Three SPI bits make one bit of light: 417 ns each (WS2812B: 0.4 us and 0.8 us, within 150 ns).
    const SPEED_HZ: u32 = 2_400_000;

    fn open(settings: &LightSettings) -> Result<Self, InterfaceError> {
        let path = PathBuf::from(&settings.bus);
        let spi = open::open_spi(&path, Self::SPEED_HZ, SpiMode::Mode0).map_err(|error| {
            let way_out = open::way_out(&path, error.kind());
            InterfaceError(format!("{}: {error}. {way_out}", path.display()))
        })?;
        Ok(Self {
            spi,
            path,
            count: settings.count,
            brightness: settings.brightness,
            message: Vec::new(),
        })
    }
}

impl Output<Rgb888> for LedStrip {
    fn set(&mut self, colour: Rgb888) -> Result<(), InterfaceError> {
        encode(colour, self.brightness, self.count, &mut self.message);
        let sent = self.spi.write(&self.message);
        sent.map_err(|error| InterfaceError(format!("{}: {error:?}", self.path.display())))
    }
}

/// Green, red, blue for each light, the highest bit first; a 1 is 110, a 0 is 100.
fn encode(colour: Rgb888, percent: u8, count: u16, message: &mut Vec<u8>) {
    message.clear();
    // The line must be low before the first bit, else that one is too long.
    message.push(0);
    let dim = |part: u8| (u16::from(part) * u16::from(percent.min(100)) / 100) as u8;
    let light = [colour.g(), colour.r(), colour.b()].map(dim);
    for part in (0..count).flat_map(|_| light) {
        let bit = |i: u32| {
            if part >> (7 - i) & 1 == 1 {
                0b110
            } else {
                0b100
            }
        };
        let bits = (0..8).fold(0_u32, |bits, i| bits << 3 | bit(i));
        message.extend_from_slice(&bits.to_be_bytes()[1..]);
    }
    // 80 us and more of rest: the lights take over.
    message.extend_from_slice(&[0; 24]);
}

#[cfg(test)]
mod tests {
    use moodring_core::{frame::Millis, mood::MoodState, track::TrackId};

    use super::*;
    use moodring_base::snapshot::CameraState;

    #[test]
    fn every_expression_has_a_colour_of_its_own_and_a_camera_that_is_off_none() {
        let mut seen = Vec::new();
        for expression in Expression::ALL {
            let mood = Mood::Showing(expression);
            let mut snapshot = Snapshot {
                mood: MoodState::new(mood, 0.9, TrackId(1), Millis(0)),
                ..Snapshot::default()
            };
            assert_eq!(colour(&snapshot), Rgb888::BLACK, "the camera does not run");
            // `demo` has no camera, `follow` another's.
            snapshot.camera = CameraState::Elsewhere;
            assert_ne!(colour(&snapshot), Rgb888::BLACK);
            snapshot.camera = CameraState::Running;
            let colour = colour(&snapshot);
            assert!(colour != Rgb888::BLACK && !seen.contains(&colour));
            seen.push(colour);
        }
    }

    #[test]
    fn a_strip_gets_green_first_and_three_bits_for_one() {
        let mut message = Vec::new();
        encode(Rgb888::new(0, 255, 1), 100, 2, &mut message);
        let ones = [0b1101_1011, 0b0110_1101, 0b1011_0110];
        let zeros = [0b1001_0010, 0b0100_1001, 0b0010_0100];
        let one = [0b1001_0010, 0b0100_1001, 0b0010_0110];
        let light = [ones, zeros, one].concat();
        assert_eq!(message[0], 0);
        assert_eq!(message[1..10], light);
        assert_eq!(message[10..19], light);
        assert!(message.len() == 43 && message[19..].iter().all(|b| *b == 0));
        encode(Rgb888::WHITE, 50, 1, &mut message);
        // 127 is 0111_1111.
        assert_eq!(message[1..4], [0b1001_1011, 0b0110_1101, 0b1011_0110]);
    }
}
