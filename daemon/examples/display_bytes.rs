//! Bytes a second that a small display takes, counted on a fake SPI device: `cargo run --release -p moodring --example
//! display_bytes`. At rest, while it blinks, while one expression flows into the next, and asleep; at 30 pictures a second.

use std::{
    convert::Infallible,
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use embedded_hal::{
    delay::DelayNs,
    digital::{self, OutputPin},
    spi::{self, Operation, SpiDevice},
};
use moodring_base::{
    config::{DisplayKind, DisplaySettings, board::Board},
    snapshot::{BrokerState, CameraState, Snapshot},
};
use moodring_core::{
    expression::Expression,
    frame::Millis,
    mood::{Mood, MoodState},
    track::TrackId,
};
use moodring_display::{
    Display, View,
    spi::{
        PanelDisplay, backlight::Backlight, framebuffer::ColourBuffer, interface::SpiInterface, tft,
    },
};
use moodring_face::{animate, picture::ScreenShape};

const RATE: u64 = 30;
const NOON: u16 = 720;
const SPI_HZ: f64 = 40e6;

/// Counts bytes and messages.
#[derive(Clone, Default)]
struct Counter(Arc<(AtomicUsize, AtomicUsize)>);

impl Counter {
    fn take(&self) -> (usize, usize) {
        let take = |n: &AtomicUsize| n.swap(0, Ordering::Relaxed);
        (take(&self.0.0), take(&self.0.1))
    }
}

impl spi::ErrorType for Counter {
    type Error = Infallible;
}

impl SpiDevice for Counter {
    fn transaction(&mut self, all: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        for operation in all {
            if let Operation::Write(bytes) = operation {
                self.0.0.fetch_add(bytes.len(), Ordering::Relaxed);
                self.0.1.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

struct Line;

impl digital::ErrorType for Line {
    type Error = Infallible;
}

impl OutputPin for Line {
    fn set_low(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

struct NoDelay;

impl DelayNs for NoDelay {
    fn delay_ns(&mut self, _: u32) {}
}

/// What one scene took.
#[derive(Default)]
struct Traffic {
    pictures: usize,
    bytes: usize,
    messages: usize,
    largest: usize,
    ms: f64,
}

impl Traffic {
    fn print(&self, name: &str, full: usize) {
        let seconds = self.pictures as f64 / RATE as f64;
        let (rate, whole) = (self.bytes as f64 / seconds, (full as u64 * RATE) as f64);
        println!(
            "  {name:22} {:7.1} kB/s  {:5.1} % of full pictures  {:5.1} % of 40 MHz  {:4.0} messages/s  largest {:6} bytes  {:.2} ms a picture",
            rate / 1e3,
            100.0 * rate / whole,
            100.0 * rate * 8.0 / SPI_HZ,
            self.messages as f64 / seconds,
            self.largest,
            self.ms / self.pictures.max(1) as f64,
        );
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    for name in [
        "st7789-240x240",
        "waveshare-1.28",
        "display-hat-mini",
        "st7796",
    ] {
        let board = Board::named(name).ok_or("a board of ours")?;
        let (width, height) = board.picture_px();
        let full = usize::from(width) * usize::from(height) * 2;
        println!("{name}, {width}x{height}: a full picture is {full} bytes");
        let counter = Counter::default();
        let device = counter.clone();
        let open = move || {
            let interface = Box::new(SpiInterface::new(device.clone(), Line, 4096));
            let panel = tft::open(board, interface, Backlight::Fixed, &mut NoDelay);
            panel.map_err(|error| moodring_display::DisplayError::Show {
                name: name.into(),
                reason: error.to_string(),
            })
        };
        let settings = DisplaySettings {
            kind: DisplayKind::Spi,
            ..DisplaySettings::default()
        };
        let shape = ScreenShape::Square;
        let framebuffer = ColourBuffer::new((width, height));
        let mut screen = PanelDisplay::new(name, &settings, shape, framebuffer, Box::new(open));

        let happy = Mood::Showing(Expression::Happy);
        let (mut rest, mut blinking, mut moving, mut asleep) = (
            Traffic::default(),
            Traffic::default(),
            Traffic::default(),
            Traffic::default(),
        );
        // First a minute of one mood, then a change every two seconds for all pairs, then a minute asleep.
        let moods: Vec<_> = Expression::ALL.into_iter().map(Mood::Showing).collect();
        let pairs = moods
            .iter()
            .flat_map(|a| moods.iter().flat_map(move |b| [*a, *b]));
        let changes: Vec<_> = pairs.collect();
        let minute = 60 * RATE;
        let all = 2 * minute + changes.len() as u64 * 2 * RATE;
        let (mut mood, mut changed) = (happy, 0);
        for frame in 0..all {
            let now = Millis(frame * 1_000 / RATE);
            let wanted = match frame {
                _ if frame < minute => happy,
                _ if frame < all - minute => changes[((frame - minute) / (2 * RATE)) as usize],
                _ => Mood::Nobody,
            };
            if wanted != mood {
                (mood, changed) = (wanted, now.0);
            }
            let snapshot = Snapshot {
                mood: MoodState::new(mood, 0.9, TrackId(1), Millis(0)),
                camera: CameraState::Running,
                ..Snapshot::default()
            };
            let view = View {
                snapshot: &snapshot,
                broker: BrokerState::Off,
                source: "",
                device: "",
                preview: false,
                now,
                minute: NOON,
            };
            let start = Instant::now();
            screen.show(&view)?;
            let ms = start.elapsed().as_secs_f64() * 1e3;
            let (bytes, messages) = counter.take();
            if frame == 0 {
                println!("  first picture: {bytes} bytes, setting up included");
                continue;
            }
            let blinks = (0..1_000 / RATE + 1)
                .any(|ago| animate::blink(Millis(now.0.saturating_sub(ago))) > 0.0);
            // A second: the flow itself, and confidence and tilt settling.
            let sum = match mood {
                _ if frame > minute && now.0 - changed < 1_000 => &mut moving,
                Mood::Nobody => &mut asleep,
                _ if blinks => &mut blinking,
                _ => &mut rest,
            };
            sum.pictures += 1;
            sum.bytes += bytes;
            sum.messages += messages;
            sum.largest = sum.largest.max(bytes);
            sum.ms += ms;
        }
        rest.print("at rest (it breathes)", full);
        blinking.print("while it blinks", full);
        moving.print("first second of a change", full);
        asleep.print("nobody in view", full);
    }
    Ok(())
}
