//! `bench`: measures milliseconds per stage on this machine. Medians, because a machine is never quite idle.

mod compare;
mod frames;
mod machine;

use moodring_base::{
    config::{EngineKind, Overrides},
    exit::Exit,
    message::json,
    snapshot::StageTimes,
};
use moodring_camera::scaled_jpeg::DecodeNeeds;
use moodring_core::picture::Picture as _;
use moodring_vision::{VisionPipeline, kernel};
use serde::Serialize;

use super::{Failure, progress, quiet_settings};
use crate::cli::BenchArgs;
use crate::commands::stdout::out;
use compare::Comparison;
use frames::FrameSource;
use machine::Machine;

/// Frames before the measurement: caches and tracks warm up.
const WARM_UP: u32 = 20;

/// The result.
#[derive(Serialize)]
struct Measured {
    machine: Machine,
    engine: EngineKind,
    kernel: &'static str,
    frame: String,
    detector_input: String,
    frames: usize,
    faces: usize,
    /// Stage and median milliseconds; `jpeg`, the decoding, only for MJPEG.
    stages_ms: Vec<(&'static str, f32)>,
    total_ms: f32,
    /// 95 % of the frames took at most this.
    total_p95_ms: f32,
    /// Only if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    compared: Option<Comparison>,
}

/// Runs the pipeline over frames as a camera would give them.
pub(super) fn bench(args: &BenchArgs) -> Result<Exit, Failure> {
    // Every frame of a photo without faces is searched, too.
    let every_frame = Overrides::default().set("vision.watch_ms", Some(0));
    let settings = quiet_settings(args.config.config.as_deref(), &every_frame)?;
    let machine = Machine::look();
    let mut stream = VisionPipeline::open(&settings)?;
    let needs = DecodeNeeds {
        least_px: (settings.vision.width, settings.vision.height),
        colour: settings.camera.colour,
        is_resting: false,
    };
    let mut scene = FrameSource::open(args, needs)?;
    if args.compare && !scene.sends_jpegs() {
        return Err(Failure::new(
            Exit::Usage,
            "--compare is for JPEGs: add --input mjpeg or --picture FILE",
        ));
    }
    let bar = progress(args.frames as usize, true);
    let mut times = Times::default();
    let (mut faces, mut size) = (0, String::new());
    for number in 0..args.frames + WARM_UP {
        let (mut picture, jpeg_ms) = scene.picture(number)?;
        let (width, height) = picture.size_px();
        size = format!("{width}x{height} {}", frames::name(args));
        faces = stream.see(&mut picture, 0, drop)?.people_count;
        if number >= WARM_UP {
            times.stages.push(stream.last_ms());
            times.jpeg_ms.extend(jpeg_ms);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let (width, height) = (settings.vision.width, settings.vision.height);
    let totals = times.totals();
    let compared = match args.compare {
        true => Some(compare::compare(
            &mut scene,
            &settings,
            (WARM_UP, args.frames),
        )?),
        false => None,
    };
    let measured = Measured {
        machine,
        engine: settings.vision.engine,
        kernel: kernel()?.name(),
        frame: size,
        detector_input: format!("{width}x{height}"),
        frames: totals.len(),
        faces,
        stages_ms: times.medians(),
        total_ms: totals[totals.len() / 2],
        total_p95_ms: totals[totals.len() * 95 / 100],
        compared,
    };
    if args.json {
        out!("{}", json(&measured))
    } else {
        print(&measured)
    }
    Ok(Exit::Done)
}

/// One entry a frame.
#[derive(Default)]
struct Times {
    stages: Vec<StageTimes>,
    /// Empty unless the frames are JPEGs.
    jpeg_ms: Vec<f32>,
}

impl Times {
    fn medians(&self) -> Vec<(&'static str, f32)> {
        let middle = |sorted: Vec<f32>| sorted[sorted.len() / 2];
        let names = StageTimes::default().named().map(|(name, _)| name);
        let stage = |i: usize| middle(sorted(self.stages.iter().map(|t| t.named()[i].1)));
        let stages = names
            .into_iter()
            .enumerate()
            .map(|(i, name)| (name, stage(i)));
        let jpeg = (!self.jpeg_ms.is_empty())
            .then(|| ("jpeg", middle(sorted(self.jpeg_ms.iter().copied()))));
        jpeg.into_iter().chain(stages).collect()
    }

    /// Total time of each frame, sorted.
    fn totals(&self) -> Vec<f32> {
        let jpeg = self.jpeg_ms.iter().copied().chain(std::iter::repeat(0.0));
        sorted(
            self.stages
                .iter()
                .zip(jpeg)
                .map(|(stages, jpeg)| stages.total() + jpeg),
        )
    }
}

fn sorted(values: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f32::total_cmp);
    values
}

fn print(measured: &Measured) {
    out!("{}", measured.machine);
    out!(
        "{} frames of {}, {} face(s) in view, detector at {}, kernel {}\n",
        measured.frames,
        measured.frame,
        measured.faces,
        measured.detector_input,
        measured.kernel
    );
    for (stage, ms) in &measured.stages_ms {
        out!("  {stage:<10}{ms:>8.3} ms");
    }
    out!(
        "  {:<10}{:>8.3} ms   (95 % within {:.3} ms)",
        "total",
        measured.total_ms,
        measured.total_p95_ms
    );
    if let Some(compared) = &measured.compared {
        out!("{compared}");
    }
}
