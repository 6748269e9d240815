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
    site::{Site, hold},
    state,
};
use crate::{
    clock::Clock,
    config::Settings,
    display::{Portrait, VectorPortrait, View},
    snapshot::{CameraState, Snapshot},
};

/// How often the face may change in browsers.
const FACE_EVERY: Duration = Duration::from_millis(125);
/// One state for so many faces.
const STATE_EVERY: u32 = 2;
/// The side of the live face in pixels; browsers scale it.
const FACE_PX: u32 = 320;

/// The task that informs all live views.
pub(super) struct Herald {
    events: broadcast::Receiver<Arc<str>>,
    portrait: Portrait,
    vector: VectorPortrait,
    ticks: u32,
}

impl Herald {
    pub(super) fn new(
        settings: &Settings,
        events: broadcast::Receiver<Arc<str>>,
        clock: Clock,
    ) -> Self {
        Self {
            events,
            portrait: Portrait::new(&settings.display, FACE_PX, clock.now()),
            vector: VectorPortrait::new(&settings.display, clock.now()),
            ticks: 0,
        }
    }

    /// Until the page ends.
    pub(super) async fn run(mut self, site: Arc<Site>) {
        let mut clock = interval(FACE_EVERY);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ended = false;
        loop {
            tokio::select! {
                biased;
                event = self.events.recv(), if !ended => match event {
                    Ok(event) => tell(&site, &event),
                    Err(RecvError::Lagged(missed)) => tracing::debug!("the page missed {missed} events"),
                    Err(RecvError::Closed) => ended = true,
                },
                _ = clock.tick() => self.tick(&site),
            }
        }
    }

    fn tick(&mut self, site: &Site) {
        let snapshot = site.snapshots.borrow().clone();
        Self::note(site, &snapshot);
        if site.faces.receiver_count() + site.svgs.receiver_count() > 0 {
            self.draw(site, &snapshot);
        }
        self.ticks = self.ticks.wrapping_add(1);
        if self.ticks.is_multiple_of(STATE_EVERY) && site.states.receiver_count() > 0 {
            site.states.send_replace(sse("state", &state::line(site)));
        }
    }

    /// What the journal keeps.
    fn note(site: &Site, snapshot: &Snapshot) {
        let now = site.now();
        let mood = snapshot.mood;
        let name = match (mood.mood, snapshot.camera) {
            (Mood::Nobody, camera) if camera != CameraState::Running => "off",
            (mood, _) => mood.name(),
        };
        let since = match name {
            "off" => now.wall,
            _ => now.wall_at(mood.since),
        };
        hold(&site.journal).mood(name, since, now.wall);
    }

    fn draw(&mut self, site: &Site, snapshot: &Snapshot) {
        let view = View {
            snapshot,
            broker: *site.broker.borrow(),
            source: &site.source,
            device: site.who.device.as_str(),
            preview: site.preview.until().is_some(),
        };
        let theme = site.controls.borrow().theme;
        if site.svgs.receiver_count() > 0 {
            self.vector.set_theme(theme);
            if let Some(svg) = self.vector.draw(&view, site.clock.now()) {
                site.svgs.send_replace(sse("svg", &svg));
            }
        }
        if site.faces.receiver_count() == 0 {
            return;
        }
        self.portrait.set_theme(theme);
        match self.portrait.draw(&view, site.clock.now()) {
            Ok(Some(png)) => {
                let text = BASE64_STANDARD.encode(png);
                site.faces.send_replace(sse("face", &text));
            }
            Ok(None) => {}
            Err(error) => tracing::warn!("the page's face could not be drawn: {error}"),
        }
    }
}

/// Keeps an event and tells it. Under one lock, so that who joins misses none and hears none twice.
fn tell(site: &Site, json: &str) {
    let mut journal = hold(&site.journal);
    let bytes = journal.add(json);
    site.counts.events.add();
    // Nobody listening is no trouble.
    let _ = site.events.send(bytes);
}

/// One server-sent event.
pub(super) fn sse(kind: &str, data: &str) -> Bytes {
    format!("event: {kind}\ndata: {data}\n\n").into()
}
