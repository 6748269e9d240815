//! The days before, out of the store: as buckets for charts, as CSV and JSON to take away, and deleted for good.

use std::{
    fmt::Write,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{app_state::AppState, error::ApiError, recent_events::unix_ms};
use crate::{
    message::{json, rfc3339},
    store::{StoreClosed, history::MoodBucket},
};

/// The longest span in days.
const MOST_DAYS: u16 = 3_660;
/// Events that one file holds at most.
const MOST_EVENTS: usize = 100_000;
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
    let Query(span) = asked.map_err(|e| bad(e.body_text()))?;
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
    State(app_state): State<Arc<AppState>>,
    asked: QueryResult,
) -> Result<Response, ApiError> {
    let (from_s, to_s) = span(asked)?;
    let buckets = app_state
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
    Ok(([(header::CONTENT_TYPE, "application/json")], line).into_response())
}

/// `GET /api/v1/history.csv`: the same for a table.
pub(super) async fn csv(
    State(app_state): State<Arc<AppState>>,
    asked: QueryResult,
) -> Result<Response, ApiError> {
    let (from_s, to_s) = span(asked)?;
    let buckets = app_state
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
    Ok(file(
        "text/csv; charset=utf-8",
        "moodring-history.csv",
        text,
    ))
}

/// `GET /api/v1/history/events`: the events, newest first, one JSON object a line.
pub(super) async fn events(
    State(app_state): State<Arc<AppState>>,
    asked: QueryResult,
) -> Result<Response, ApiError> {
    let (from_s, to_s) = span(asked)?;
    let events = app_state.store.events(from_s, to_s, MOST_EVENTS).await;
    let mut text = String::new();
    for event in events.map_err(gone)? {
        text += &event.json;
        text.push('\n');
    }
    Ok(file("application/x-ndjson", "moodring-events.jsonl", text))
}

/// `DELETE /api/v1/history`: all of it, for good.
pub(super) async fn forget(State(app_state): State<Arc<AppState>>) -> Result<StatusCode, ApiError> {
    app_state.store.forget().await.map_err(gone)?;
    super::app_state::hold(&app_state.recent_events).forget();
    tracing::info!("the history was deleted from the page");
    Ok(StatusCode::NO_CONTENT)
}

fn file(kind: &'static str, name: &str, text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    (headers, text).into_response()
}

fn gone(_: StoreClosed) -> ApiError {
    ApiError::later(StatusCode::SERVICE_UNAVAILABLE, 5, "the daemon is stopping")
}
