//! `demo --animate`: the drawn scene through the nets to the display, written as an animated PNG for a document.

use std::path::Path;

use moodring_base::{
    clock::Clock,
    config::{DisplayText, Settings},
    exit::Exit,
    snapshot::BrokerState,
};
use moodring_camera::{self as camera, Source};
use moodring_core::frame::{Frame, Millis, PixelFormat};
use moodring_display::{Recording, View};
use moodring_vision::VisionPipeline;

use super::Failure;

/// The drawn scene's frames a second, and how many are recorded.
const RATE_HZ: u64 = 30;
const FRAMES: u64 = 40 * RATE_HZ;
/// Every so many frames a picture.
const FRAMES_PER_PICTURE: u64 = 6;
/// The scene's size; the picture is half as large.
const SCENE_PX: (u32, u32) = (480, 360);

/// Writes 40 seconds. Frames have the times that a camera would give them, so that the file is the same in every run.
pub(super) fn record(settings: &Settings, path: &Path) -> Result<Exit, Failure> {
    let mut settings = settings.clone();
    (settings.camera.width, settings.camera.height) = SCENE_PX;
    // Frames are dated here: no need to wait for them.
    settings.camera.rate = 240.0;
    settings.display.text = DisplayText::Label;
    let mut camera = camera::open(&Source::Synthetic, &settings.camera, Clock::start())
        .map_err(Failure::output)?;
    let mut vision = VisionPipeline::open(&settings).map_err(Failure::from)?;
    let mut recording = Recording::new(&settings.display);
    for number in 0..FRAMES {
        let time = Millis(number * 1_000 / RATE_HZ);
        let drawn = camera.next_frame().map_err(Failure::output)?;
        let pixels: Vec<u8> = luma(&drawn);
        let frame =
            Frame::packed(&pixels, PixelFormat::Grey, SCENE_PX, time).map_err(Failure::output)?;
        let snapshot = vision
            .see(&frame, 0, |_| {})
            .map_err(Failure::from)?
            .clone();
        let view = View {
            snapshot: &snapshot,
            broker: BrokerState::Off,
            source: "synthetic",
            device: "demo",
            preview: false,
            now: time,
            minute: 0,
        };
        if number % FRAMES_PER_PICTURE == 0 {
            recording.add(&frame, &view, (FRAMES_PER_PICTURE * 1_000 / RATE_HZ) as u16);
        } else {
            recording.follow(&view);
        }
    }
    recording.write(path).map_err(Failure::output)?;
    Ok(Exit::Done)
}

fn luma(frame: &Frame<'_>) -> Vec<u8> {
    let (width, height) = (frame.width_px(), frame.height_px());
    let all = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    all.map(|(x, y)| frame.luma(x, y)).collect()
}
