//! Small files beside the store that outlive the daemon: what it announced, whether its camera was switched off. Their
//! names contain the store's, so that several daemons can share a folder, and a lock keeps other daemons from them.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use moodring_base::{
    config::StoreSettings,
    files,
    message::{ScoresRecord, json},
};
use moodring_core::{
    expression::{Expression, Scores},
    resting::Calibration,
};

use crate::{CopyPlan, StoreLocation};

/// The note that the camera is off, by its old name, which all stores of a folder shared.
const OLD_CAMERA_OFF: &str = "camera-off";
const CAMERA_OFF: &str = ".camera-off";
/// The resting face of the one person before the device: seven numbers.
const CALIBRATION: &str = ".resting.json";
/// The longest note of that kind, in bytes.
const MAX_CALIBRATION: u64 = 1024;
/// The ending of the file that keeps a second daemon away.
const LOCK: &str = ".lock";
/// `PRAGMA application_id` of a store, as it stands in an SQLite file.
const STORE_MARK: (usize, &[u8; 4]) = (68, b"mood");

/// Where a daemon's notes are, held as long as this lives. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    held: Option<Arc<Held>>,
    /// The id of the device whose daemon has them.
    other: Option<String>,
}

#[derive(Debug)]
struct Held {
    /// The store's file, or its copy where that is in RAM: the notes' names begin with its name.
    store: PathBuf,
    /// Closing it gives the notes free.
    _lock: File,
}

impl Notes {
    /// The notes of the store that the settings name: beside its copy, which outlives the power, else beside itself. None where
    /// nothing outlives the process, and where another daemon has them.
    ///
    /// `device` is this one's id: it stands in the lock, for others to see whom they meet.
    pub fn open(settings: &StoreSettings, device: &str) -> Self {
        let copy = CopyPlan::of(settings).map(|plan| plan.path);
        let store = copy.or_else(|| StoreLocation::of(&settings.path).file().map(Path::to_owned));
        let Some(store) = store else {
            return Self::none();
        };
        match lock(&store, device) {
            Ok(Lock::Ours(lock)) => {
                share_old_note(&store);
                Self {
                    held: Some(Arc::new(Held { store, _lock: lock })),
                    other: None,
                }
            }
            Ok(Lock::Theirs(other)) => {
                tracing::warn!(
                    "another moodring uses the store {}: this one remembers nothing. Give each its own [store] path",
                    store.display()
                );
                Self {
                    held: None,
                    other: Some(other),
                }
            }
            Err(error) => {
                tracing::warn!(
                    "no notes beside the store {}: {error}; after a restart the camera will be on again",
                    store.display()
                );
                Self::none()
            }
        }
    }

    /// For who keeps nothing.
    pub const fn none() -> Self {
        Self {
            held: None,
            other: None,
        }
    }

    /// Whether a daemon of the same id runs on this machine: at a broker the two would throw each other off.
    pub fn is_taken_by(&self, device: &str) -> bool {
        self.other.as_deref() == Some(device)
    }

    /// The store that they belong to, if there are any.
    pub fn store(&self) -> Option<&Path> {
        self.held.as_ref().map(|held| held.store.as_path())
    }

    /// Where the note with this ending is; `None`: nowhere.
    pub fn path(&self, ending: &str) -> Option<PathBuf> {
        self.store().map(|store| files::beside(store, ending))
    }

    /// Whether the only store in its folder is this one: then the folder's old notes are its own, too.
    pub fn is_alone(&self) -> bool {
        self.store().is_some_and(|store| {
            let others = stores(files::folder_of(store));
            others
                .iter()
                .all(|other| other.file_name() == store.file_name())
        })
    }

    /// Whether the camera was switched off when the daemon ended.
    pub fn camera_is_off(&self) -> bool {
        self.path(CAMERA_OFF).is_some_and(|path| path.exists())
    }

    /// Keeps in mind whether the camera is off. Where there are no notes this does nothing.
    ///
    /// # Errors
    /// The system's error; after a restart the camera will be as it was noted before.
    pub fn set_camera_off(&self, off: bool) -> io::Result<()> {
        match self.path(CAMERA_OFF) {
            Some(path) if off => files::replace(&path, b"", files::PRIVATE),
            Some(path) => files::remove(&path),
            None => Ok(()),
        }
    }
}

impl Notes {
    /// The resting face that is kept; `None` if none is.
    ///
    /// # Errors
    /// The system's error, also for a file that holds something else.
    pub fn calibration(&self) -> io::Result<Option<Calibration>> {
        let Some(path) = self.path(CALIBRATION) else {
            return Ok(None);
        };
        let mut text = String::new();
        match File::open(&path) {
            Ok(file) => file.take(MAX_CALIBRATION).read_to_string(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let other = || io::Error::other(format!("{} does not hold seven scores", path.display()));
        let scores: HashMap<String, f32> = serde_json::from_str(&text).map_err(|_| other())?;
        let score = |expression: Expression| scores.get(expression.name()).copied();
        let all = Expression::ALL.map(|expression| score(expression).unwrap_or(f32::NAN));
        Calibration::new(Scores(all)).map(Some).ok_or_else(other)
    }

    /// Keeps a resting face, or forgets it. Where there are no notes this does nothing.
    ///
    /// # Errors
    /// The system's error.
    pub fn set_calibration(&self, calibration: Option<&Calibration>) -> io::Result<()> {
        let Some(path) = self.path(CALIBRATION) else {
            return Ok(());
        };
        match calibration {
            Some(kept) => {
                let text = json(&ScoresRecord(*kept.scores()));
                files::replace(&path, text.as_bytes(), files::PRIVATE)
            }
            None => files::remove(&path),
        }
    }
}

/// Who has the notes.
enum Lock {
    Ours(File),
    /// The daemon of the device with this id.
    Theirs(String),
}

/// The longest id that is read from a lock, in bytes.
const MAX_ID: u64 = 256;

/// Takes the lock, unless another process has it.
fn lock(store: &Path, device: &str) -> io::Result<Lock> {
    files::create_folder(files::folder_of(store))?;
    let path = files::beside(store, LOCK);
    let file = match files::create_new(&path, files::PRIVATE) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            File::options().read(true).write(true).open(&path)?
        }
        other => other?,
    };
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            (&file).write_all(device.as_bytes())?;
            Ok(Lock::Ours(file))
        }
        Err(fs::TryLockError::WouldBlock) => {
            let mut other = Vec::new();
            file.take(MAX_ID).read_to_end(&mut other)?;
            Ok(Lock::Theirs(String::from_utf8_lossy(&other).into_owned()))
        }
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Before, one note counted for all stores of its folder: each of them gets its own, and the old one goes.
fn share_old_note(store: &Path) {
    let folder = files::folder_of(store);
    let old = folder.join(OLD_CAMERA_OFF);
    if !old.exists() {
        return;
    }
    let mut all = stores(folder);
    all.push(store.to_owned());
    let noted = all.iter().try_for_each(|store| {
        files::replace(&files::beside(store, CAMERA_OFF), b"", files::PRIVATE)
    });
    if let Err(error) = noted.and_then(|()| files::remove(&old)) {
        tracing::warn!("{}: {error}", old.display());
    }
}

/// The stores in a folder. Reads their first bytes; must not be asked while this process has one of them open, since SQLite's
/// locks end when any file handle of the process is closed.
fn stores(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_file = |path: &PathBuf| path.is_file();
    entries
        .map(|entry| entry.path())
        .filter(is_file)
        .filter(|path| is_store(path))
        .collect()
}

fn is_store(path: &Path) -> bool {
    let mut head = [0; 100];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    let (at, mark) = STORE_MARK;
    read.is_ok() && head.starts_with(b"SQLite format 3\0") && head[at..at + 4] == mark[..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> StoreSettings {
        toml::from_str(text).unwrap()
    }

    fn at(path: &Path) -> Notes {
        Notes::open(&settings(&format!("path = '{}'", path.display())), "desk")
    }

    fn make_store(path: &Path) {
        let mut head = vec![0; 4096];
        head[..16].copy_from_slice(b"SQLite format 3\0");
        head[68..72].copy_from_slice(b"mood");
        fs::write(path, head).unwrap();
    }

    #[test]
    fn they_are_where_they_outlive_the_power() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let notes = at(&path("a/m.db"));
        assert_eq!(notes.path(".x"), Some(path("a/m.db.x")));
        let (run, data) = (path("run/m.db"), path("data/m.db"));
        let text = format!("path = '{}'\ncopy = '{}'", run.display(), data.display());
        assert_eq!(
            Notes::open(&settings(&text), "desk").path(".x"),
            Some(path("data/m.db.x"))
        );
        assert_eq!(
            Notes::open(&settings("path = 'memory'"), "desk").path(".x"),
            None
        );
    }

    #[test]
    fn two_stores_in_one_folder_have_notes_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (
            at(&folder.path().join("one.db")),
            at(&folder.path().join("other.db")),
        );
        one.set_camera_off(true).unwrap();
        assert!(one.camera_is_off() && !other.camera_is_off());
        other.set_camera_off(false).unwrap();
        assert!(one.camera_is_off());
        one.set_camera_off(false).unwrap();
        assert!(!one.camera_is_off());
        let nowhere = Notes::none();
        nowhere.set_camera_off(true).unwrap();
        assert!(!nowhere.camera_is_off());
    }

    #[test]
    fn two_daemons_on_one_store_do_not_share_its_notes() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("new/m.db");
        let first = at(&store);
        let second = at(&store);
        assert_eq!(second.path(".x"), None);
        assert!(second.is_taken_by("desk") && !second.is_taken_by("hall"));
        drop(first);
        let again = at(&store);
        assert!(again.path(".x").is_some() && !again.is_taken_by("desk"));
    }

    #[test]
    fn the_old_note_of_a_folder_becomes_one_for_each_store() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["one.db", "other.db"] {
            make_store(&path(name));
        }
        fs::write(path("camera-off"), "").unwrap();
        let one = at(&path("one.db"));
        assert!(one.camera_is_off() && !one.is_alone());
        one.set_camera_off(false).unwrap();
        drop(one);
        assert!(!at(&path("one.db")).camera_is_off(), "and stays on");
        assert!(at(&path("other.db")).camera_is_off(), "it was off, and is");
        assert!(!path("camera-off").exists());
    }
}
