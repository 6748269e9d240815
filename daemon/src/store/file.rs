//! Opening: the file as it should be, or a new one beside what a broken one left behind, or memory.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode};

use super::{
    database::Database,
    schema::{self, Kind},
};

/// Why a file cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileProblem {
    /// Its bytes are not what SQLite wrote, or they are another program's.
    #[error("{0}")]
    Damaged(String),
    /// Full, read-only, missing rights, in use: the file itself may be well.
    #[error("{0}")]
    Unusable(String),
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

/// A store in memory.
///
/// # Errors
/// SQLite's; there is no reason but a lack of memory.
pub(super) fn memory() -> Result<Database, rusqlite::Error> {
    let connection = Connection::open_in_memory()?;
    schema::set_up(&connection)?;
    Database::new(connection)
}

/// Opens or makes a file, whole and ours.
///
/// # Errors
/// [`FileProblem`]; nothing was changed then.
pub(super) fn open(path: &Path) -> Result<Database, FileProblem> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| {
            FileProblem::Unusable(format!("its folder cannot be made: {error}"))
        })?;
    }
    let connection = Connection::open(path)?;
    // Who has the file keeps it for good: there is nothing to wait for.
    connection.busy_timeout(Duration::from_millis(200))?;
    if schema::set_up(&connection)? == Kind::Foreign {
        return Err(FileProblem::Damaged(
            "it was not made by this moodring, but by another program or a later version".into(),
        ));
    }
    // Rows, pages and indexes against each other; a file of 10 MB takes some ten milliseconds.
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(FileProblem::Damaged(verdict));
    }
    Ok(Database::new(connection)?)
}

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

/// Renames the file and what SQLite keeps beside it; the name says so and is free.
fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let free = (1_u32..).find(|n| !beside(&format!(".damaged-{n}")).exists());
    let suffix = format!(".damaged-{}", free.unwrap_or_default());
    let aside = beside(&suffix);
    fs::rename(path, &aside)?;
    // The log of changes belongs to it: without it, newer rows would be missing.
    let log = beside("-wal");
    if log.exists() {
        fs::rename(log, beside(&format!("{suffix}-wal")))?;
    }
    Ok(aside)
}
