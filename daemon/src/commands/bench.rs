//! `bench`: milliseconds per stage on this machine. Medians, because machines are never quite idle.

use moodring_core::frame::{Frame, Millis, PixelFormat};
use serde::Serialize;

use super::{Failure, progress, quiet_settings};
use crate::{
    camera::{self, Camera, Source},
    cli::BenchArgs,
    clock::Clock,
    config::{CameraSettings, Overrides},
    exit::Exit,
    message::json,
    photo::Photo,
    snapshot::StageTimes,
    vision::{Stream, kernel},
};

/// Frames before the clock counts: caches and tracks warm up.
const WARM_UP: u32 = 20;

/// What was measured.
#[derive(Serialize)]
struct Measured {
    kernel: &'static str,
    frame: String,
    detector_input: String,
    frames: usize,
    faces: usize,
    /// Stage and median milliseconds.
    stages_ms: Vec<(&'static str, f32)>,
    total_ms: f32,
    /// 95 % of the frames took at most this.
    total_p95_ms: f32,
}

/// Runs the pipeline over frames as a camera would give them.
pub(super) fn bench(args: &BenchArgs) -> Result<Exit, Failure> {
    let settings = quiet_settings(args.config.config.as_deref(), &Overrides::default())?;
    let mut stream = Stream::open(&settings)?;
    let mut scene = Scene::open(args)?;
    let bar = progress(args.frames as usize, true);
    let mut times = Vec::new();
    let (mut faces, mut size) = (0, String::new());
    for number in 0..args.frames + WARM_UP {
        let frame = scene.frame(number)?;
        size = format!(
            "{}x{} {:?}",
            frame.width_px(),
            frame.height_px(),
            frame.format()
        );
        faces = stream.see(&frame, 0, drop)?.people_count;
        if number >= WARM_UP {
            times.push(stream.last_ms());
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let (width, height) = (settings.vision.width, settings.vision.height);
    let totals = sorted(times.iter().map(StageTimes::total));
    let measured = Measured {
        kernel: kernel()?.name(),
        frame: size,
        detector_input: format!("{width}x{height}"),
        frames: times.len(),
        faces,
        stages_ms: medians(&times),
        total_ms: totals[totals.len() / 2],
        total_p95_ms: totals[totals.len() * 95 / 100],
    };
    if args.json {
        println!("{}", json(&measured))
    } else {
        print(&measured)
    }
    Ok(Exit::Done)
}

fn medians(times: &[StageTimes]) -> Vec<(&'static str, f32)> {
    let names = StageTimes::default().named().map(|(name, _)| name);
    let median = |i: usize| {
        let stage = sorted(times.iter().map(|t| t.named()[i].1));
        stage[stage.len() / 2]
    };
    names
        .into_iter()
        .enumerate()
        .map(|(i, name)| (name, median(i)))
        .collect()
}

fn sorted(values: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f32::total_cmp);
    values
}

fn print(measured: &Measured) {
    println!(
        "{} frames of {}, {} face(s) in view, detector at {}, kernel {}\n",
        measured.frames, measured.frame, measured.faces, measured.detector_input, measured.kernel
    );
    for (stage, ms) in &measured.stages_ms {
        println!("  {stage:<10}{ms:>8.3} ms");
    }
    println!(
        "  {:<10}{:>8.3} ms   (95 % within {:.3} ms)",
        "total", measured.total_ms, measured.total_p95_ms
    );
}

/// The frames to time.
enum Scene {
    /// The synthetic scene.
    Drawn(Box<dyn Camera>),
    /// One photo again and again.
    Photo(Photo),
}

impl Scene {
    fn open(args: &BenchArgs) -> Result<Self, Failure> {
        let source = |e: String| Failure::new(Exit::Source, e);
        let Some(path) = &args.photo else {
            // The rate only paces the drawing; what is timed is the pipeline.
            let wanted = CameraSettings {
                rate: 240.0,
                ..CameraSettings::default()
            };
            let camera = camera::open(&Source::Synthetic, &wanted, Clock::start());
            let camera = camera.map_err(|e| source(e.to_string()))?;
            return Ok(Self::Drawn(camera));
        };
        let photo = Photo::read(path).map_err(|e| source(format!("{}: {e}", path.display())))?;
        Ok(Self::Photo(photo))
    }

    fn frame(&mut self, number: u32) -> Result<Frame<'_>, Failure> {
        let source = |e: String| Failure::new(Exit::Source, e);
        let time = Millis(u64::from(number) * 33);
        let frame = match self {
            Self::Drawn(camera) => {
                let frame = camera.next_frame().map_err(|e| source(e.to_string()))?;
                let size = (frame.width_px(), frame.height_px());
                Frame::new(frame.data(), frame.format(), size, frame.stride(), time)
            }
            Self::Photo(photo) => photo
                .frame()
                .and_then(|f| Frame::packed(f.data(), PixelFormat::Rgb, photo.size_px(), time)),
        };
        frame.map_err(|e| source(e.to_string()))
    }
}
