//! `classify`: reads pictures that are face crops already.

use moodring_core::expression::Scores;

use super::{
    Failure,
    pictures::{ResultLine, work_through},
    quiet_settings,
};
use crate::{
    cli::CropArgs,
    config::Overrides,
    exit::Exit,
    message::{CropLine, ErrorLine, ExpressionRecord, json},
    photo::Photo,
    vision::PhotoReader,
};

/// Reads each crop.
pub(super) fn classify(args: &CropArgs) -> Result<Exit, Failure> {
    let flags = Overrides::default().set("vision.labels", args.labels);
    let settings = quiet_settings(args.config.config.as_deref(), &flags)?;
    let mut reader = PhotoReader::open(&settings)?;
    work_through(&args.paths, args.json, |path| {
        let scores = Photo::read(path)
            .map_err(|e| e.to_string())
            .and_then(|photo| photo.crop().map_err(|e| e.to_string()))
            .and_then(|crop| reader.classify(&crop).map_err(|e| e.to_string()));
        let image = &path.to_string_lossy();
        let text = if args.json {
            json_line(image, &scores)
        } else {
            text_line(&crate::redact::printable(image), &scores)
        };
        ResultLine {
            text,
            good: scores.is_ok(),
        }
    })
}

fn json_line(image: &str, scores: &Result<Scores, String>) -> String {
    match scores {
        Ok(scores) => json(&CropLine {
            image,
            reading: ExpressionRecord::new(scores),
        }),
        Err(error) => json(&ErrorLine { image, error }),
    }
}

fn text_line(image: &str, scores: &Result<Scores, String>) -> String {
    match scores.as_ref().map(Scores::top) {
        Ok((top, p)) => format!("{image}: {} {} {:.0} %", top.emoji(), top.name(), p * 100.0),
        Err(error) => format!("{image}: {error}"),
    }
}
