//! The display as the daemon has it: what it shows, what it sends, and what it does when its panel fails.

use std::sync::{Arc, Mutex};

use embedded_hal::digital::{ErrorType, OutputPin};
use moodring_base::{
    config::{DisplayKind, DisplaySettings, IdleOff, board::Board},
    snapshot::{BrokerState, CameraState, Snapshot},
};
use moodring_core::{
    expression::Expression,
    frame::Millis,
    mood::{Mood, MoodState},
    track::TrackId,
};
use moodring_display::{
    Display, DisplayError, View,
    gpio::LineError,
    spi::{
        PanelDisplay,
        backlight::Backlight,
        framebuffer::{ColourBuffer, Framebuffer, MonoBuffer},
        interface::{DisplayInterface, I2cInterface, SpiInterface},
        oled::Oled,
        tft,
    },
};
use moodring_face::picture::ScreenShape;
use moodring_tests::panel::{Chip, Dcs, Pages, Picture, Wiring};

use super::support::{DcLine, Device, NoDelay};

const NOON: u16 = 12 * 60;
const MIDNIGHT: u16 = 0;

/// A 240x240 ST7789 that can be unplugged, with a backlight.
struct Bench {
    device: Device<Dcs>,
    light: LightLine,
    screen: PanelDisplay<ColourBuffer>,
    opened: Arc<Mutex<usize>>,
}

#[derive(Clone, Default)]
struct LightLine(Arc<Mutex<bool>>);

impl ErrorType for LightLine {
    type Error = LineError;
}

impl OutputPin for LightLine {
    fn set_low(&mut self) -> Result<(), LineError> {
        *self.0.lock().unwrap() = false;
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), LineError> {
        *self.0.lock().unwrap() = true;
        Ok(())
    }
}

fn chip() -> Dcs {
    Dcs::new(Wiring {
        memory_px: (240, 320),
        glass_px: (240, 240),
        offset_px: (0, 0),
        mirror: false,
        bgr: false,
        inverts: true,
    })
}

fn settings() -> DisplaySettings {
    DisplaySettings {
        kind: DisplayKind::Spi,
        night: "22:00-07:00".parse().unwrap(),
        night_brightness: 25,
        ..DisplaySettings::default()
    }
}

fn bench(settings: &DisplaySettings) -> Bench {
    let board = Board::named("st7789-240x240").unwrap();
    let (device, light) = (Device::new(chip()), LightLine::default());
    let opened = Arc::new(Mutex::new(0));
    let (interface, lamp, count) = (device.clone(), light.clone(), Arc::clone(&opened));
    let open = move || {
        *count.lock().unwrap() += 1;
        let interface = Box::new(SpiInterface::new(
            interface.clone(),
            DcLine(interface.clone()),
            4096,
        ));
        let light = Backlight::Switch(Box::new(lamp.clone()));
        tft::open(board, interface, light, &mut NoDelay).map_err(|error| DisplayError::Show {
            name: "spi".into(),
            reason: error.to_string(),
        })
    };
    let framebuffer = ColourBuffer::new(board.picture_px());
    let screen = PanelDisplay::new(
        "spi",
        settings,
        ScreenShape::Square,
        framebuffer,
        Box::new(open),
    );
    Bench {
        device,
        light,
        screen,
        opened,
    }
}

fn snapshot(mood: Mood, camera: CameraState) -> Snapshot {
    Snapshot {
        mood: MoodState::new(mood, 0.9, TrackId(1), Millis(0)),
        camera,
        ..Snapshot::default()
    }
}

fn showing(expression: Expression) -> Snapshot {
    snapshot(Mood::Showing(expression), CameraState::Running)
}

fn view(snapshot: &Snapshot, now: Millis, minute: u16) -> View<'_> {
    View {
        snapshot,
        broker: BrokerState::Off,
        source: "test",
        device: "test",
        preview: false,
        now,
        minute,
    }
}

impl Bench {
    fn show(&mut self, snapshot: &Snapshot, ms: u64) -> Result<(), String> {
        let shown = self.screen.show(&view(snapshot, Millis(ms), NOON));
        shown.map_err(|error| error.to_string())
    }

    fn framebuffer(&self) -> Picture<u16> {
        Picture {
            width: 240,
            height: 240,
            cells: self.screen.framebuffer().grid().cells().to_vec(),
        }
    }

    /// What people see is the framebuffer.
    fn check(&self) {
        assert_eq!(self.device.ask(Dcs::picture), self.framebuffer());
    }
}

#[test]
fn people_see_the_framebuffer_at_every_moment() {
    let mut bench = bench(&settings());
    for (i, expression) in Expression::ALL.into_iter().enumerate() {
        for frame in 0..12 {
            let ms = 1_000 * i as u64 + 33 * frame;
            bench.show(&showing(expression), ms).unwrap();
            bench.check();
        }
    }
    assert_eq!(*bench.opened.lock().unwrap(), 1);
}

#[test]
fn a_moving_face_takes_less_than_a_quarter_of_full_pictures() {
    let mut bench = bench(&settings());
    bench.show(&showing(Expression::Neutral), 0).unwrap();
    bench.device.take_bytes();
    let (seconds, full) = (14, 240 * 240 * 2 * 30);
    for frame in 0..seconds * 30 {
        // Another expression every two seconds.
        let expression = Expression::ALL[frame / 60 % Expression::ALL.len()];
        bench
            .show(&showing(expression), frame as u64 * 1_000 / 30)
            .unwrap();
    }
    bench.check();
    let share = bench.device.take_bytes() as f64 / (seconds * full) as f64;
    assert!(share < 0.25, "{:.1} % of full pictures", share * 100.0);
}

#[test]
fn a_panel_that_fails_comes_back_with_its_picture() {
    let mut bench = bench(&settings());
    bench.show(&showing(Expression::Happy), 0).unwrap();
    // Unplugged in the middle of a picture: reported once, then it rests.
    bench.device.break_after(2);
    let error = bench.show(&showing(Expression::Sad), 1_000).unwrap_err();
    assert!(error.contains("EIO"), "{error}");
    assert!(!bench.screen.is_up());
    for ms in (1_000..1_500).step_by(33) {
        bench.show(&showing(Expression::Sad), ms).unwrap();
    }
    assert_eq!(
        *bench.opened.lock().unwrap(),
        1,
        "it rests for half a second"
    );
    // Still unplugged: tried again, more and more rarely, without an error.
    for ms in (1_500..60_000).step_by(33) {
        bench.show(&showing(Expression::Sad), ms).unwrap();
    }
    let tries = *bench.opened.lock().unwrap() - 1;
    assert!((5..=8).contains(&tries), "{tries} tries in a minute");
    // Plugged in: a chip after power on, its memory full of noise.
    bench.device.replace(chip());
    for ms in (60_000..95_000).step_by(33) {
        bench.show(&showing(Expression::Fear), ms).unwrap();
    }
    assert!(bench.screen.is_up());
    bench.check();
}

#[test]
fn a_panel_that_is_not_there_at_the_start_is_waited_for() {
    let mut bench = bench(&settings());
    bench.device.break_after(0);
    bench.show(&showing(Expression::Happy), 0).unwrap_err();
    bench.device.replace(chip());
    bench.show(&showing(Expression::Happy), 600).unwrap();
    bench.check();
}

#[test]
fn at_night_it_is_darker_and_at_the_end_dark() {
    let mut bench = bench(&settings());
    let happy = showing(Expression::Happy);
    let brightest = |bench: &Bench| {
        let red = |raw: &u16| raw >> 11;
        bench.framebuffer().cells.iter().map(red).max().unwrap()
    };
    for ms in [0, 33] {
        bench.show(&happy, ms).unwrap();
    }
    assert_eq!(
        (brightest(&bench), *bench.light.0.lock().unwrap()),
        (31, true)
    );
    for ms in [66, 99] {
        bench
            .screen
            .show(&view(&happy, Millis(ms), MIDNIGHT))
            .unwrap();
    }
    bench.check();
    assert_eq!(brightest(&bench), 8);
    let light = bench.light.clone();
    drop(bench);
    assert!(
        !*light.0.lock().unwrap(),
        "a dead display must not go on smiling"
    );

    let dark = DisplaySettings {
        night_brightness: 0,
        ..settings()
    };
    let mut bench = self::bench(&dark);
    bench
        .screen
        .show(&view(&happy, Millis(0), MIDNIGHT))
        .unwrap();
    assert!(!*bench.light.0.lock().unwrap());
    bench.show(&happy, 33).unwrap();
    assert!(*bench.light.0.lock().unwrap());
}

#[test]
fn a_camera_that_is_off_is_shown_and_has_no_sign() {
    let mut bench = bench(&settings());
    let mut picture = |camera, ms| {
        bench.show(&snapshot(Mood::Nobody, camera), ms).unwrap();
        bench
            .show(&snapshot(Mood::Nobody, camera), ms + 900)
            .unwrap();
        bench.framebuffer()
    };
    let running = picture(CameraState::Running, 0);
    let off = picture(CameraState::Off, 2_000);
    assert_ne!(running, off);
    // The sign that the camera runs is in the corner, where no face reaches.
    let corner = |picture: &Picture<u16>| (0..28).any(|i| picture.at(i, 8) != 0);
    assert!(corner(&running) && !corner(&off));
}

#[test]
fn nobody_in_view_dims_it_then_turns_it_off_and_a_face_brings_it_back() {
    let mut bench = bench(&DisplaySettings {
        idle_off_s: IdleOff::After(60),
        ..settings()
    });
    let nobody = snapshot(Mood::Nobody, CameraState::Running);
    let lit = |bench: &Bench| *bench.light.0.lock().unwrap();
    bench.show(&showing(Expression::Happy), 0).unwrap();
    for s in 1..=60 {
        bench.show(&nobody, s * 1_000).unwrap();
    }
    assert!(lit(&bench), "59 seconds with nobody");
    let brightest = |bench: &Bench| bench.framebuffer().cells.iter().map(|raw| raw >> 11).max();
    assert!(brightest(&bench).unwrap() < 9, "dimmed by its colours");
    for ms in [61_000, 61_033] {
        bench.show(&nobody, ms).unwrap();
    }
    assert!(!lit(&bench));
    assert!(bench.framebuffer().cells.iter().all(|raw| *raw == 0));
    for ms in [90_000, 90_033] {
        bench.show(&showing(Expression::Sad), ms).unwrap();
    }
    assert!(lit(&bench) && brightest(&bench) == Some(31));
}

/// A wire gives no answer: a byte that was lost on it stayed on the glass until that place changed.
#[test]
fn a_garbled_glass_is_whole_again_after_a_minute() {
    let mut bench = bench(&settings());
    let happy = showing(Expression::Happy);
    (0..20).for_each(|i| bench.show(&happy, i * 100).unwrap());
    let device = &bench.device;
    let mut wire = SpiInterface::new(device.clone(), DcLine(device.clone()), 4096);
    wire.command(&[0x2c]).unwrap();
    wire.data(&[0x5a; 64]).unwrap();
    bench.show(&happy, 59_000).unwrap();
    assert_ne!(bench.device.ask(Dcs::picture), bench.framebuffer());
    bench.show(&happy, 60_000).unwrap();
    bench.check();
}

/// A chip that lost its power for a moment is asleep, and cannot report it.
#[test]
fn a_display_that_was_dark_is_set_up_anew() {
    let mut bench = bench(&DisplaySettings {
        idle_off_s: IdleOff::After(60),
        ..settings()
    });
    bench.screen = bench.screen.with_new_set_up();
    let nobody = snapshot(Mood::Nobody, CameraState::Running);
    for s in 0..=62 {
        bench.show(&nobody, s * 1_000).unwrap();
    }
    bench.device.replace(chip());
    for ms in [70_000, 70_033] {
        bench.show(&showing(Expression::Sad), ms).unwrap();
    }
    bench.check();
    assert_eq!(*bench.opened.lock().unwrap(), 2);
}

#[test]
fn at_the_end_the_memory_is_black_too() {
    let mut bench = bench(&settings());
    bench.show(&showing(Expression::Happy), 0).unwrap();
    let device = bench.device.clone();
    assert!(device.ask(Dcs::picture).cells.iter().any(|raw| *raw != 0));
    drop(bench);
    assert!(device.ask(Dcs::picture).cells.iter().all(|raw| *raw == 0));
}

#[test]
fn an_oled_shows_the_same_and_dims_by_contrast() {
    let board = Board::named("ssd1306").unwrap();
    let device = Device::new(Pages::new(Chip::Ssd1306));
    let interface = device.clone();
    let open = move || {
        let oled = Oled::open(board, Box::new(I2cInterface::new(interface.clone(), 0x3c)));
        let panel = oled.map_err(|error| DisplayError::Show {
            name: "oled".into(),
            reason: error.to_string(),
        })?;
        Ok(Box::new(panel) as Box<_>)
    };
    let framebuffer = MonoBuffer::new(board.glass_px, board.rotation);
    let mut screen = PanelDisplay::new(
        "oled",
        &settings(),
        ScreenShape::Square,
        framebuffer,
        Box::new(open),
    );
    let mut bytes = Vec::new();
    for (frame, expression) in Expression::ALL.into_iter().cycle().take(70).enumerate() {
        let minute = if frame < 35 { NOON } else { MIDNIGHT };
        let now = Millis(100 * frame as u64);
        screen
            .show(&view(&showing(expression), now, minute))
            .unwrap();
        bytes.push(device.take_bytes());
        let grid = screen.framebuffer().grid();
        let expected = Picture::from_fn((128, 64), |x, y| {
            grid.row((y / 8) as u16)[x] >> (y % 8) & 1 == 1
        });
        assert_eq!(device.ask(Pages::picture), expected);
        assert_eq!(
            device.ask(Pages::contrast),
            if frame < 35 { 0xcf } else { 0xcf / 4 }
        );
        // The contrast alone changes little on an SSD1306.
        assert_eq!(
            device.ask(Pages::deselect),
            if frame < 35 { 0x40 } else { 0 }
        );
    }
    assert!(
        bytes[0] > 1024 && bytes[1..].iter().all(|b| *b < 1024),
        "{bytes:?}"
    );
    assert!(expected_white(&screen), "a face is bright on black");
    drop(screen);
    assert_eq!(device.ask(Pages::contrast), 0);
}

fn expected_white(screen: &PanelDisplay<MonoBuffer>) -> bool {
    let bits: u32 = screen
        .framebuffer()
        .grid()
        .cells()
        .iter()
        .map(|c| c.count_ones())
        .sum();
    (800..4_000).contains(&bits)
}

#[test]
fn an_oleds_picture_goes_around_by_a_pixel_a_minute() {
    let board = Board::named("ssd1306").unwrap();
    let screen = || {
        let device = Device::new(Pages::new(Chip::Ssd1306));
        let interface = device.clone();
        let open = move || {
            let oled = Oled::open(board, Box::new(I2cInterface::new(interface.clone(), 0x3c)));
            Ok(Box::new(oled.unwrap()) as Box<_>)
        };
        let framebuffer = MonoBuffer::new(board.glass_px, board.rotation);
        let shape = ScreenShape::Square;
        let open = Box::new(open);
        let screen = PanelDisplay::new("oled", &settings(), shape, framebuffer, open);
        (device, screen)
    };
    let (still, mut still_screen) = screen();
    let (moved, moved_screen) = screen();
    let mut moved_screen = moved_screen.with_pixel_shift();
    let neutral = showing(Expression::Neutral);
    let places = [
        (0, 0),
        (1, 0),
        (1, 1),
        (0, 1),
        (-1, 1),
        (-1, 0),
        (-1, -1),
        (0, -1),
    ];
    for (minute, (dx, dy)) in (0..).zip(places) {
        let now = Millis(minute * 60_000 + 1_000);
        for screen in [&mut still_screen, &mut moved_screen] {
            screen.show(&view(&neutral, now, NOON)).unwrap();
        }
        let (still, moved) = (still.ask(Pages::picture), moved.ask(Pages::picture));
        let difference = |dx: i32, dy: i32| {
            let inside = (1..63).flat_map(|y| (1..127).map(move |x| (x, y)));
            let from = |at: i32, by: i32| usize::try_from(at - by).unwrap();
            let differs = |(x, y): &(i32, i32)| {
                moved.at(from(*x, 0), from(*y, 0)) != still.at(from(*x, dx), from(*y, dy))
            };
            inside.filter(differs).count()
        };
        let (there, elsewhere) = (difference(dx, dy), difference(-dx, -dy));
        let what = format!("minute {minute}: {there} pixels differ there, {elsewhere} elsewhere");
        assert!(there < 60, "{what}");
        assert!(
            (dx, dy) == (0, 0) || elsewhere > 2 * there.max(20),
            "{what}"
        );
    }
}
