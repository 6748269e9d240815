//! The file's tables, and how a connection is set up.

use rusqlite::{Connection, Result};

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
