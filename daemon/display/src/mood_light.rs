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
    snapshot::{CameraState, Snapshot},
};
use moodring_core::{expression::Expression, frame::Millis, mood::Mood};

use super::{
    Display, DisplayControls, DisplayError, View,
    spi::{backlight::DigitalOutput, interface::InterfaceError, open, panel_retry::PanelRetry},
};
use crate::gpio::{Chips, OutputLine};

/// The colour of the mood; black for nobody, and while the camera does not run.
pub fn colour(snapshot: &Snapshot) -> Rgb888 {
    if snapshot.camera != CameraState::Running {
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
pub fn with(display: Box<dyn Display + Send>, settings: &Settings) -> Box<dyn Display + Send> {
    if settings.light.kind == LightKind::None {
        return display;
    }
    let settings = settings.clone();
    let open = Box::new(move || open_light(&settings));
    Box::new(WithMoodLight::new(display, open))
}

/// A light.
pub trait MoodLight: Send {
    /// Shows this colour; black is off.
    ///
    /// # Errors
    /// [`InterfaceError`] if the colour could not be sent.
    fn set(&mut self, colour: Rgb888) -> Result<(), InterfaceError>;
}

/// Opens the light, also again after a failure.
type LightOpener = Box<dyn FnMut() -> Result<Box<dyn MoodLight>, InterfaceError> + Send>;

/// A display with a light beside it. A failure of the light is not a failure of the display.
struct WithMoodLight {
    display: Box<dyn Display + Send>,
    open: LightOpener,
    mood_light: Option<Box<dyn MoodLight>>,
    lit: Option<Rgb888>,
    retry: PanelRetry,
    on: bool,
}

impl WithMoodLight {
    fn new(display: Box<dyn Display + Send>, open: LightOpener) -> Self {
        Self {
            display,
            open,
            mood_light: None,
            lit: None,
            retry: PanelRetry::default(),
            on: true,
        }
    }

    fn light(&mut self, colour: Rgb888, now: Millis) {
        if self.lit == Some(colour) || self.retry.rests(now) {
            return;
        }
        match self.try_light(colour) {
            Ok(()) => {
                self.lit = Some(colour);
                self.retry.end();
            }
            Err(error) => {
                (self.mood_light, self.lit) = (None, None);
                if self.retry.fail(now) {
                    tracing::warn!("the light: {error}");
                }
            }
        }
    }

    fn try_light(&mut self, colour: Rgb888) -> Result<(), InterfaceError> {
        let mood_light = match &mut self.mood_light {
            Some(mood_light) => mood_light,
            None => self.mood_light.insert((self.open)()?),
        };
        mood_light.set(colour)
    }
}

impl Display for WithMoodLight {
    fn name(&self) -> &str {
        self.display.name()
    }

    fn show(&mut self, view: &View<'_>) -> Result<(), DisplayError> {
        let colour = if self.on {
            colour(view.snapshot)
        } else {
            Rgb888::BLACK
        };
        self.light(colour, view.now);
        self.display.show(view)
    }

    fn set(&mut self, controls: DisplayControls) {
        self.on = controls.on;
        self.display.set(controls);
    }

    fn wants_quit(&mut self) -> bool {
        self.display.wants_quit()
    }
}

impl Drop for WithMoodLight {
    /// Off at the end; a failure has no receiver here.
    fn drop(&mut self) {
        if let Some(mood_light) = &mut self.mood_light {
            let _ = mood_light.set(Rgb888::BLACK);
        }
    }
}

fn open_light(settings: &Settings) -> Result<Box<dyn MoodLight>, InterfaceError> {
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

impl MoodLight for GpioLed {
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

impl MoodLight for LedStrip {
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
    use std::sync::{Arc, Mutex};

    use moodring_core::{mood::MoodState, track::TrackId};

    use super::{super::NullDisplay, *};

    #[derive(Clone, Default)]
    struct RecordedLight(Arc<Mutex<Vec<Rgb888>>>);

    impl MoodLight for RecordedLight {
        fn set(&mut self, colour: Rgb888) -> Result<(), InterfaceError> {
            self.0.lock().unwrap().push(colour);
            Ok(())
        }
    }

    #[test]
    fn the_light_follows_the_mood_and_goes_out_at_the_end() {
        let noted = RecordedLight::default();
        let (mood_light, mut tries) = (noted.clone(), 0);
        let open = move || {
            tries += 1;
            match tries {
                1 => Err(InterfaceError("not there yet".into())),
                _ => Ok(Box::new(mood_light.clone()) as Box<dyn MoodLight>),
            }
        };
        let mut lit = WithMoodLight::new(Box::new(NullDisplay), Box::new(open));
        for (ms, colour) in [
            (0, Rgb888::RED),
            (100, Rgb888::RED),
            (600, Rgb888::RED),
            (700, Rgb888::RED),
            (800, Rgb888::YELLOW),
        ] {
            lit.light(colour, Millis(ms));
        }
        drop(lit);
        let expected = [Rgb888::RED, Rgb888::YELLOW, Rgb888::BLACK];
        assert_eq!(*noted.0.lock().unwrap(), expected);
    }

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
