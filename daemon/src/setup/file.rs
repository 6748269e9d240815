//! Reads the settings' file, and replaces it in one step while keeping the old one.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Only the owner reads it.
const OWN: u32 = 0o600;

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

/// Replaces the file: readers see the old text or the new one, also after a power cut. The old file stays beside it as
/// `.bak` (the name is returned), unless it is `secret`; only its owner can read a secret. Links are replaced, never
/// followed.
///
/// # Errors
/// The system's error; then the file is as it was.
pub(super) fn replace(path: &Path, text: &str, secret: bool) -> io::Result<Option<PathBuf>> {
    let beside = |ending: &str| {
        let mut name = path.file_name().map(OsString::from).unwrap_or_default();
        name.push(ending);
        path.with_file_name(name)
    };
    let old = fs::metadata(path).ok();
    let fresh = beside(&format!(".{}.new", std::process::id()));
    let written = write(&fresh, text.as_bytes(), old.as_ref().filter(|_| !secret));
    let kept = written.and_then(|()| match &old {
        Some(rights) if !secret => {
            let (kept, copy) = (
                beside(".bak"),
                beside(&format!(".{}.bak", std::process::id())),
            );
            write(&copy, &fs::read(path)?, Some(rights))?;
            // In one step, and in the place of a link instead of through it.
            fs::rename(&copy, &kept)?;
            Ok(Some(kept))
        }
        _ => Ok(None),
    });
    let done = kept.and_then(|kept| fs::rename(&fresh, path).map(|()| kept));
    if done.is_err() {
        // The temporary file may not exist; the first error is the one that counts.
        let _ = fs::remove_file(&fresh);
    }
    let kept = done?;
    // The new name is on the disk once the folder is.
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(kept)
}

/// Writes a file that is not there yet, for its owner alone or with the rights of another.
fn write(path: &Path, text: &[u8], like: Option<&Metadata>) -> io::Result<()> {
    // What a killed run left behind, or somebody put there, is not written into.
    let _ = fs::remove_file(path);
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(OWN).open(path)?;
    file.write_all(text)?;
    if let Some(like) = like {
        file.set_permissions(Permissions::from_mode(like.permissions().mode() & 0o777))?;
    }
    file.sync_all()
}
