//! `GET /metrics` in Prometheus' text format, `/healthz` and `/readyz`.

use std::{fmt::Write, sync::Arc};

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use moodring_base::snapshot::{BrokerState, CameraState};
use moodring_core::{expression::Expression, mood::Mood};

use super::{app_state::AppState, device_state::DeviceState};

const CAMERA: [CameraState; 7] = [
    CameraState::Starting,
    CameraState::Running,
    CameraState::Lost,
    CameraState::Off,
    CameraState::Ended,
    CameraState::Elsewhere,
    CameraState::Away,
];
const BROKER: [BrokerState; 3] = [
    BrokerState::Off,
    BrokerState::Connecting,
    BrokerState::Online,
];

/// `GET /healthz`: it answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: whether faces are being read, or somebody wished that they are not.
pub(super) async fn readyz(State(device): State<Arc<DeviceState>>) -> Response {
    let down = device.health.borrow().down.join(", ");
    if !down.is_empty() {
        let text = format!("waiting to be started again: {down}\n");
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    }
    let camera = device.snapshots.borrow().camera;
    let text = format!("camera {}\n", camera.name());
    match camera {
        CameraState::Running | CameraState::Off | CameraState::Elsewhere => text.into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, text).into_response(),
    }
}

/// `GET /metrics`.
pub(super) async fn metrics(State(app_state): State<AppState>) -> impl IntoResponse {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text(&app_state))
}

fn text(app_state: &AppState) -> String {
    let device = &app_state.device;
    let snapshot = device.snapshots.borrow().clone();
    let mut page = MetricsText::default();
    let version = env!("CARGO_PKG_VERSION");
    page.one(
        "info",
        "gauge",
        "The program.",
        &[(format!("version=\"{version}\""), 1.0)],
    );
    let uptime = device.clock.now().0 as f64 / 1000.0;
    page.one(
        "uptime_seconds",
        "gauge",
        "Since the start of this run.",
        &[bare(uptime)],
    );
    let is = |yes: bool| f64::from(u8::from(yes));
    let camera = CAMERA.map(|s| (label("state", s.name()), is(s == snapshot.camera)));
    page.one(
        "camera_state",
        "gauge",
        "1 for the state that the camera is in.",
        &camera,
    );
    let broker = *device.broker.borrow();
    let broker = BROKER.map(|s| (label("state", s.name()), is(s == broker)));
    page.one(
        "broker_state",
        "gauge",
        "1 for the state that the link to the broker is in.",
        &broker,
    );
    let moods = Expression::ALL.map(Mood::Showing).into_iter();
    let moods: Vec<_> = moods
        .chain([Mood::Uncertain, Mood::Nobody])
        .map(|mood| (label("mood", mood.name()), is(mood == snapshot.mood.mood())))
        .collect();
    page.one("mood", "gauge", "1 for the mood that is shown.", &moods);
    let confidence = f64::from(snapshot.mood.confidence());
    page.one(
        "mood_confidence_ratio",
        "gauge",
        "How probable the shown expression is.",
        &[bare(confidence)],
    );
    page.one(
        "people",
        "gauge",
        "People in view.",
        &[bare(snapshot.people_count as f64)],
    );
    let rate = f64::from(snapshot.frames_per_second);
    page.one(
        "frames_per_second",
        "gauge",
        "Frames that the pipeline saw.",
        &[bare(rate)],
    );
    let skipped = snapshot.frames_skipped as f64;
    page.one(
        "frames_skipped_total",
        "counter",
        "Frames that came while the pipeline was busy.",
        &[bare(skipped)],
    );
    let stages = snapshot.stages_ms.named();
    let stages = stages.map(|(stage, ms)| (label("stage", stage), f64::from(ms) / 1000.0));
    page.one(
        "stage_seconds",
        "gauge",
        "Time per frame in each stage, smoothed.",
        &stages,
    );
    page.one(
        "events_total",
        "counter",
        "Changes worth telling.",
        &[bare(app_state.live.published.get() as f64)],
    );
    let stored = device.store.state().borrow().clone();
    page.one(
        "events_waiting",
        "gauge",
        "Events that wait for the broker's receipt.",
        &[bare(stored.waiting as f64)],
    );
    page.one(
        "events_dropped_total",
        "counter",
        "Events given up because the store was full or they were too old.",
        &[bare(stored.dropped as f64)],
    );
    page.one(
        "photos_total",
        "counter",
        "Photos that visitors had read.",
        &[bare(app_state.photos.read.get() as f64)],
    );
    let answers: Vec<_> = app_state
        .access
        .answers
        .all()
        .map(|(class, count)| (format!("status=\"{class}xx\""), count as f64))
        .collect();
    page.one(
        "http_answers_total",
        "counter",
        "Answers of this server by status.",
        &answers,
    );
    let open = app_state.live.views.taken();
    page.one(
        "live_views",
        "gauge",
        "Live views that are open.",
        &[bare(open as f64)],
    );
    page.0
}

/// Labels and value of a sample.
type Sample = (String, f64);

fn bare(value: f64) -> Sample {
    (String::new(), value)
}

/// Names here are ours: letters and dashes, nothing to escape.
fn label(name: &str, value: &str) -> String {
    format!("{name}=\"{value}\"")
}

#[derive(Default)]
struct MetricsText(String);

impl MetricsText {
    fn one(&mut self, name: &str, kind: &str, help: &str, samples: &[Sample]) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            self.0,
            "# HELP moodring_{name} {help}\n# TYPE moodring_{name} {kind}"
        );
        for (labels, value) in samples {
            let labels = match labels.is_empty() {
                true => String::new(),
                false => format!("{{{labels}}}"),
            };
            let _ = writeln!(self.0, "moodring_{name}{labels} {value}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_prometheus() {
        let mut page = MetricsText::default();
        page.one(
            "a_total",
            "counter",
            "What it is.",
            &[bare(3.0), (label("x", "y"), 0.25)],
        );
        let expected = "# HELP moodring_a_total What it is.\n# TYPE moodring_a_total counter\n\
                        moodring_a_total 3\nmoodring_a_total{x=\"y\"} 0.25\n";
        assert_eq!(page.0, expected);
    }
}
