//! `classify`: pictures that are face crops already.

use std::io::{self, Write};

use super::{Failure, progress, quiet_settings};
use crate::{
    cli::CropArgs,
    config::Overrides,
    exit::Exit,
    message::{CropLine, ErrorLine, ExpressionRecord, json},
    photo::{Photo, expand},
    vision::PhotoReader,
};

/// Reads each crop; a broken one gets its line and the rest goes on.
pub(super) fn classify(args: &CropArgs) -> Result<Exit, Failure> {
    let settings = quiet_settings(args.config.config.as_deref(), &Overrides::default())?;
    let mut reader = PhotoReader::open(&settings)?;
    let paths = expand(&args.paths);
    if paths.is_empty() {
        let text = "no pictures there: these folders hold no PNG, JPEG, GIF, WebP or BMP files";
        return Err(Failure::new(Exit::Source, text));
    }
    let bar = progress(paths.len(), !args.json);
    let mut out = io::stdout().lock();
    let mut failed = 0;
    for path in &paths {
        let image = &path.to_string_lossy();
        let scores = Photo::read(path)
            .map_err(|e| e.to_string())
            .and_then(|photo| photo.crop().map_err(|e| e.to_string()))
            .and_then(|crop| reader.classify(&crop).map_err(|e| e.to_string()));
        failed += usize::from(scores.is_err());
        let line = match (&scores, args.json) {
            (Ok(scores), true) => json(&CropLine {
                image,
                reading: ExpressionRecord::new(scores),
            }),
            (Err(error), true) => json(&ErrorLine { image, error }),
            (Ok(scores), false) => {
                let (top, p) = scores.top();
                format!("{image}: {} {} {:.0} %", top.emoji(), top.name(), p * 100.0)
            }
            (Err(error), false) => format!("{image}: {error}"),
        };
        if bar.suspend(|| writeln!(out, "{line}")).is_err() {
            return Ok(Exit::Done); // whoever reads has gone, as `head` does
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(if failed == 0 {
        Exit::Done
    } else {
        Exit::SomeFailed
    })
}
