//! Works through pictures and prints a line for each. A broken one gets a line too, and the rest is still read.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use moodring_base::exit::Exit;
use moodring_camera::photo::expand;

use super::{Failure, progress, stdout};

/// The result for one picture.
pub(super) struct ResultLine {
    /// The line to print.
    pub(super) text: String,
    /// Whether it could be read.
    pub(super) good: bool,
}

/// Prints a line for every picture of these files and folders.
pub(super) fn work_through(
    paths: &[PathBuf],
    json: bool,
    mut line: impl FnMut(&Path) -> ResultLine,
) -> Result<Exit, Failure> {
    let paths = expand(paths);
    if paths.is_empty() {
        let text = "no pictures there: these folders hold no PNG, JPEG, GIF, WebP or BMP files";
        return Err(Failure::new(Exit::Source, text));
    }
    let bar = progress(paths.len(), !json);
    let mut out = io::stdout().lock();
    let mut failed = 0;
    for path in &paths {
        let ResultLine { text, good } = line(path);
        failed += usize::from(!good);
        // A line must not break the progress bar.
        stdout::check(bar.suspend(|| writeln!(out, "{text}")))?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    if failed > 0 && paths.len() > 1 {
        eprintln!(
            "moodring: {failed} of {} pictures could not be read",
            paths.len()
        );
    }
    Ok(if failed == 0 {
        Exit::Done
    } else {
        Exit::SomeFailed
    })
}
