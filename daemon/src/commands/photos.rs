//! `analyze` and `detect`: every face of every photo. A broken photo gets a line too, and the rest is still read.

use std::path::Path;

use moodring_base::{
    config::Overrides,
    exit::Exit,
    message::{ErrorLine, FaceRecord, PhotoLine, ReadingRecord, json},
    redact::printable,
};
use moodring_camera::photo::Photo;
use moodring_core::{detect::Face, mood::Mood};
use moodring_vision::{PhotoFace, PhotoReader, PhotoReading};

use super::{
    Failure,
    overlays::Overlays,
    pictures::{ResultLine, work_through},
    quiet_settings,
};
use crate::cli::{AnalyzeArgs, PhotoArgs};

/// What a photo turned out to hold: its size and its faces.
struct PhotoResult {
    size_px: (u32, u32),
    faces: Vec<FoundFace>,
}

/// A face, its tilt, and what it shows if it was read.
struct FoundFace {
    face: Face,
    roll_deg: f32,
    reading: Option<PhotoReading>,
}

/// Faces and their expressions.
pub(super) fn analyze(args: &AnalyzeArgs) -> Result<Exit, Failure> {
    let overlays = args.cam.as_deref().map(Overlays::new).transpose()?;
    let flags = args.photos.overrides().set("vision.labels", args.labels);
    look_at_all(&args.photos, &flags, |reader, path, photo| {
        let frame = photo.frame().map_err(|e| e.to_string())?;
        let faces = reader.analyze(&frame).map_err(|e| e.to_string())?;
        if let Some(overlays) = &overlays {
            overlays.write(path, photo, &faces)?;
        }
        let found = |read: &PhotoFace| FoundFace {
            face: read.face,
            roll_deg: read.roll_deg,
            reading: Some(read.reading),
        };
        Ok(faces.iter().map(found).collect())
    })
}

/// Faces only.
pub(super) fn detect(args: &PhotoArgs) -> Result<Exit, Failure> {
    look_at_all(args, &args.overrides(), |reader, _, photo| {
        let frame = photo.frame().map_err(|e| e.to_string())?;
        let faces = reader.detect(&frame).map_err(|e| e.to_string())?;
        let found = |face: Face| FoundFace {
            roll_deg: face.roll_deg(),
            face,
            reading: None,
        };
        Ok(faces.into_iter().map(found).collect())
    })
}

fn look_at_all(
    args: &PhotoArgs,
    flags: &Overrides,
    look: impl Fn(&mut PhotoReader, &Path, &Photo) -> Result<Vec<FoundFace>, String>,
) -> Result<Exit, Failure> {
    let settings = quiet_settings(args.config.config.as_deref(), flags)?;
    let mut reader = PhotoReader::open(&settings)?;
    work_through(&args.paths, args.json, |path| {
        let photo = Photo::read(path).map_err(|e| e.to_string());
        let found = photo.and_then(|photo| {
            look(&mut reader, path, &photo).map(|faces| PhotoResult {
                size_px: photo.size_px(),
                faces: faces
                    .into_iter()
                    .map(|found| FoundFace {
                        face: photo.in_file(found.face),
                        ..found
                    })
                    .collect(),
            })
        });
        let line = if args.json {
            json_line(path, &found)
        } else {
            text_line(path, &found)
        };
        ResultLine {
            text: line,
            good: found.is_ok(),
        }
    })
}

fn json_line(path: &Path, found: &Result<PhotoResult, String>) -> String {
    let image = &path.to_string_lossy();
    match found {
        Ok(PhotoResult {
            size_px: (width, height),
            faces,
        }) => {
            let record = |found: &FoundFace| {
                let reading = found.reading.as_ref();
                let reading = reading.map(|r| ReadingRecord::new(&r.scores, r.mood, r.facing));
                FaceRecord::new(&found.face, (*width, *height), found.roll_deg, reading)
            };
            let faces = faces.iter().map(record).collect();
            json(&PhotoLine {
                image,
                width: *width,
                height: *height,
                faces,
            })
        }
        Err(error) => json(&ErrorLine { image, error }),
    }
}

fn text_line(path: &Path, found: &Result<PhotoResult, String>) -> String {
    let name = printable(&path.to_string_lossy());
    let PhotoResult {
        size_px: (width, height),
        faces,
    } = match found {
        Ok(found) => found,
        Err(error) => return format!("{name}: {error}"),
    };
    let count = match faces.len() {
        0 => "no face".into(),
        1 => "1 face".into(),
        n => format!("{n} faces"),
    };
    let mut text = format!("{name}: {width}x{height}, {count}");
    for found in faces {
        let (face, rect) = (&found.face, found.face.rect);
        let shows = found.reading.as_ref().map_or_else(String::new, shows);
        text += &format!(
            "\n  {shows}at {:.0},{:.0} size {:.0}x{:.0} tilt {:+.0}° (face {:.0} %)",
            rect.x,
            rect.y,
            rect.w,
            rect.h,
            found.roll_deg,
            face.score * 100.0
        );
    }
    text
}

/// The emoji and the mood's name, and for an uncertain face the likeliest expression.
fn shows(reading: &PhotoReading) -> String {
    let (mood, (likeliest, p)) = (reading.mood.mood(), reading.scores.top());
    let percent = p * 100.0;
    match mood {
        Mood::Showing(expression) => format!(
            "{} {:<8} {percent:>3.0} %  ",
            mood.emoji(),
            expression.name()
        ),
        _ => {
            let why = match reading.facing {
                Some(false) => "turned away, ",
                _ => "",
            };
            format!(
                "{} {} ({why}{} {percent:.0} %)  ",
                mood.emoji(),
                mood.name(),
                likeliest.name()
            )
        }
    }
}
