//! The pipeline from a camera's bytes to the mood, for `models/bench/whole`, which measures it from outside, beside others.
//!
//! It reads commands on stdin, one a line, and answers each with a line:
//! - `film yuyv|mjpeg FACES PATH`: opens a film of 640x480, raw frames one after the other, or JPEGs, and forgets everybody;
//! - `run N`: processes its next N frames, and begins anew at its end; answers how many people were in view, all frames
//!   together;
//! - `answers PATH`: shows each raw frame for a third of a second, ten seconds after the one before, so that nobody is
//!   remembered; answers JSON: for each frame its people, with box and scores in the order of the expressions.
//!
//! With `fer2013` as its argument it answers as FER2013's labels would.

use std::{
    env, fs,
    io::{self, BufRead, Read, Write},
    path::Path,
};

use moodring_base::{
    clock::Clock,
    config::{CameraSettings, Labels, Settings},
    snapshot::{Person, Snapshot},
};
use moodring_camera::{self as camera, Camera, Source, scaled_jpeg::DecodeNeeds};
use moodring_core::frame::{Frame, Millis, PixelFormat};
use moodring_vision::VisionPipeline;
use serde_json::{Value, json};

const SIZE: (u32, u32) = (640, 480);
const FRAME_BYTES: usize = 640 * 480 * 2;
const FRAME_MS: u64 = 33;
/// A picture of `answers`: frames, and the time until the next picture.
const SHOWN_FRAMES: u64 = 10;
const APART_MS: u64 = 10_000;
/// Frames a second of a film: more than the pipeline can process, so that it never waits.
const RATE_HZ: f32 = 1000.0;

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let is_fer2013 = env::args().any(|argument| argument == "fer2013");
    let mut nets = ReadyNets::open(is_fer2013)?;
    let mut film = Film::Raw(Vec::new(), 0);
    for line in io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        let answer = match *words {
            ["film", "yuyv", _, path] => {
                nets = ReadyNets::open(is_fer2013)?;
                film = Film::Raw(fs::read(path)?, 0);
                "open".to_owned()
            }
            ["film", "mjpeg", _, path] => {
                nets = ReadyNets::open(is_fer2013)?;
                film = Film::Jpegs(open_film(path)?);
                "open".to_owned()
            }
            ["run", count] => {
                let mut people = 0;
                for _ in 0..count.parse::<usize>()? {
                    people += nets.next(&mut film)?;
                }
                people.to_string()
            }
            ["answers", path] => nets.answers(path)?.to_string(),
            _ => return Err(format!("unknown: {line}").into()),
        };
        let mut out = io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

enum Film {
    /// The frames, and which is next.
    Raw(Vec<u8>, usize),
    Jpegs(Box<dyn Camera>),
}

fn open_film(path: &str) -> Result<Box<dyn Camera>, Error> {
    let wanted = CameraSettings {
        rate: RATE_HZ,
        repeat: true,
        ..CameraSettings::default()
    };
    let source = Source::Mjpeg(Path::new(path).into());
    Ok(camera::open(&source, &wanted, Clock::start())?)
}

/// What the daemon sees with.
struct ReadyNets {
    pipeline: VisionPipeline,
    needs: DecodeNeeds,
    now: Millis,
}

impl ReadyNets {
    fn open(is_fer2013: bool) -> Result<Self, Error> {
        let mut settings = Settings::default();
        // Every frame is searched, whether or not somebody is in view.
        settings.vision.watch_ms = 0;
        if is_fer2013 {
            settings.vision.labels = Labels::Fer2013;
        }
        Ok(Self {
            pipeline: VisionPipeline::open(&settings)?,
            needs: DecodeNeeds {
                least_px: (settings.vision.width, settings.vision.height),
                colour: settings.camera.colour,
                is_resting: false,
            },
            now: Millis(0),
        })
    }

    /// Processes the film's next frame; how many people are in view.
    fn next(&mut self, film: &mut Film) -> Result<usize, Error> {
        let seen = match film {
            Film::Raw(bytes, next) => {
                let mut frames = bytes.chunks_exact(FRAME_BYTES);
                let count = frames.len();
                let frame = frames.nth(*next).ok_or("no film")?;
                *next = (*next + 1) % count;
                self.see_raw(frame, FRAME_MS)?
            }
            Film::Jpegs(camera) => {
                let picture = camera.next_picture(Some(self.needs))?;
                self.pipeline.see(picture, 0, drop)?
            }
        };
        Ok(seen.people_count)
    }

    fn see_raw(&mut self, bytes: &[u8], after_ms: u64) -> Result<&Snapshot, Error> {
        self.now = Millis(self.now.0 + after_ms);
        let frame = Frame::packed(bytes, PixelFormat::Yuyv, SIZE, self.now)?;
        Ok(self.pipeline.see(&frame, 0, drop)?)
    }

    fn answers(&mut self, path: &str) -> Result<Value, Error> {
        let mut file = fs::File::open(path)?;
        let mut frame = vec![0; FRAME_BYTES];
        let mut all = Vec::new();
        for _ in 0..file.metadata()?.len() / FRAME_BYTES as u64 {
            file.read_exact(&mut frame)?;
            self.see_raw(&frame, APART_MS)?;
            for _ in 2..SHOWN_FRAMES {
                self.see_raw(&frame, FRAME_MS)?;
            }
            all.push(people(self.see_raw(&frame, FRAME_MS)?));
        }
        Ok(all.into())
    }
}

fn people(seen: &Snapshot) -> Value {
    let one = |person: &Person| {
        let rect = person.face.rect;
        json!({ "box": [rect.x, rect.y, rect.w, rect.h], "scores": person.scores.0 })
    };
    seen.people.iter().map(one).collect()
}
