//! Opens the store's file; if it is damaged, sets it aside and makes a new one; or opens a database in memory.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use moodring_base::files;
use rusqlite::{Connection, ErrorCode};

use super::{
    database::Database,
    schema::{self, Kind},
};

/// Why a file cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileProblem {
    /// Its bytes are not what SQLite wrote.
    #[error("{0}")]
    Damaged(String),
    /// Full, read-only, missing rights, in use, of another program: the file itself may be well.
    #[error("{0}")]
    Unusable(String),
    /// It was deleted, cut short or replaced while it was open.
    #[error("{0}")]
    Gone(String),
}

impl From<rusqlite::Error> for FileProblem {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Unusable("another moodring uses it; give each its own [store] path".into())
            }
            Some(ErrorCode::DiskFull) => Self::Unusable("the disk is full".into()),
            Some(ErrorCode::ReadOnly) => {
                Self::Unusable("the file or its folder is read-only".into())
            }
            // A value of a type that the schema rules out can only be damage.
            None => Self::Damaged(error.to_string()),
            Some(_) => Self::Unusable(error.to_string()),
        }
    }
}

/// How long to wait for another process's lock on the file. Such a process usually keeps it, and no start or stop may wait for that.
pub(super) const BUSY: Duration = Duration::from_millis(200);

/// A store in memory.
///
/// # Errors
/// SQLite's; there is no reason but a lack of memory.
pub(super) fn memory() -> Result<Database, rusqlite::Error> {
    let connection = Connection::open_in_memory()?;
    schema::set_up(&connection)?;
    Database::new(connection)
}

/// Opens or makes a file, whole and ours. It belongs to its owner alone.
///
/// # Errors
/// [`FileProblem`]; nothing was changed then.
pub(super) fn open(path: &Path) -> Result<Database, FileProblem> {
    let unusable = |what: &str, error: io::Error| FileProblem::Unusable(format!("{what}: {error}"));
    files::create_folder(files::folder_of(path))
        .map_err(|error| unusable("its folder cannot be made", error))?;
    // A pipe would be waited for, and a device would get another mode.
    moodring_base::regular_file::check_if_there(path)
        .map_err(|error| unusable("name another in [store] path", error))?;
    schema::look(path)?;
    match files::create_new(path, files::PRIVATE) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // A file of another owner, or on a disk that is read-only, keeps its rights.
            for file in [path.to_owned(), files::beside(path, "-wal")] {
                let _ = files::make_private(&file);
            }
        }
        Err(error) => return Err(unusable("it cannot be made", error)),
    }
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    if schema::set_up(&connection)? == Kind::Foreign {
        return Err(FileProblem::Unusable(FOREIGN.into()));
    }
    // Rows, pages and indexes against each other; a file of 10 MB takes some ten milliseconds.
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(FileProblem::Damaged(verdict));
    }
    Ok(Database::new(connection)?)
}

/// The error for a file that is another program's.
pub(super) const FOREIGN: &str =
    "it belongs to another program, so it is left alone; name another file in [store] path";
/// The error for a file that is newer than this program.
pub(super) const NEWER: &str = "a later moodring made it, so it is left alone; update this one, or name another file in [store] path";

/// Opens a file; a damaged one is set aside, and what still waits in it is taken along as far as it can be read.
///
/// # Errors
/// [`FileProblem::Unusable`]; or [`FileProblem::Damaged`] if it cannot be set aside either.
pub(super) fn open_or_begin_anew(path: &Path) -> Result<Database, FileProblem> {
    let reason = match open(path) {
        Err(FileProblem::Damaged(reason)) => reason,
        other => return other,
    };
    begin_anew(path, &reason)
}

/// Sets a damaged file aside and makes a new one. No connection may have it open.
///
/// # Errors
/// As [`open_or_begin_anew`].
pub(super) fn begin_anew(path: &Path, reason: &str) -> Result<Database, FileProblem> {
    let aside = set_aside(path).map_err(|error| {
        FileProblem::Damaged(format!("{reason}; and it cannot be renamed: {error}"))
    })?;
    let mut new = open(path)?;
    let saved = salvage(&aside, &mut new);
    tracing::warn!(
        "the store {} was damaged ({reason}): a new one begins with the {saved} waiting events that could be read; \
         the old one is kept as {}",
        path.display(),
        aside.display()
    );
    Ok(new)
}

fn salvage(aside: &Path, new: &mut Database) -> u64 {
    let Ok(connection) = Connection::open(aside) else {
        return 0;
    };
    // Its indexes and counters may be wrong; only the table is read.
    if let Ok(old) = Database::new(connection) {
        old.salvage_into(new);
    }
    new.counts.waiting
}

/// The ending of a file that was set aside.
const ASIDE: &str = ".damaged-";

/// Renames the file and what SQLite keeps beside it; the new name shows that and is free.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let free = (1_u32..).find(|n| !files::beside(path, &format!("{ASIDE}{n}")).exists());
    let suffix = format!("{ASIDE}{}", free.unwrap_or_default());
    let aside = files::beside(path, &suffix);
    fs::rename(path, &aside)?;
    let _ = files::make_private(&aside);
    // The log of changes belongs to it: without it, newer rows would be missing.
    let log = files::beside(path, "-wal");
    if log.exists() {
        fs::rename(log, files::beside(path, &format!("{suffix}-wal")))?;
    }
    Ok(aside)
}

/// Removes files that were set aside: all of them, or those that were written before this time. What cannot be removed is logged.
pub(super) fn remove_aside(path: &Path, before: Option<SystemTime>) {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return;
    };
    let begins = format!("{name}{ASIDE}");
    for entry in fs::read_dir(files::folder_of(path))
        .into_iter()
        .flatten()
        .flatten()
    {
        let is_aside = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(&begins));
        let written = entry.metadata().and_then(|about| about.modified()).ok();
        let is_old = before.is_none_or(|before| written.is_some_and(|written| written < before));
        if is_aside
            && is_old
            && let Err(error) = files::remove(&entry.path())
        {
            tracing::warn!(
                "{} holds old history and cannot be removed: {error}",
                entry.path().display()
            );
        }
    }
}
