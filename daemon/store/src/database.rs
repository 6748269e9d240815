//! One open database, in a file or in memory, and its operations. Knows no threads and no clock.

use rusqlite::{Connection, OptionalExtension, Result, Transaction, params};

use super::{
    EventClass, EventDraft, OutboxRow, StoreLimits,
    history::{self, MoodSpan},
};

/// An open store.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) connection: Connection,
    pub(super) counts: Counts,
}

/// What is in it, so that nothing is counted again and again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Rows that wait for the broker.
    pub(super) waiting: u64,
    /// Bytes of their payloads.
    pub(super) bytes: u64,
    /// The newest row's id.
    pub(super) newest: i64,
    /// Dropped rows that no `dropped` event has reported yet.
    pub(super) untold: u64,
}

/// One change, as the writer keeps it until it is on the disk.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// A new event and its id.
    Append(i64, EventDraft),
    /// This row has its receipt.
    Delivered(i64),
    /// So many dropped rows were reported.
    Told(u64),
    /// Times for the history.
    Moods(Vec<MoodSpan>),
}

impl Database {
    /// Counts what is there.
    pub(super) fn new(connection: Connection) -> Result<Self> {
        connection.set_prepared_statement_cache_capacity(32);
        let counts = count(&connection)?;
        Ok(Self { connection, counts })
    }

    /// All of these changes or none, on the disk when this returns; then what is above the bounds goes.
    /// Gives back how many waiting rows went.
    pub(super) fn commit(&mut self, changes: &[Change], bounds: StoreLimits) -> Result<u64> {
        let before = self.counts;
        let done = self.try_commit(changes, bounds);
        if done.is_err() {
            self.counts = before;
        }
        done
    }

    fn try_commit(&mut self, changes: &[Change], bounds: StoreLimits) -> Result<u64> {
        let transaction = self.connection.transaction()?;
        for change in changes {
            apply(&transaction, &mut self.counts, change)?;
        }
        let dropped = shrink(&transaction, &mut self.counts, bounds)?;
        self.counts.untold += dropped;
        write_untold(&transaction, self.counts.untold)?;
        transaction.commit()?;
        Ok(dropped)
    }

    /// Gives up what is too old. How many waiting rows went.
    pub(super) fn expire(&mut self, bounds: StoreLimits, now_ms: i64) -> Result<u64> {
        let before = self.counts;
        let done = self.try_expire(bounds, now_ms);
        if done.is_err() {
            self.counts = before;
        }
        done
    }

    fn try_expire(&mut self, bounds: StoreLimits, now_ms: i64) -> Result<u64> {
        let before = |age_ms: i64| now_ms.saturating_sub(age_ms);
        let transaction = self.connection.transaction()?;
        history::expire(&transaction, before(bounds.history_ms), now_ms)?;
        let old = history::expired_up_to(&transaction, before(bounds.waiting_ms), now_ms)?;
        let dropped = match old {
            Some(id) => remove(
                &transaction,
                &mut self.counts,
                "waiting = 1 AND id BETWEEN ?1 AND ?2",
                [i64::MIN, id],
            )?,
            None => 0,
        };
        self.counts.untold += dropped;
        write_untold(&transaction, self.counts.untold)?;
        write_counter(&transaction, CLOCK_SEEN, now_ms)?;
        transaction.commit()?;
        Ok(dropped)
    }

    /// Deletes the history for good, with what still waits for the broker: how many rows that was. Its size is given back, and the
    /// log of changes holds no rows any more.
    pub(super) fn forget(&mut self) -> Result<u64> {
        let before = self.counts;
        let done = self.try_forget();
        if done.is_err() {
            self.counts = before;
        }
        let dropped = done?;
        self.connection
            .execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok(dropped)
    }

    fn try_forget(&mut self) -> Result<u64> {
        let transaction = self.connection.transaction()?;
        history::forget(&transaction)?;
        let all = "waiting = 1 AND id BETWEEN ?1 AND ?2";
        let dropped = remove(&transaction, &mut self.counts, all, [i64::MIN, i64::MAX])?;
        self.counts.untold += dropped;
        write_untold(&transaction, self.counts.untold)?;
        transaction.commit()?;
        Ok(dropped)
    }

    /// So many rows more are to be told as dropped.
    pub(super) fn add_untold(&mut self, count: u64) -> Result<()> {
        let untold = self.counts.untold + count;
        let transaction = self.connection.transaction()?;
        write_untold(&transaction, untold)?;
        transaction.commit()?;
        self.counts.untold = untold;
        Ok(())
    }

    /// Where a run saw the clock last when it could be relied on.
    pub(super) fn clock_seen_ms(&self) -> Option<i64> {
        let query = "SELECT value FROM counters WHERE name = ?1";
        let found = self
            .connection
            .query_row(query, [CLOCK_SEEN], |row| row.get(0));
        found.optional().ok().flatten()
    }

    /// The oldest waiting rows after `after`, in order.
    pub(super) fn rows(&self, after: i64, limit: usize) -> Result<Vec<OutboxRow>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut query = self.connection.prepare_cached(
            // Both classes in one order: the index has them apart.
            "SELECT id, device, payload FROM events WHERE waiting = 1 AND class IN (0, 1) AND id > ?1 ORDER BY id LIMIT ?2",
        )?;
        let rows = query.query_map(params![after, limit], |row| {
            Ok(OutboxRow {
                id: row.get(0)?,
                device: row.get(1)?,
                payload: row.get(2)?,
            })
        })?;
        rows.collect()
    }

    /// Everything that waits here, copied to another database with its ids; as much as can be read of a damaged file.
    /// True if it was all.
    pub(super) fn salvage_into(&self, other: &mut Self) -> bool {
        let (changes, whole) = self.waiting_drafts().unwrap_or_default();
        let untold = self.counts.untold;
        // Without bounds: whoever works with the copy applies its own.
        let copied = other.commit(&changes, StoreLimits::NONE).is_ok();
        other.counts.untold = untold;
        other.counts.newest = other.counts.newest.max(self.counts.newest);
        whole && copied
    }

    /// Until the first row that cannot be read; whether there was none.
    fn waiting_drafts(&self) -> Result<(Vec<Change>, bool)> {
        let mut query = self.connection.prepare(
            "SELECT id, device, run, seq, time_ms, class, kind, payload FROM events NOT INDEXED WHERE waiting = 1 ORDER BY id",
        )?;
        let mut rows = query.query([])?;
        let mut found = Vec::new();
        loop {
            match rows.next() {
                Ok(Some(row)) => match draft(row) {
                    Ok(change) => found.push(change),
                    Err(_) => return Ok((found, false)),
                },
                Ok(None) => return Ok((found, true)),
                Err(_) => return Ok((found, false)),
            }
        }
    }

    /// Puts everything that was done in memory into this file, which holds what was there before.
    /// `whole`: memory began with all that waits here, so what waits here now is what memory says.
    pub(super) fn take_back(&mut self, memory: &Self, whole: bool) -> Result<()> {
        let before = self.counts;
        let done = self.try_take_back(memory, whole);
        if done.is_err() {
            self.counts = before;
        }
        done
    }

    fn try_take_back(&mut self, memory: &Self, whole: bool) -> Result<()> {
        let transaction = self.connection.transaction()?;
        if whole {
            // Delivered ones come back below as such; those given up in memory are given up here too.
            transaction.execute("DELETE FROM events WHERE waiting = 1", [])?;
        }
        {
            let mut read = memory.connection.prepare(
                "SELECT id, device, run, seq, time_ms, class, kind, payload, waiting FROM events",
            )?;
            let mut write = transaction.prepare(
                "INSERT OR REPLACE INTO events (id, device, run, seq, time_ms, class, kind, payload, waiting)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?;
            let mut rows = read.query([])?;
            while let Some(row) = rows.next()? {
                let values: [rusqlite::types::Value; 9] = [
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                    row.get(5)?,
                    row.get(6)?,
                    row.get(7)?,
                    row.get(8)?,
                ];
                write.execute(rusqlite::params_from_iter(values))?;
            }
            let mut read = memory
                .connection
                .prepare("SELECT minute, mood, ms FROM moods")?;
            let mut write = transaction.prepare(
                "INSERT INTO moods (minute, mood, ms) VALUES (?1, ?2, ?3)
                 ON CONFLICT (minute, mood) DO UPDATE SET ms = ms + excluded.ms",
            )?;
            let mut rows = read.query([])?;
            while let Some(row) = rows.next()? {
                write.execute(params![
                    row.get::<_, i64>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, i64>(2)?
                ])?;
            }
        }
        write_untold(&transaction, memory.counts.untold)?;
        transaction.commit()?;
        self.counts = count(&self.connection)?;
        self.counts.newest = self.counts.newest.max(memory.counts.newest);
        Ok(())
    }
}

impl StoreLimits {
    /// None at all.
    const NONE: Self = Self {
        waiting: u64::MAX,
        waiting_bytes: u64::MAX,
        waiting_ms: i64::MAX,
        history_ms: i64::MAX,
    };
}

fn draft(row: &rusqlite::Row<'_>) -> Result<Change> {
    let run: String = row.get(2)?;
    let class = if row.get::<_, i64>(5)? == 0 {
        EventClass::Event
    } else {
        EventClass::Telemetry
    };
    let draft = EventDraft {
        device: row.get(1)?,
        run: u64::from_str_radix(&run, 16).unwrap_or_default(),
        // Negative only in a damaged file.
        seq: u64::try_from(row.get::<_, i64>(3)?).unwrap_or_default(),
        time_ms: row.get(4)?,
        class,
        kind: known(&row.get::<_, String>(6)?),
        payload: row.get(7)?,
        wanted: true,
    };
    Ok(Change::Append(row.get(0)?, draft))
}

/// Kinds are words of the program's own.
fn known(kind: &str) -> &'static str {
    moodring_base::message::EVENT_KINDS
        .iter()
        .find(|known| **known == kind)
        .copied()
        .unwrap_or("other")
}

fn apply(transaction: &Transaction<'_>, counts: &mut Counts, change: &Change) -> Result<()> {
    match change {
        Change::Append(id, draft) => append(transaction, counts, *id, draft),
        Change::Delivered(id) => {
            let mut mark = transaction.prepare_cached(
                "UPDATE events SET waiting = 0 WHERE id = ?1 AND waiting = 1 RETURNING length(payload)",
            )?;
            let bytes: Option<u64> = mark.query_row([id], |row| count_of(row, 0)).optional()?;
            if let Some(bytes) = bytes {
                counts.left(bytes);
            }
            Ok(())
        }
        Change::Told(count) => {
            counts.untold = counts.untold.saturating_sub(*count);
            Ok(())
        }
        Change::Moods(spans) => history::add(transaction, spans),
    }
}

fn append(
    transaction: &Transaction<'_>,
    counts: &mut Counts,
    id: i64,
    draft: &EventDraft,
) -> Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO events (id, device, run, seq, time_ms, class, kind, payload, waiting)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    insert.execute(params![
        id,
        draft.device,
        format!("{:016x}", draft.run),
        // Numbers of a run begin at 1 and stay far below 2^63.
        draft.seq as i64,
        draft.time_ms,
        i64::from(draft.class == EventClass::Telemetry),
        draft.kind,
        draft.payload,
        i64::from(draft.wanted),
    ])?;
    counts.newest = counts.newest.max(id);
    if draft.wanted {
        counts.waiting += 1;
        counts.bytes += draft.payload.len() as u64;
    }
    Ok(())
}

/// Gives up what is above the bounds: telemetry first, then events, each from the oldest. How many went.
fn shrink(transaction: &Transaction<'_>, counts: &mut Counts, bounds: StoreLimits) -> Result<u64> {
    let mut gone = 0;
    for class in [EventClass::Telemetry, EventClass::Event] {
        while counts.waiting > bounds.waiting || counts.bytes > bounds.waiting_bytes {
            let over = counts.waiting.saturating_sub(bounds.waiting).max(1);
            let over = i64::try_from(over).unwrap_or(i64::MAX);
            let oldest = "id IN (SELECT id FROM events WHERE waiting = 1 AND class = ?1 ORDER BY id LIMIT ?2)";
            let class = i64::from(class == EventClass::Telemetry);
            let removed = remove(transaction, counts, oldest, [class, over])?;
            gone += removed;
            if removed == 0 {
                break;
            }
        }
    }
    Ok(gone)
}

fn remove(
    transaction: &Transaction<'_>,
    counts: &mut Counts,
    which: &str,
    values: [i64; 2],
) -> Result<u64> {
    let mut delete = transaction.prepare_cached(&format!(
        "DELETE FROM events WHERE {which} RETURNING length(payload)"
    ))?;
    let mut rows = delete.query(values)?;
    let mut gone = 0;
    while let Some(row) = rows.next()? {
        counts.left(count_of(row, 0)?);
        gone += 1;
    }
    Ok(gone)
}

impl Counts {
    fn left(&mut self, bytes: u64) {
        self.waiting = self.waiting.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// The name of the counter that holds it.
const CLOCK_SEEN: &str = "clock_seen_ms";

fn write_untold(transaction: &Transaction<'_>, untold: u64) -> Result<()> {
    write_counter(
        transaction,
        "dropped_untold",
        i64::try_from(untold).unwrap_or(i64::MAX),
    )
}

fn write_counter(transaction: &Transaction<'_>, name: &str, value: i64) -> Result<()> {
    let mut write = transaction.prepare_cached(
        "INSERT INTO counters (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
    )?;
    write.execute(params![name, value])?;
    Ok(())
}

fn count(connection: &Connection) -> Result<Counts> {
    let waiting =
        "SELECT count(*), coalesce(sum(length(payload)), 0) FROM events WHERE waiting = 1";
    let (waiting, bytes) = connection.query_row(waiting, [], |row| {
        Ok((count_of(row, 0)?, count_of(row, 1)?))
    })?;
    let newest = "SELECT coalesce(max(id), 0) FROM events";
    let newest = connection.query_row(newest, [], |row| row.get(0))?;
    let untold = "SELECT value FROM counters WHERE name = 'dropped_untold'";
    let untold = connection
        .query_row(untold, [], |row| count_of(row, 0))
        .optional()?
        .unwrap_or_default();
    Ok(Counts {
        waiting,
        bytes,
        newest,
        untold,
    })
}

/// SQLite's numbers have a sign; counts have one only in a damaged file.
fn count_of(row: &rusqlite::Row<'_>, column: usize) -> Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or_default())
}
