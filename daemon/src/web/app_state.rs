//! What all handlers share. Built once; nothing here waits.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use axum::body::Bytes;
use tokio::sync::{Semaphore, broadcast, watch};

use super::{
    Inputs, WebError,
    access::Hosts,
    analyze,
    broadcast::EventBroadcast,
    credentials::{Credentials, LoginLimit, Sessions},
    photo_worker::PhotoWorker,
    recent_events::RecentEvents,
};
use crate::{
    camera::CameraStatus,
    clock::Clock,
    command,
    config::Settings,
    control,
    message::{Identity, Moment},
    preview::Preview,
    snapshot::{BrokerState, Snapshot},
    store::Store,
};

/// Events that a slow live view may be behind; one that is further behind is cut and comes back.
const BEHIND: usize = 64;

/// The state of the page.
pub(super) struct AppState {
    pub(super) settings: Settings,
    pub(super) identity: Identity,
    pub(super) clock: Clock,
    pub(super) snapshots: watch::Receiver<Snapshot>,
    pub(super) camera: watch::Receiver<CameraStatus>,
    pub(super) broker: watch::Receiver<BrokerState>,
    pub(super) source: String,
    pub(super) file: Option<PathBuf>,
    pub(super) store: Store,
    pub(super) commands: command::Sender,
    pub(super) controls: control::ControlsReceiver,
    pub(super) preview: Preview,
    pub(super) hosts: Hosts,
    pub(super) keys: Arc<Credentials>,
    pub(super) sessions: Mutex<Sessions>,
    pub(super) guesses: Mutex<LoginLimit>,
    /// Passwords are checked one at a time: each takes 19 MB while it is.
    pub(super) checking: Semaphore,
    /// One thing is tried at a time.
    pub(super) trials: Semaphore,
    pub(super) recent_events: Mutex<RecentEvents>,
    /// Server-sent events, ready to send.
    pub(super) states: watch::Sender<Bytes>,
    pub(super) faces: watch::Sender<Bytes>,
    pub(super) events: broadcast::Sender<Bytes>,
    /// Seats for live views.
    pub(super) permits: Arc<Semaphore>,
    pub(super) reader: PhotoWorker,
    /// Places for photos on their way.
    pub(super) places: Arc<Semaphore>,
    pub(super) stopped: watch::Receiver<bool>,
    pub(super) counts: Counters,
}

/// Counters since the start.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Answers by the first digit of their status, 1 to 5.
    answers: [AtomicU64; 6],
    /// Photos that were read.
    pub(super) photos: Counter,
    /// Events told.
    pub(super) events: Counter,
}

/// One counter.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(super) fn answer(&self, status: u16) {
        if let Some(counter) = self.answers.get(usize::from(status / 100)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Class (2 for 2xx) and how many.
    pub(super) fn answers(&self) -> impl Iterator<Item = (usize, u64)> {
        let of = |class: usize| (class, self.answers[class].load(Ordering::Relaxed));
        (2..6).map(of)
    }
}

impl AppState {
    /// The site, and who keeps it informed.
    ///
    /// # Errors
    /// [`WebError`] if the token cannot be read or the system gives no thread.
    pub(super) fn new(
        settings: &Settings,
        inputs: Inputs,
        stopped: watch::Receiver<bool>,
    ) -> Result<(Self, EventBroadcast), WebError> {
        let web = &settings.web;
        let keys = Credentials::new(&web.password, &token(&web.token_file)?);
        let broadcast = EventBroadcast::new(settings, inputs.store.told(), inputs.clock);
        let app_state = Self {
            hosts: Hosts::new(&web.hosts),
            keys: Arc::new(keys),
            sessions: Mutex::default(),
            guesses: Mutex::default(),
            checking: Semaphore::new(1),
            recent_events: Mutex::new(RecentEvents::new(inputs.identity.run)),
            states: watch::Sender::default(),
            faces: watch::Sender::default(),
            events: broadcast::Sender::new(BEHIND),
            permits: Arc::new(Semaphore::new(web.streams)),
            reader: PhotoWorker::start(settings)?,
            places: analyze::places(),
            stopped,
            counts: Counters::default(),
            identity: inputs.identity,
            clock: inputs.clock,
            snapshots: inputs.snapshots,
            camera: inputs.camera,
            broker: inputs.broker,
            source: inputs.source,
            file: inputs.file,
            trials: Semaphore::new(1),
            store: inputs.store,
            commands: inputs.commands.named("the page"),
            controls: inputs.controls,
            preview: inputs.preview,
            settings: settings.clone(),
        };
        Ok((app_state, broadcast))
    }

    /// Both clocks, now.
    pub(super) fn now(&self) -> Moment {
        Moment {
            wall: SystemTime::now(),
            run: self.clock.now(),
        }
    }
}

/// The first line of the token's file.
fn token(path: &str) -> Result<String, WebError> {
    if path.is_empty() {
        return Ok(String::new());
    }
    let refuse = |reason: String| WebError::Token {
        path: path.into(),
        reason,
    };
    let text = fs::read_to_string(path).map_err(|e| refuse(e.to_string()))?;
    let token = text.lines().next().unwrap_or_default().trim();
    if token.len() < 16 {
        return Err(refuse(
            "its first line has fewer than 16 characters; `openssl rand -hex 32` makes a good one"
                .into(),
        ));
    }
    Ok(token.into())
}

/// A lock that a panic elsewhere does not spoil: what is inside is whole after every step.
pub(super) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

impl
    axum::extract::connect_info::Connected<
        axum::serve::IncomingStream<'_, super::connection::Listener>,
    > for Peer
{
    fn connect_info(stream: axum::serve::IncomingStream<'_, super::connection::Listener>) -> Self {
        Self(*stream.remote_addr())
    }
}
