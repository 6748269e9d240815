//! Reads the settings' file, and replaces it in one step while keeping the old one.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use moodring_base::{files, regular_file};

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

/// The readers of a file, and whether the file before is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Those who could read it before; the file before is kept.
    AsBefore,
    /// Its owner and group, of those who could before; the file before is kept.
    NotOthers,
    /// Its owner; nothing is kept.
    Secret,
}

/// Replaces the file: readers see the old text or the new one, also after a power cut. The old file stays beside it as
/// `.bak` (the name is returned), unless it is secret; owner, group and mode stay. No link is followed: where the file itself is one,
/// that is refused, because what it links to would be left as it is.
///
/// # Errors
/// The system's error, or that it is a link; then the file is as it was.
pub(super) fn replace(path: &Path, text: &str, access: Access) -> io::Result<Option<PathBuf>> {
    // Where there is no folder somebody meant another place.
    fs::metadata(files::folder_of(path))?;
    let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    if is_link && access != Access::Secret {
        let to = fs::read_link(path)?.display().to_string();
        return Err(io::Error::other(match fs::canonicalize(path) {
            Ok(real) => format!("it is a link; name the file itself: {}", real.display()),
            Err(_) => format!("it is a link to {to}, which is not there; remove the link"),
        }));
    }
    // Before it is read: a pipe would never end.
    regular_file::check_if_there(path)?;
    let old = fs::metadata(path).ok().filter(|_| access != Access::Secret);
    let mode = old
        .as_ref()
        .map_or(files::PRIVATE, |old| old.permissions().mode() & 0o7777);
    let kept = match &old {
        Some(_) => {
            let kept = files::beside(path, ".bak");
            put(&kept, &fs::read(path)?, mode, old.as_ref())?;
            Some(kept)
        }
        None => None,
    };
    let mode = match access {
        Access::NotOthers => mode & !0o007,
        Access::AsBefore | Access::Secret => mode,
    };
    put(path, text.as_bytes(), mode, old.as_ref())?;
    Ok(kept)
}

/// Puts the bytes there, for the same owner and group as before.
fn put(path: &Path, bytes: &[u8], mode: u32, old: Option<&fs::Metadata>) -> io::Result<()> {
    files::replace_with(path, mode, |file| {
        if let Some(old) = old {
            keep_owner(file, old)?;
        }
        file.write_all(bytes)
    })
}

fn keep_owner(file: &File, old: &fs::Metadata) -> io::Result<()> {
    let new = file.metadata()?;
    if (new.uid(), new.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(file, Some(old.uid()), Some(old.gid()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{chown, symlink};

    use super::*;

    #[test]
    fn a_pipe_is_named_and_never_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        moodring_tests::files::named_pipe(&pipe);
        for access in [Access::AsBefore, Access::NotOthers, Access::Secret] {
            let error = replace(&pipe, "new", access).unwrap_err().to_string();
            assert!(error.contains("a named pipe"), "{error}");
        }
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no copy beside it"
        );
    }

    #[test]
    fn a_link_is_named_and_left() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        symlink(&real, &link).unwrap();
        let error = replace(&link, "new", Access::AsBefore).unwrap_err();
        assert!(error.to_string().contains("/real"), "{error}");
        assert_eq!(fs::read_to_string(&real).unwrap(), "old");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        fs::remove_file(&real).unwrap();
        let error = replace(&link, "new", Access::AsBefore).unwrap_err();
        assert!(error.to_string().contains("not there"), "{error}");
    }

    #[test]
    fn owner_group_and_mode_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("moodring.toml");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        // Only root may give files away.
        if chown(&path, Some(65_534), Some(65_534)).is_err() {
            return;
        }
        let kept = replace(&path, "new", Access::NotOthers).unwrap().unwrap();
        for file in [path, kept] {
            let found = fs::metadata(file).unwrap();
            let mode = found.permissions().mode() & 0o777;
            assert_eq!((found.uid(), found.gid(), mode), (65_534, 65_534, 0o640));
        }
    }
}
