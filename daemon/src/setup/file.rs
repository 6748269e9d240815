//! The settings' file: read, and replaced in one step with the old one kept.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::files;

/// The text; `None` if there is no file yet.
///
/// # Errors
/// What the system says, or that it is not UTF-8.
pub(super) fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts this text in the file's place: readers see the old one or the new one, also after a power cut. The old one stays
/// beside it as `.bak` (its name is returned), unless it is `secret`; a secret is readable by its owner alone. Links are
/// replaced, never followed.
///
/// # Errors
/// What the system says; the file is as it was then.
pub(super) fn replace(path: &Path, text: &str, secret: bool) -> io::Result<Option<PathBuf>> {
    // Where there is no folder somebody meant another place.
    fs::metadata(files::folder_of(path))?;
    let old = fs::metadata(path).ok().filter(|_| !secret);
    let mode = old
        .as_ref()
        .map_or(files::PRIVATE, |old| old.permissions().mode() & 0o7777);
    let kept = match &old {
        Some(_) => {
            let kept = files::beside(path, ".bak");
            files::replace(&kept, &fs::read(path)?, mode)?;
            Some(kept)
        }
        None => None,
    };
    files::replace(path, text.as_bytes(), mode)?;
    Ok(kept)
}
