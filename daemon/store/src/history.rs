//! The past: how long each mood was shown, minute by minute, and the events. Plain data and the queries for it.

use std::collections::BTreeSet;

use moodring_core::mood::Mood;
use rusqlite::{Connection, Result, params};

use super::wall_clock::DATED_MS;

/// A mood that was shown for a while within one minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoodSpan {
    /// Minutes since 1970 (UTC).
    pub minute: i64,
    /// The mood.
    pub mood: Mood,
    /// How long, in milliseconds; at most 60,000 for all moods of a minute together.
    pub ms: u32,
}

/// How long a mood was shown within one bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct MoodBucket {
    /// When the bucket begins, in seconds since 1970; a multiple of its length after the query's `from`, which is
    /// rounded down to a whole minute.
    pub start_s: i64,
    /// The mood's name: an expression's, `uncertain` or `nobody`.
    pub mood: String,
    /// For so many seconds.
    pub seconds: f64,
}

/// Where an event stands in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    time_ms: i64,
    id: i64,
}

/// An event of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastEvent {
    /// Where it stands.
    pub cursor: Cursor,
    /// When it happened, in milliseconds since 1970.
    pub time_ms: i64,
    /// The kind's name.
    pub kind: String,
    /// The message as JSON.
    pub json: String,
    /// Whether the broker has it, or nobody wanted it.
    pub delivered: bool,
    /// Whether its date lies in the future: the clock was ahead when it happened.
    pub ahead: bool,
}

pub(super) fn add(connection: &Connection, spans: &[MoodSpan]) -> Result<()> {
    let mut add = connection.prepare_cached(
        "INSERT INTO moods (minute, mood, ms) VALUES (?1, ?2, ?3)
         ON CONFLICT (minute, mood) DO UPDATE SET ms = ms + excluded.ms",
    )?;
    for span in spans {
        add.execute(params![span.minute, span.mood.name(), span.ms])?;
    }
    Ok(())
}

/// The most buckets and moods that one query gives: for example a year of hours.
const MOST: i64 = 100_000;

pub(super) fn moods(
    connection: &Connection,
    from_s: i64,
    to_s: i64,
    bucket_s: i64,
) -> Result<Vec<MoodBucket>> {
    let (from, to) = (
        from_s.div_euclid(60),
        to_s.saturating_add(59).div_euclid(60),
    );
    let bucket = (bucket_s / 60).max(1);
    let mut query = connection.prepare_cached(
        "SELECT ?1 + (minute - ?1) / ?3 * ?3 AS start, mood, sum(ms) FROM moods
         WHERE minute >= ?1 AND minute < ?2 GROUP BY start, mood ORDER BY start, mood LIMIT ?4",
    )?;
    let rows = query.query_map(params![from, to, bucket, MOST], |row| {
        Ok(MoodBucket {
            start_s: row.get::<_, i64>(0)?.saturating_mul(60),
            mood: row.get(1)?,
            seconds: row.get::<_, i64>(2)? as f64 / 1_000.0,
        })
    })?;
    rows.collect()
}

pub(super) fn events(
    connection: &Connection,
    (from_s, to_s): (i64, i64),
    before: Option<Cursor>,
    limit: usize,
    now_ms: i64,
) -> Result<Vec<PastEvent>> {
    let ms = |s: i64| s.saturating_mul(1_000);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut query = connection.prepare_cached(
        "SELECT time_ms, kind, payload, waiting, id FROM events
         WHERE time_ms >= ?1 AND time_ms < ?2 AND (time_ms, id) < (?4, ?5)
         ORDER BY time_ms DESC, id DESC LIMIT ?3",
    )?;
    let last = Cursor {
        time_ms: i64::MAX,
        id: i64::MAX,
    };
    let Cursor { time_ms, id } = before.unwrap_or(last);
    let rows = query.query_map(params![ms(from_s), ms(to_s), limit, time_ms, id], |row| {
        let payload: Vec<u8> = row.get(2)?;
        let time_ms = row.get(0)?;
        Ok(PastEvent {
            cursor: Cursor {
                time_ms,
                id: row.get(4)?,
            },
            time_ms,
            kind: row.get(1)?,
            json: String::from_utf8_lossy(&payload).into_owned(),
            delivered: row.get::<_, i64>(3)? == 0,
            ahead: time_ms > now_ms.saturating_add(AHEAD_MS),
        })
    })?;
    rows.collect()
}

/// All that does not wait for the broker, for good.
pub(super) fn forget(connection: &Connection) -> Result<()> {
    connection.execute_batch("DELETE FROM moods; DELETE FROM events WHERE waiting = 0")
}

/// So much a clock may be ahead without a mark.
const AHEAD_MS: i64 = 60_000;

/// The newest row that is older than this time, by its date and by its place in the order: rows that a wrong clock dated are as
/// old as those around them. `None`: there is none.
pub(super) fn expired_up_to(
    connection: &Connection,
    before_ms: i64,
    now_ms: i64,
) -> Result<Option<i64>> {
    let mut query = connection.prepare_cached(
        "SELECT max(id) FROM events WHERE time_ms >= ?1 AND time_ms < ?2 AND id < coalesce(
             (SELECT min(id) FROM events WHERE time_ms >= ?2 AND time_ms <= ?3), 9223372036854775807)",
    )?;
    query.query_row(params![DATED_MS, before_ms, now_ms + AHEAD_MS], |row| {
        row.get(0)
    })
}

/// What is older than this time goes.
pub(super) fn expire(connection: &Connection, before_ms: i64, now_ms: i64) -> Result<()> {
    connection.execute(
        "DELETE FROM moods WHERE minute < ?1",
        [before_ms.div_euclid(60_000)],
    )?;
    if let Some(id) = expired_up_to(connection, before_ms, now_ms)? {
        connection.execute("DELETE FROM events WHERE waiting = 0 AND id <= ?1", [id])?;
    }
    Ok(())
}

/// The clock was set by so much: what this run wrote is dated anew. Its rows begin with `first_id`, its minutes are these.
pub(super) fn redate(
    connection: &mut Connection,
    first_id: i64,
    minutes: &BTreeSet<i64>,
    set_by_ms: i64,
) -> Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute(
        "UPDATE events SET time_ms = time_ms + ?1 WHERE id >= ?2",
        [set_by_ms, first_id],
    )?;
    let shift = minutes_of(set_by_ms);
    let mut moved = Vec::new();
    {
        let mut take =
            transaction.prepare("DELETE FROM moods WHERE minute = ?1 RETURNING mood, ms")?;
        for minute in minutes {
            let mut rows = take.query([minute])?;
            while let Some(row) = rows.next()? {
                moved.push((
                    minute + shift,
                    row.get::<_, String>(0)?,
                    row.get::<_, i64>(1)?,
                ));
            }
        }
        let mut add = transaction.prepare(
            "INSERT INTO moods (minute, mood, ms) VALUES (?1, ?2, ?3)
             ON CONFLICT (minute, mood) DO UPDATE SET ms = ms + excluded.ms",
        )?;
        for row in moved {
            add.execute(row)?;
        }
    }
    transaction.commit()
}

/// Whole minutes, rounded.
pub(super) fn minutes_of(ms: i64) -> i64 {
    ms.saturating_add(30_000).div_euclid(60_000)
}
