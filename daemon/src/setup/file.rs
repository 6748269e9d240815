//! Reads the settings' file, and replaces it in one step while keeping the old one.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::files;

/// The text; `None` if there is no file yet.
///
/// # Errors
/// The system's error, or that the file is not UTF-8.
pub(super) fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Who may read a file, and whether the one before is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Who could read it before; the file before is kept.
    AsBefore,
    /// Its owner and group, of those who could before; the file before is kept.
    NotOthers,
    /// Its owner; nothing is kept.
    Secret,
}

/// Replaces the file: readers see the old text or the new one, also after a power cut. The old file stays beside it as
/// `.bak` (the name is returned), unless it is secret. Links are replaced, never followed.
///
/// # Errors
/// The system's error; then the file is as it was.
pub(super) fn replace(path: &Path, text: &str, access: Access) -> io::Result<Option<PathBuf>> {
    // Where there is no folder somebody meant another place.
    fs::metadata(files::folder_of(path))?;
    let old = fs::metadata(path).ok().filter(|_| access != Access::Secret);
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
    let mode = match access {
        Access::NotOthers => mode & !0o007,
        Access::AsBefore | Access::Secret => mode,
    };
    files::replace(path, text.as_bytes(), mode)?;
    Ok(kept)
}
