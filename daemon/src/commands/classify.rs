//! `classify`: reads pictures that are face crops already.

use moodring_base::{
    config::Overrides,
    exit::Exit,
    message::{CropLine, ErrorLine, ReadingRecord, json},
};
use moodring_camera::photo::Photo;
use moodring_core::mood::Mood;
use moodring_vision::{PhotoReader, PhotoReading};

use super::{
    Failure,
    pictures::{ResultLine, work_through},
    quiet_settings,
};
use crate::cli::CropArgs;

/// Reads each crop.
pub(super) fn classify(args: &CropArgs) -> Result<Exit, Failure> {
    let flags = Overrides::default().set("vision.labels", args.labels);
    let settings = quiet_settings(args.config.config.as_deref(), &flags)?;
    let mut reader = PhotoReader::open(&settings)?;
    work_through(&args.paths, args.json, |path| {
        let read = Photo::read(path)
            .map_err(|e| e.to_string())
            .and_then(|photo| photo.crop().map_err(|e| e.to_string()))
            .and_then(|crop| reader.classify(&crop).map_err(|e| e.to_string()));
        let image = &path.to_string_lossy();
        let text = if args.json {
            json_line(image, &read)
        } else {
            text_line(&moodring_base::redact::printable(image), &read)
        };
        ResultLine {
            text,
            good: read.is_ok(),
        }
    })
}

fn json_line(image: &str, read: &Result<PhotoReading, String>) -> String {
    match read {
        Ok(read) => json(&CropLine {
            image,
            reading: ReadingRecord::new(&read.scores, read.mood, read.facing),
        }),
        Err(error) => json(&ErrorLine { image, error }),
    }
}

fn text_line(image: &str, read: &Result<PhotoReading, String>) -> String {
    match read {
        Ok(read) => {
            let (mood, (top, p)) = (read.mood.mood(), read.scores.top());
            let (emoji, name, percent) = (mood.emoji(), mood.name(), p * 100.0);
            match mood {
                Mood::Showing(_) => format!("{image}: {emoji} {name} {percent:.0} %"),
                _ => format!("{image}: {emoji} {name} ({} {percent:.0} %)", top.name()),
            }
        }
        Err(error) => format!("{image}: {error}"),
    }
}
