//! Replaces files in one step, so that a power cut leaves the old or the new one, readable by their owner alone. Also
//! finds the folder for lasting state and the host's name. All code that needs one of these uses this module.

use std::{
    env,
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::regular_file;

/// Read and written by the owner alone.
pub const PRIVATE: u32 = 0o600;
/// Read by everybody.
pub const PUBLIC: u32 = 0o644;

/// The path with something added to its name, such as `moodring.db` and `.new`.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(ending);
    path.with_file_name(name)
}

/// The folder that a file stands in.
pub fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Makes a folder for the owner alone, and those above it; one that exists stays as it is.
///
/// # Errors
/// The system's error.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)
}

/// Makes sure that names that were made, renamed or removed in a folder are on the disk.
///
/// # Errors
/// The system's error.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Opens a file that does not exist yet. A link of that name is not followed.
///
/// # Errors
/// The system's error; also if the name is taken.
pub fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|file| {
            // The process's umask may have taken rights away.
            file.set_permissions(Permissions::from_mode(mode))?;
            Ok(file)
        })
}

/// Puts these bytes in the file's place: readers see the old content or the new one, also after a power cut. Its folder is
/// made if it is not there. A link of that name is replaced, not followed; what is no file (a device, a pipe) is left alone.
///
/// # Errors
/// The system's error, or one that names what else is there; the file is as it was then.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    replace_with(path, mode, |file| file.write_all(bytes))
}

/// As [`replace`], with content that `write` produces.
///
/// # Errors
/// Those of `write`, or the system's error.
pub fn replace_with<E: From<io::Error>>(
    path: &Path,
    mode: u32,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    // To rename over a device or a pipe would take it away from everybody who uses it.
    if !fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        regular_file::check_if_there(path)?;
    }
    let folder = folder_of(path);
    create_folder(folder)?;
    let draft = draft_of(path);
    let written = create_new(&draft, mode)
        .map_err(E::from)
        .and_then(|mut file| {
            write(&mut file)?;
            file.sync_all()?;
            Ok(fs::rename(&draft, path)?)
        });
    if written.is_err() {
        // It may not even exist; the error that counts is the first one.
        let _ = fs::remove_file(&draft);
    }
    written?;
    Ok(sync_folder(folder)?)
}

/// A free name for a draft beside the file. One that a killed process left behind is removed.
fn draft_of(path: &Path) -> PathBuf {
    // Two processes that replace the same file do not mix their bytes.
    let draft = beside(path, &format!(".{}.new", std::process::id()));
    let _ = fs::remove_file(&draft);
    draft
}

/// Removes a file, for good when this returns; one that is not there is no error.
///
/// # Errors
/// The system's error.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_folder(folder_of(path)),
    }
}

/// Takes other users' rights to a file away; one that is not there is no error.
///
/// # Errors
/// The system's error.
pub fn make_private(path: &Path) -> io::Result<()> {
    match fs::set_permissions(path, Permissions::from_mode(PRIVATE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The folder for what outlives a restart: the service's, else the user's; `None` if the environment names none.
pub fn state_folder() -> Option<PathBuf> {
    state_folder_by(|name| env::var_os(name).map(PathBuf::from))
}

/// systemd gives a service `$STATE_DIRECTORY`; users have the XDG base directories.
pub fn state_folder_by(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    // The specification: what is not absolute is ignored. systemd may give several folders, parted by colons.
    let folder = |name: &str| {
        let text = variable(name)?;
        let first = text.to_str()?.split(':').next()?;
        Some(PathBuf::from(first)).filter(|path| path.is_absolute())
    };
    let user = || folder("XDG_STATE_HOME").map(|path| path.join("moodring"));
    let home = || folder("HOME").map(|path| path.join(".local/state/moodring"));
    folder("STATE_DIRECTORY").or_else(user).or_else(home)
}

/// The host's name as the kernel has it; empty if it has none.
pub fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// `moodring config --password /dev/null` by root took the machine's /dev/null away.
    #[test]
    fn what_is_no_file_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        moodring_tests::files::named_pipe(&pipe);
        for path in [pipe.as_path(), folder.path()] {
            let before = fs::metadata(path).unwrap();
            let error = replace(path, b"x", PRIVATE).unwrap_err().to_string();
            assert!(error.contains("not a file"), "{}: {error}", path.display());
            let after = fs::metadata(path).unwrap();
            assert_eq!(
                (before.ino(), before.file_type()),
                (after.ino(), after.file_type())
            );
        }
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no draft is left"
        );
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_belongs_to_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/note");
        replace(&path, b"one", PRIVATE).unwrap();
        replace(&path, b"two", PRIVATE).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        let failed = replace_with(&path, PRIVATE, |_| Err(io::Error::other("full")));
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"two", "as it was");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn links_are_replaced_and_never_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("victim"), "mine").unwrap();
        symlink(at("victim"), at("note")).unwrap();
        symlink(at("victim"), draft_of(&at("note"))).unwrap();
        replace(&at("note"), b"new", PRIVATE).unwrap();
        assert_eq!(fs::read_to_string(at("victim")).unwrap(), "mine");
        assert!(!fs::symlink_metadata(at("note")).unwrap().is_symlink());
    }

    #[test]
    fn what_is_gone_may_be_removed_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("note");
        replace(&path, b"", PUBLIC).unwrap();
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(!path.exists());
        assert_eq!(folder_of(Path::new("note")), Path::new("."));
    }
}
