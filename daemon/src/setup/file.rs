//! Reads the settings' file, and replaces it in one step while keeping the old one.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, Permissions},
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
/// `.bak` (the name is returned), unless it is `secret`; only its owner can read a secret.
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
    let written = write(&fresh, text).and_then(|()| {
        if let Some(old) = old.as_ref().filter(|_| !secret) {
            fs::set_permissions(&fresh, Permissions::from_mode(old.permissions().mode()))?;
        }
        Ok(())
    });
    let kept = written.and_then(|()| match &old {
        Some(_) if !secret => {
            let kept = beside(".bak");
            fs::copy(path, &kept)?;
            File::open(&kept)?.sync_all()?;
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

fn write(path: &Path, text: &str) -> io::Result<()> {
    let options = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(OWN)
        .to_owned();
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
