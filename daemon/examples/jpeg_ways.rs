//! What two ways of decoding see in the same JPEGs: `cargo run --release -p moodring --example jpeg_ways -- FILM.mjpeg`.
//!
//! Each picture is decoded as the daemon does it, as far as somebody looks, and whole; each way finds and reads its faces
//! alone. A line of JSON for each picture: `models/bench/jpegs` compares them with what is known of the pictures.

use std::{env, io::Write, path::Path};

use moodring_base::{
    clock::Clock,
    config::{CameraSettings, Settings},
};
use moodring_camera::{self as camera, Camera, CameraError, Source, scaled_jpeg::DecodeNeeds};
use moodring_core::{
    align::from_crop,
    classify::{CROP_PX, classify},
    picture::Picture,
    pipeline::{Candidates, Settings as PipelineSettings, find},
};
use moodring_vision::{Classifier, Detector, pipeline_settings};
use serde_json::{Value, json};

/// Faces with a lower score are not classified.
const READ_FROM: f32 = 0.5;

type Error = Box<dyn std::error::Error>;

struct Nets {
    detector: Detector,
    classifier: Classifier,
    settings: PipelineSettings,
}

fn main() -> Result<(), Error> {
    let path = env::args().nth(1).ok_or("name a film of JPEGs")?;
    let settings = Settings::default();
    let (detector, classifier) = (
        Detector::open(&settings, (settings.vision.width, settings.vision.height))?,
        Classifier::open(&settings)?,
    );
    let mut nets = Nets {
        settings: PipelineSettings {
            // Low, so that a curve over all thresholds can be drawn.
            score_threshold: 0.1,
            min_face_px: 0.0,
            ..pipeline_settings(&settings, &detector, &classifier)
        },
        detector,
        classifier,
    };
    let needs = DecodeNeeds {
        least_px: (settings.vision.width, settings.vision.height),
        colour: settings.camera.colour,
        is_resting: false,
    };
    let (mut scaled, mut whole) = (film(&path)?, film(&path)?);
    let mut out = std::io::stdout().lock();
    loop {
        let first = match scaled.next_picture(Some(needs)) {
            Ok(mut picture) => nets.faces(&mut picture)?,
            Err(CameraError::Ended { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let second = nets.faces(&mut &whole.next_frame()?)?;
        writeln!(out, "{}", json!({ "scaled": first, "whole": second }))?;
    }
}

fn film(path: &str) -> Result<Box<dyn Camera>, CameraError> {
    let wanted = CameraSettings {
        rate: 1000.0,
        repeat: false,
        ..CameraSettings::default()
    };
    let source = Source::Mjpeg(Path::new(path).into());
    camera::open(&source, &wanted, Clock::start())
}

impl Nets {
    fn faces(&mut self, picture: &mut impl Picture) -> Result<Vec<Value>, Error> {
        let mut found = Box::<Candidates>::default();
        find(
            &mut self.detector,
            &mut *picture,
            &self.settings,
            &mut found,
            &mut |_| {},
        )?;
        let mut faces = Vec::new();
        for face in found.iter() {
            // Those that only the curve needs are not read.
            let scores = match face.score >= READ_FROM {
                true => {
                    let mut crop = [0; CROP_PX * CROP_PX];
                    picture.cut(&from_crop(face), &mut crop);
                    Some(classify(&mut self.classifier, &crop)?.scores.0)
                }
                false => None,
            };
            let rect = face.rect;
            faces.push(json!({
                "box": [rect.x, rect.y, rect.w, rect.h],
                "score": face.score,
                "landmarks": face.landmarks.map(|p| [p.x, p.y]),
                "scores": scores,
            }));
        }
        Ok(faces)
    }
}
