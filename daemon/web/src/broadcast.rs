//! Turns events and snapshots into server-sent events, once for all live views. Knows nothing of the viewers.

use std::{sync::Arc, time::Duration};

use axum::body::Bytes;
use base64::{Engine, prelude::BASE64_STANDARD};
use moodring_base::{
    clock::Clock,
    config::Settings,
    snapshot::{CameraState, Snapshot},
};
use moodring_core::mood::Mood;
use moodring_display::{FaceImage, FaceSvg, View};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{MissedTickBehavior, interval},
};

use super::{device_state::DeviceState, live_state::LiveState, state, sync::lock};

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
    vector: FaceSvg,
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
            vector: FaceSvg::new(&settings.display, clock.now()),
            ticks: 0,
        }
    }

    /// Until the page ends.
    pub(super) async fn run(mut self, live: Arc<LiveState>, device: Arc<DeviceState>) {
        let mut clock = interval(FACE_EVERY);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ended = false;
        loop {
            tokio::select! {
                biased;
                event = self.events.recv(), if !ended => match event {
                    Ok(event) => send(&live, &event),
                    Err(RecvError::Lagged(missed)) => tracing::debug!("the page missed {missed} events"),
                    Err(RecvError::Closed) => ended = true,
                },
                _ = clock.tick() => self.tick(&live, &device),
            }
        }
    }

    fn tick(&mut self, live: &LiveState, device: &DeviceState) {
        let snapshot = device.snapshots.borrow().clone();
        Self::note(live, device, &snapshot);
        if live.faces.receiver_count() + live.svgs.receiver_count() > 0 {
            self.draw(live, device, &snapshot);
        }
        self.ticks = self.ticks.wrapping_add(1);
        if self.ticks.is_multiple_of(STATE_EVERY) && live.states.receiver_count() > 0 {
            live.states.send_replace(sse("state", &state::line(device)));
        }
    }

    /// Adds the present mood to the recent events.
    fn note(live: &LiveState, device: &DeviceState, snapshot: &Snapshot) {
        let now = device.now();
        let mood = snapshot.mood;
        let name = match (mood.mood(), snapshot.camera) {
            (Mood::Nobody, camera) if camera != CameraState::Running => "off",
            (mood, _) => mood.name(),
        };
        let since = match name {
            "off" => now.wall,
            _ => now.wall_at(mood.since()),
        };
        lock(&live.recent_events).mood(name, since, now.wall);
    }

    fn draw(&mut self, live: &LiveState, device: &DeviceState, snapshot: &Snapshot) {
        let view = View {
            snapshot,
            broker: *device.broker.borrow(),
            source: &device.source,
            device: device.identity.device.as_str(),
            preview: device.preview.until().is_some(),
            now: device.clock.now(),
            minute: 0,
        };
        let theme = device.controls.borrow().theme;
        if live.svgs.receiver_count() > 0 {
            self.vector.set_theme(theme);
            if let Some(svg) = self.vector.draw(&view) {
                live.svgs.send_replace(sse("svg", &svg));
            }
        }
        if live.faces.receiver_count() == 0 {
            return;
        }
        self.portrait.set_theme(theme);
        match self.portrait.draw(&view) {
            Ok(Some(png)) => {
                let text = BASE64_STANDARD.encode(png);
                live.faces.send_replace(sse("face", &text));
            }
            Ok(None) => {}
            Err(error) => tracing::warn!("the page's face could not be drawn: {error}"),
        }
    }
}

/// Keeps an event and sends it to all views. Under one lock, so that a new view misses none and gets none twice.
fn send(live: &LiveState, json: &str) {
    let mut recent_events = lock(&live.recent_events);
    let bytes = recent_events.add(json);
    live.published.add();
    // It may be that nobody listens.
    let _ = live.events.send(bytes);
}

/// One server-sent event.
pub(super) fn sse(kind: &str, data: &str) -> Bytes {
    format!("event: {kind}\ndata: {data}\n\n").into()
}
