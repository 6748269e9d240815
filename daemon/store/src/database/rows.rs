//! The statements inside a transaction: rows that are added, marked, removed and counted.

use rusqlite::{Connection, OptionalExtension, Result, Transaction, params};

use super::{Change, Counts};
use crate::{EventClass, EventDraft, StoreLimits, history};

pub(super) fn apply(
    transaction: &Transaction<'_>,
    counts: &mut Counts,
    change: &Change,
) -> Result<()> {
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
        Change::DroppedReported(count) => {
            counts.unreported = counts.unreported.saturating_sub(*count);
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
pub(super) fn shrink(
    transaction: &Transaction<'_>,
    counts: &mut Counts,
    limits: StoreLimits,
) -> Result<u64> {
    let mut gone = 0;
    for class in [EventClass::Telemetry, EventClass::Event] {
        while counts.waiting > limits.waiting || counts.bytes > limits.waiting_bytes {
            let over = counts.waiting.saturating_sub(limits.waiting).max(1);
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

pub(super) fn remove(
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
pub(super) const CLOCK_SEEN: &str = "clock_seen_ms";

pub(super) fn write_unreported(transaction: &Transaction<'_>, unreported: u64) -> Result<()> {
    write_counter(
        transaction,
        "dropped_untold",
        i64::try_from(unreported).unwrap_or(i64::MAX),
    )
}

pub(super) fn write_counter(transaction: &Transaction<'_>, name: &str, value: i64) -> Result<()> {
    let mut write = transaction.prepare_cached(
        "INSERT INTO counters (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
    )?;
    write.execute(params![name, value])?;
    Ok(())
}

pub(super) fn count(connection: &Connection) -> Result<Counts> {
    let waiting =
        "SELECT count(*), coalesce(sum(length(payload)), 0) FROM events WHERE waiting = 1";
    let (waiting, bytes) = connection.query_row(waiting, [], |row| {
        Ok((count_of(row, 0)?, count_of(row, 1)?))
    })?;
    let newest = "SELECT coalesce(max(id), 0) FROM events";
    let newest = connection.query_row(newest, [], |row| row.get(0))?;
    let unreported = "SELECT value FROM counters WHERE name = 'dropped_untold'";
    let unreported = connection
        .query_row(unreported, [], |row| count_of(row, 0))
        .optional()?
        .unwrap_or_default();
    Ok(Counts {
        waiting,
        bytes,
        newest,
        unreported,
    })
}

/// SQLite's numbers have a sign; counts have one only in a damaged file.
fn count_of(row: &rusqlite::Row<'_>, column: usize) -> Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or_default())
}
