//! Moves rows between databases: out of a damaged file, into memory while the file fails, and back.

use rusqlite::{Result, params};

use super::{
    Change, Database,
    rows::{count, write_unreported},
};
use crate::{EventClass, EventDraft, StoreLimits};

impl Database {
    /// Everything that waits here, copied to another database with its ids; as much as can be read of a damaged file.
    /// True if it was all.
    pub(crate) fn salvage_into(&self, other: &mut Self) -> bool {
        let (changes, whole) = self.waiting_drafts().unwrap_or_default();
        let unreported = self.counts.unreported;
        // Without bounds: whoever works with the copy applies its own.
        let copied = other.commit(&changes, StoreLimits::NONE).is_ok();
        other.counts.unreported = unreported;
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
    /// `whole`: memory began with all that waits here, so what waits now is what waits in memory.
    pub(crate) fn take_back(&mut self, memory: &Self, whole: bool) -> Result<()> {
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
        write_unreported(&transaction, memory.counts.unreported)?;
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

/// The program's own name of a kind; `other` for one that it does not know.
fn known(kind: &str) -> &'static str {
    moodring_base::message::EVENT_KINDS
        .iter()
        .find(|known| **known == kind)
        .copied()
        .unwrap_or("other")
}
