//! Who of a crowd is read how often, and what the daemon says of it: `crowd FILM SECONDS`, for `models/bench/whole_way/crowd.py`.
//!
//! Shows a film of raw 640x480 YUYV frames at 30 a second of its own time, again and again. Prints JSON: people followed and
//! listed, how often a second each was read, whose mood counts, and what happened. A person was read when the net's scores of them changed, so
//! the film needs grain.

use std::{collections::HashMap, env, fs};

use moodring_base::config::Settings;
use moodring_core::{
    event::EventKind,
    expression::Scores,
    frame::{Frame, Millis, PixelFormat},
    pipeline::Pipeline,
    track::TrackId,
};
use moodring_vision::{Classifier, Detector, pipeline_settings};
use serde_json::json;

const SIZE: (u32, u32) = (640, 480);
const FRAME_BYTES: usize = 640 * 480 * 2;
const RATE_HZ: u64 = 30;
/// Until all are known.
const WARM_UP_FRAMES: u64 = 2 * RATE_HZ;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().collect();
    let [_, film, seconds] = &arguments[..] else {
        return Err("crowd FILM SECONDS".into());
    };
    let (film, seconds) = (fs::read(film)?, seconds.parse::<u64>()?);
    let settings = Settings::default();
    let detector = Detector::open(&settings, (settings.vision.width, settings.vision.height))?;
    let classifier = Classifier::open(&settings)?;
    let wanted = pipeline_settings(&settings, &detector, &classifier);
    let mut pipeline = Box::new(Pipeline::new(detector, classifier, wanted)?);
    let mut reads: HashMap<TrackId, (Scores, u32)> = HashMap::new();
    let (mut changes, mut left, mut people) = (0, 0, 0);
    let frames = film.chunks_exact(FRAME_BYTES).cycle();
    for (number, bytes) in (0..WARM_UP_FRAMES + seconds * RATE_HZ).zip(frames) {
        let time = Millis(number * 1000 / RATE_HZ);
        let frame = Frame::packed(bytes, PixelFormat::Yuyv, SIZE, time)?;
        let report = pipeline.step(&frame, &mut |_| {})?;
        if number < WARM_UP_FRAMES {
            continue;
        }
        people = report.people.len();
        for person in report.people {
            let (last, count) = reads.entry(person.track).or_insert((person.raw, 0));
            *count += u32::from(*last != person.raw);
            *last = person.raw;
        }
        for event in report.events {
            changes += u32::from(matches!(event.kind, EventKind::Changed { .. }));
            left += u32::from(matches!(event.kind, EventKind::Left { .. }));
        }
    }
    let mut rates: Vec<f64> = reads
        .values()
        .map(|(_, count)| f64::from(*count) / seconds as f64)
        .collect();
    rates.sort_by(f64::total_cmp);
    println!(
        "{}",
        json!({ "followed": people, "reads_per_s": rates, "changes_of_the_mood": changes, "left": left })
    );
    Ok(())
}
