//! The file's tables, and how a connection is set up.

use std::{fs::File, io::Read, path::Path};

use moodring_base::files;
use rusqlite::{Connection, OpenFlags, Result};

use super::file::{self, FileProblem};

/// `PRAGMA user_version` of what [`TABLES`] makes.
const VERSION: i64 = 1;
/// `PRAGMA application_id`: "mood" in ASCII, so that `file` and we know the file.
const APPLICATION: i64 = 0x6d6f_6f64;

/// `waiting` is 1 until the broker's receipt, `class` is 0 for events and 1 for telemetry.
const TABLES: &str = "
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    run TEXT NOT NULL,
    seq INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    class INTEGER NOT NULL,
    kind TEXT NOT NULL,
    payload BLOB NOT NULL,
    waiting INTEGER NOT NULL
) STRICT;
CREATE INDEX events_waiting ON events (class, id) WHERE waiting = 1;
CREATE INDEX events_time ON events (time_ms);
CREATE TABLE moods (
    minute INTEGER NOT NULL,
    mood TEXT NOT NULL,
    ms INTEGER NOT NULL,
    PRIMARY KEY (minute, mood)
) STRICT, WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// What a file is, from its first page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Ours, with its tables.
    Ours,
    /// Another program's, or one from a later moodring.
    Foreign,
}

/// One user, one writer, and every commit on the disk when it returns.
///
/// # Errors
/// SQLite's, also if another process has the file.
pub(super) fn set_up(connection: &Connection) -> Result<Kind> {
    // Exclusive: no second daemon beside us, and no shared-memory file that a power cut could leave behind.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    let _: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    // FULL: a commit survives a power cut. The default of WAL, NORMAL, would lose the newest ones.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Deleted rows are overwritten: history that was deleted is gone.
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Some machines have 1 GB for everything.
    connection.pragma_update(None, "cache_size", -1_024)?;
    tables(connection)
}

/// Looks at a file before SQLite may touch it: one of another program or of a later moodring is not changed by a byte.
///
/// # Errors
/// [`FileProblem::Unusable`] for such a file. One that is not there, or damaged, is none of them.
pub(super) fn look(path: &Path) -> std::result::Result<(), FileProblem> {
    let mut head = [0; 100];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    if read.is_err() || !head.starts_with(b"SQLite format 3\0") {
        return Ok(());
    }
    let number = |at: usize| {
        i64::from(u32::from_be_bytes([
            head[at],
            head[at + 1],
            head[at + 2],
            head[at + 3],
        ]))
    };
    let (pages, version, application) = (number(28), number(60), number(68));
    let unusable = |text: &str| Err(FileProblem::Unusable(text.into()));
    match application {
        APPLICATION if version > VERSION => unusable(file::NEWER),
        APPLICATION => Ok(()),
        // New ones of ours have their head in the log of changes at first; and some are empty.
        0 if pages <= 1 && !files::beside(path, "-wal").exists() => Ok(()),
        _ if has_our_tables(path) => Ok(()),
        _ => unusable(file::FOREIGN),
    }
}

/// Whether a file without our head is ours after all, or empty, or so damaged that it is nobody's. Reads only.
fn has_our_tables(path: &Path) -> bool {
    let query = "SELECT count(*), coalesce(sum(name IN ('events', 'moods', 'counters')), 0) FROM sqlite_schema";
    // What SQLite makes for reading a file with a log of changes beside others; nobody else is there.
    let beside = ["-shm", "-wal"].map(|ending| files::beside(path, ending));
    let made = beside.into_iter().filter(|file| !file.exists());
    let made: Vec<_> = made.collect();
    let counted = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(
        |connection| {
            connection.busy_timeout(file::BUSY)?;
            connection.query_row(query, [], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })
        },
    );
    for file in made {
        let _ = std::fs::remove_file(file);
    }
    // What is wrong with one that cannot be read is reported when it is opened.
    counted.map_or(true, |(all, ours)| all == 0 || ours == 3)
}

fn tables(connection: &Connection) -> Result<Kind> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (number("application_id")?, number("user_version")?) {
        (APPLICATION, VERSION) => Ok(Kind::Ours),
        (0, 0) if objects == 0 => {
            connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT"
            ))?;
            Ok(Kind::Ours)
        }
        _ => Ok(Kind::Foreign),
    }
}
