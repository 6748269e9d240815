//! Turns what happens into server-sent events, once for all live views. Who looks, and how fast, is not its business.

use std::{sync::Arc, time::Duration};

use axum::body::Bytes;
use base64::{Engine, prelude::BASE64_STANDARD};
use moodring_core::mood::Mood;
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{MissedTickBehavior, interval},
};

use super::{
    app_state::{AppState, hold},
    state,
};
use crate::{
    clock::Clock,
    config::Settings,
    display::{FaceImage, View},
    snapshot::{CameraState, Snapshot},
};

/// How often the face may change in browsers.
const FACE_EVERY: Duration = Duration::from_millis(125);
/// One state for so many faces.
const STATE_EVERY: u32 = 2;
/// The side of the live face in pixels; browsers scale it.
const FACE_PX: u32 = 320;

/// The task that informs all live views.
pub(super) struct EventBroadcast {
    events: broadcast::Receiver<Arc<str>>,
    portrait: FaceImage,
    ticks: u32,
}

impl EventBroadcast {
    pub(super) fn new(
        settings: &Settings,
        events: broadcast::Receiver<Arc<str>>,
        clock: Clock,
    ) -> Self {
        Self {
            events,
            portrait: FaceImage::new(&settings.display, FACE_PX, clock.now()),
            ticks: 0,
        }
    }

    /// Until the page ends.
    pub(super) async fn run(mut self, app_state: Arc<AppState>) {
        let mut clock = interval(FACE_EVERY);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ended = false;
        loop {
            tokio::select! {
                biased;
                event = self.events.recv(), if !ended => match event {
                    Ok(event) => send(&app_state, &event),
                    Err(RecvError::Lagged(missed)) => tracing::debug!("the page missed {missed} events"),
                    Err(RecvError::Closed) => ended = true,
                },
                _ = clock.tick() => self.tick(&app_state),
            }
        }
    }

    fn tick(&mut self, app_state: &AppState) {
        let snapshot = app_state.snapshots.borrow().clone();
        Self::note(app_state, &snapshot);
        if app_state.faces.receiver_count() > 0 {
            self.draw(app_state, &snapshot);
        }
        self.ticks = self.ticks.wrapping_add(1);
        if self.ticks.is_multiple_of(STATE_EVERY) && app_state.states.receiver_count() > 0 {
            app_state
                .states
                .send_replace(sse("state", &state::line(app_state)));
        }
    }

    /// What the journal keeps.
    fn note(app_state: &AppState, snapshot: &Snapshot) {
        let now = app_state.now();
        let mood = snapshot.mood;
        let name = match (mood.mood, snapshot.camera) {
            (Mood::Nobody, camera) if camera != CameraState::Running => "off",
            (mood, _) => mood.name(),
        };
        let since = match name {
            "off" => now.wall,
            _ => now.wall_at(mood.since),
        };
        hold(&app_state.recent_events).mood(name, since, now.wall);
    }

    fn draw(&mut self, app_state: &AppState, snapshot: &Snapshot) {
        let view = View {
            snapshot,
            broker: *app_state.broker.borrow(),
            source: &app_state.source,
            device: app_state.identity.device.as_str(),
            preview: app_state.preview.until().is_some(),
        };
        self.portrait.set_theme(app_state.controls.borrow().theme);
        match self.portrait.draw(&view, app_state.clock.now()) {
            Ok(Some(png)) => {
                let text = BASE64_STANDARD.encode(png);
                app_state.faces.send_replace(sse("face", &text));
            }
            Ok(None) => {}
            Err(error) => tracing::warn!("the page's face could not be drawn: {error}"),
        }
    }
}

/// Keeps an event and tells it. Under one lock, so that who joins misses none and hears none twice.
fn send(app_state: &AppState, json: &str) {
    let mut recent_events = hold(&app_state.recent_events);
    let bytes = recent_events.add(json);
    app_state.counts.events.add();
    // Nobody listening is no trouble.
    let _ = app_state.events.send(bytes);
}

/// One server-sent event.
pub(super) fn sse(kind: &str, data: &str) -> Bytes {
    format!("event: {kind}\ndata: {data}\n\n").into()
}
