//! What all live views share: the newest messages for them, and the places for viewers.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use moodring_base::message::RunId;
use tokio::sync::{broadcast, watch};

use super::{counters::Counter, recent_events::RecentEvents, shares::Shares};

/// Events that a slow live view may be behind; one that is further behind is cut and comes back.
const MAX_LAG_EVENTS: usize = 64;
/// Downloads of the history at once.
const DOWNLOADS: usize = 4;

/// The state of all live views.
pub(super) struct LiveState {
    pub(super) recent_events: Mutex<RecentEvents>,
    /// Server-sent events, ready to send.
    pub(super) states: watch::Sender<Bytes>,
    pub(super) faces: watch::Sender<Bytes>,
    /// The same as SVG.
    pub(super) svgs: watch::Sender<Bytes>,
    pub(super) events: broadcast::Sender<Bytes>,
    /// Live views.
    pub(super) views: Arc<Shares>,
    /// Downloads of the history.
    pub(super) downloads: Arc<Shares>,
    pub(super) stopped: watch::Receiver<bool>,
    /// Events that were published here.
    pub(super) published: Counter,
}

impl LiveState {
    /// For at most so many views.
    pub(super) fn new(run: RunId, views: usize, stopped: watch::Receiver<bool>) -> Self {
        Self {
            recent_events: Mutex::new(RecentEvents::new(run)),
            states: watch::Sender::default(),
            faces: watch::Sender::default(),
            svgs: watch::Sender::default(),
            events: broadcast::Sender::new(MAX_LAG_EVENTS),
            views: Shares::new(views),
            downloads: Shares::new(DOWNLOADS),
            stopped,
            published: Counter::default(),
        }
    }
}
