//! One open database, in a file or in memory, and its operations. Knows no threads and no clock.

mod rows;
mod salvage;

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::{
    EventDraft, OutboxRow, StoreLimits,
    history::{self, MoodSpan},
};
use rows::{CLOCK_SEEN, apply, count, remove, shrink, write_counter, write_unreported};

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
    pub(super) unreported: u64,
}

/// One change, as the writer keeps it until it is on the disk.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// A new event and its id.
    Append(i64, EventDraft),
    /// This row has its receipt.
    Delivered(i64),
    /// So many dropped rows were reported.
    DroppedReported(u64),
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
    pub(super) fn commit(&mut self, changes: &[Change], limits: StoreLimits) -> Result<u64> {
        let before = self.counts;
        let done = self.try_commit(changes, limits);
        if done.is_err() {
            self.counts = before;
        }
        done
    }

    fn try_commit(&mut self, changes: &[Change], limits: StoreLimits) -> Result<u64> {
        let transaction = self.connection.transaction()?;
        for change in changes {
            apply(&transaction, &mut self.counts, change)?;
        }
        let dropped = shrink(&transaction, &mut self.counts, limits)?;
        self.counts.unreported += dropped;
        write_unreported(&transaction, self.counts.unreported)?;
        transaction.commit()?;
        Ok(dropped)
    }

    /// Gives up what is too old. How many waiting rows went.
    pub(super) fn expire(&mut self, limits: StoreLimits, now_ms: i64) -> Result<u64> {
        let before = self.counts;
        let done = self.try_expire(limits, now_ms);
        if done.is_err() {
            self.counts = before;
        }
        done
    }

    fn try_expire(&mut self, limits: StoreLimits, now_ms: i64) -> Result<u64> {
        let before = |age_ms: i64| now_ms.saturating_sub(age_ms);
        let transaction = self.connection.transaction()?;
        history::expire(&transaction, before(limits.history_ms), now_ms)?;
        let old = history::expired_up_to(&transaction, before(limits.waiting_ms), now_ms)?;
        let dropped = match old {
            Some(id) => remove(
                &transaction,
                &mut self.counts,
                "waiting = 1 AND id BETWEEN ?1 AND ?2",
                [i64::MIN, id],
            )?,
            None => 0,
        };
        self.counts.unreported += dropped;
        write_unreported(&transaction, self.counts.unreported)?;
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
        self.counts.unreported += dropped;
        write_unreported(&transaction, self.counts.unreported)?;
        transaction.commit()?;
        Ok(dropped)
    }

    /// So many rows more are to be reported as dropped.
    pub(super) fn add_unreported(&mut self, count: u64) -> Result<()> {
        let unreported = self.counts.unreported + count;
        let transaction = self.connection.transaction()?;
        write_unreported(&transaction, unreported)?;
        transaction.commit()?;
        self.counts.unreported = unreported;
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
}
