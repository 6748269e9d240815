//! What the page shows now, and the last hours' moods, as JSON.

use std::{sync::Arc, time::SystemTime};

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::IntoResponse,
};
use moodring_base::message::{StateMessage, json};
use serde::{Deserialize, Serialize};

use super::{
    control::ControlsJson, device_state::DeviceState, error::ApiError, live_state::LiveState,
    recent_events::unix_ms, sync::lock,
};

/// Hours that `recent_events` goes back.
const MOST_HOURS: u8 = 24;

/// The state message, and what only the page shows.
#[derive(Serialize)]
struct PageState<'a> {
    #[serde(flatten)]
    state: StateMessage<'a>,
    /// `off`, `connecting` or `online`.
    broker: &'static str,
    /// The source of the settings.
    source: &'a str,
    /// What is open, for people.
    camera_name: Option<&'a str>,
    /// The camera's last trouble, while it lasts.
    trouble: Option<&'a str>,
    /// How everything is set that can be set.
    controls: ControlsJson<'a>,
    /// This program's version.
    version: &'static str,
}

/// The state as one line of JSON.
pub(super) fn line(device: &DeviceState) -> String {
    let store = device.store.state();
    let snapshot = device.snapshots.borrow().clone();
    let camera = device.camera.borrow();
    let controls = device.controls.borrow();
    let running = snapshot.camera == moodring_base::snapshot::CameraState::Running;
    json(&PageState {
        state: StateMessage::new(&device.identity, device.now(), &snapshot, &store.borrow()),
        broker: device.broker.borrow().name(),
        source: &device.source,
        camera_name: camera.info.as_ref().map(|info| info.name.as_str()),
        trouble: camera.trouble.as_deref().filter(|_| !running),
        controls: ControlsJson::new(&controls, device.clock.now()),
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// `GET /api/v1/state`.
pub(super) async fn state(State(device): State<Arc<DeviceState>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], line(&device))
}

/// How far back.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct StateSpan {
    hours: u8,
}

impl Default for StateSpan {
    fn default() -> Self {
        Self { hours: 1 }
    }
}

#[derive(Serialize)]
struct Timeline {
    /// Milliseconds since 1970.
    from: u64,
    to: u64,
    /// From when on which mood: an expression, `uncertain`, `nobody`, or `off` while the camera saw nothing.
    moods: Vec<(u64, &'static str)>,
}

/// `GET /api/v1/timeline`.
pub(super) async fn timeline(
    State(live): State<Arc<LiveState>>,
    span: Result<Query<StateSpan>, QueryRejection>,
) -> Result<impl IntoResponse, ApiError> {
    let bad = |text: String| ApiError::new(StatusCode::BAD_REQUEST, text);
    let Query(span) = span.map_err(|e| ApiError::query(&e))?;
    if !(1..=MOST_HOURS).contains(&span.hours) {
        return Err(bad(format!("hours must be 1 to {MOST_HOURS}")));
    }
    let to = unix_ms(SystemTime::now());
    let from = to.saturating_sub(u64::from(span.hours) * 3_600_000);
    let moods = lock(&live.recent_events).moods_from(from);
    let line = json(&Timeline { from, to, moods });
    Ok(([(header::CONTENT_TYPE, "application/json")], line))
}
