//! What was: how long each mood was shown, minute by minute, and the events. Plain data and the queries for it.

use moodring_core::mood::Mood;
use rusqlite::{Connection, Result, params};

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

/// The most buckets and moods that one query gives: a year of hours, say.
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
        Ok(PastEvent {
            cursor: Cursor {
                time_ms: row.get(0)?,
                id: row.get(4)?,
            },
            time_ms: row.get(0)?,
            kind: row.get(1)?,
            json: String::from_utf8_lossy(&payload).into_owned(),
            delivered: row.get::<_, i64>(3)? == 0,
        })
    })?;
    rows.collect()
}

/// All of it, for good.
pub(super) fn forget(connection: &Connection) -> Result<()> {
    connection.execute_batch("DELETE FROM moods; DELETE FROM events WHERE waiting = 0")
}

/// What is older than this time goes. What has no date (a machine without a clock) stays until there is one to compare.
pub(super) fn expire(connection: &Connection, before_ms: i64) -> Result<()> {
    connection.execute(
        "DELETE FROM moods WHERE minute < ?1",
        [before_ms.div_euclid(60_000)],
    )?;
    connection.execute(
        "DELETE FROM events WHERE waiting = 0 AND time_ms < ?1",
        [before_ms],
    )?;
    Ok(())
}
