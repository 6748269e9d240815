//! The history in the store: as buckets for charts, as CSV and JSON to download, and its deletion.

use std::{
    fmt::Write,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use moodring_base::message::{json, rfc3339};
use moodring_store::{
    Store, StoreClosed,
    history::{Cursor, MoodBucket, PastEvent},
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{
    device_state::DeviceState, error::ApiError, live::EventStreamBody, live_state::LiveState,
    proxies::Visitor, recent_events::unix_ms, shares::Share, sync::lock,
};

/// The longest span in days.
const MOST_DAYS: u16 = 3_660;
/// Events that one file holds at most.
const MOST_EVENTS: usize = 100_000;
/// Events that are in memory at once for each download.
const EVENTS_AT_ONCE: usize = 200;
/// Bytes of a text that are handed on at once.
const PART_BYTES: usize = 64 * 1024;
const HOUR_S: i64 = 3_600;

/// How far back.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HistorySpan {
    days: u16,
}

impl Default for HistorySpan {
    fn default() -> Self {
        Self { days: 7 }
    }
}

type QueryResult = Result<Query<HistorySpan>, QueryRejection>;

/// From and to, in seconds since 1970; whole hours, so that buckets are those of the clock.
fn span(asked: QueryResult) -> Result<(i64, i64), ApiError> {
    let bad = |text: String| ApiError::new(StatusCode::BAD_REQUEST, text);
    let Query(span) = asked.map_err(|e| ApiError::query(&e))?;
    if !(1..=MOST_DAYS).contains(&span.days) {
        return Err(bad(format!("days must be 1 to {MOST_DAYS}")));
    }
    // Milliseconds since 1970 fit into an i64 for a long time.
    let now = (unix_ms(SystemTime::now()) / 1_000) as i64;
    let to = now.div_euclid(HOUR_S) * HOUR_S + HOUR_S;
    Ok((to - i64::from(span.days) * 24 * HOUR_S, to))
}

#[derive(Serialize)]
struct History {
    from_s: i64,
    to_s: i64,
    bucket_s: i64,
    /// Beginning in seconds since 1970, mood, seconds.
    buckets: Vec<(i64, String, f64)>,
}

/// `GET /api/v1/history`: how long each mood was shown, hour by hour.
pub(super) async fn history(
    State(device): State<Arc<DeviceState>>,
    State(live): State<Arc<LiveState>>,
    Extension(visitor): Extension<Visitor>,
    asked: QueryResult,
) -> Result<Response, ApiError> {
    let (from_s, to_s) = span(asked)?;
    let share = live.downloads.take(visitor.address).ok_or_else(busy)?;
    let buckets = device
        .store
        .moods(from_s, to_s, HOUR_S)
        .await
        .map_err(gone)?;
    let row = |b: MoodBucket| (b.start_s, b.mood, b.seconds);
    let line = json(&History {
        from_s,
        to_s,
        bucket_s: HOUR_S,
        buckets: buckets.into_iter().map(row).collect(),
    });
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok((kind, length(&line), whole(line, share)).into_response())
}

/// `GET /api/v1/history.csv`: the same for a table.
pub(super) async fn csv(
    State(device): State<Arc<DeviceState>>,
    State(live): State<Arc<LiveState>>,
    Extension(visitor): Extension<Visitor>,
    asked: QueryResult,
) -> Result<Response, ApiError> {
    let (from_s, to_s) = span(asked)?;
    let share = live.downloads.take(visitor.address).ok_or_else(busy)?;
    let buckets = device
        .store
        .moods(from_s, to_s, HOUR_S)
        .await
        .map_err(gone)?;
    let mut text = String::from("hour,mood,seconds\n");
    for bucket in buckets {
        let start = u64::try_from(bucket.start_s).unwrap_or(0);
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(start);
        // Moods' names have no commas. Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{},{},{:.1}",
            rfc3339(start),
            bucket.mood,
            bucket.seconds
        );
    }
    let headers = file_headers("text/csv; charset=utf-8", "moodring-history.csv");
    Ok((headers, length(&text), whole(text, share)).into_response())
}

/// `GET /api/v1/history/events`: the events, newest first, one JSON object a line. Read and sent in small parts: who does
/// not take them costs no memory.
pub(super) async fn events(
    State(device): State<Arc<DeviceState>>,
    State(live): State<Arc<LiveState>>,
    Extension(visitor): Extension<Visitor>,
    asked: QueryResult,
) -> Result<Response, ApiError> {
    let span = span(asked)?;
    let share = live.downloads.take(visitor.address).ok_or_else(busy)?;
    let first = part(&device.store, span, None).await.map_err(gone)?;
    let (out, lines) = mpsc::channel(1);
    let store = device.store.clone();
    tokio::spawn(async move {
        let _share = share;
        let _ = send_parts(&store, span, first, &out).await;
    });
    let headers = file_headers("application/x-ndjson", "moodring-events.jsonl");
    Ok((headers, Body::from_stream(EventStreamBody(lines))).into_response())
}

async fn part(
    store: &Store,
    (from_s, to_s): (i64, i64),
    before: Option<Cursor>,
) -> Result<Vec<PastEvent>, StoreClosed> {
    store.events(from_s, to_s, before, EVENTS_AT_ONCE).await
}

/// Sends part after part, each read only when the one before was taken; `None` when the visitor or the daemon goes.
async fn send_parts(
    store: &Store,
    span: (i64, i64),
    first: Vec<PastEvent>,
    out: &mpsc::Sender<Bytes>,
) -> Option<()> {
    let (mut events, mut left) = (first, MOST_EVENTS);
    while let Some(last) = events.last() {
        let before = Some(last.cursor);
        left = left.saturating_sub(events.len());
        let mut text = String::new();
        for event in &events {
            text += &event.json;
            text.push('\n');
        }
        out.send(text.into()).await.ok()?;
        if left == 0 {
            break;
        }
        events = part(store, span, before).await.ok()?;
        events.truncate(left);
    }
    Some(())
}

/// `DELETE /api/v1/history`: all of it, for good.
pub(super) async fn forget(
    State(device): State<Arc<DeviceState>>,
    State(live): State<Arc<LiveState>>,
) -> Result<StatusCode, ApiError> {
    device.store.forget().await.map_err(gone)?;
    lock(&live.recent_events).forget();
    tracing::info!("the history was deleted from the page");
    Ok(StatusCode::NO_CONTENT)
}

fn length(text: &str) -> [(header::HeaderName, usize); 1] {
    [(header::CONTENT_LENGTH, text.len())]
}

/// A text as a body that has its place until it is taken.
fn whole(text: String, share: Share) -> Body {
    let (out, lines) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut text = Bytes::from(text);
        while !text.is_empty() {
            let next = text.split_to(text.len().min(PART_BYTES));
            if out.send(next).await.is_err() {
                break;
            }
        }
        drop(share);
    });
    Body::from_stream(EventStreamBody(lines))
}

fn file_headers(kind: &'static str, name: &str) -> [(header::HeaderName, String); 2] {
    let disposition = format!("attachment; filename=\"{name}\"");
    [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ]
}

fn busy() -> ApiError {
    let text = "others are downloading the history; try again in some seconds";
    ApiError::later(StatusCode::TOO_MANY_REQUESTS, 5, text)
}

fn gone(_: StoreClosed) -> ApiError {
    ApiError::later(StatusCode::SERVICE_UNAVAILABLE, 5, "the daemon is stopping")
}
