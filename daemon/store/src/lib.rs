//! The local store: events that wait for the broker, and the history that the web page draws. One SQLite file.
//!
//! ```text
//! event log -> Store -> writer (a thread) -> storage (file or memory) -> database -> rows, history -> { mqtt, web }
//! ```
//!
//! An event is on the disk before anybody hears of it, and leaves the outbox only when the broker has confirmed it:
//! [`Store::delivered`]. A disk that is full, read-only or broken is a state: the store goes on in memory, reports it, and
//! counts the rows that it drops. Why SQLite: `docs/decisions/009-store.md`.
//!
//! | module | what it does |
//! |---|---|
//! | [`event_log`] | makes numbered events of what happens |
//! | `writer`, `request` | the thread that owns the database, and what it can be asked |
//! | `storage`, `file`, `copy` | the database in use, on disk or in memory; opens and mends the file; a copy for a store in RAM |
//! | `database`, `schema`, [`history`] | rows, tables, and the queries of the past |
//! | `limits`, `wall_clock`, `state_folder` | how much is kept; whether ages may be judged; where the file lies |
//! | [`notes`] | small files beside the store |
//! | [`changes`], [`hooks`] | events and states as lines of JSON, and the programs that get them |

pub mod changes;
mod copy;
mod database;
pub mod event_log;
mod file;
pub mod history;
pub mod hooks;
mod limits;
pub mod notes;
mod request;
mod schema;
mod state_folder;
mod storage;
mod wall_clock;
mod writer;

#[cfg(test)]
mod tests;

use tokio::sync::{broadcast, oneshot, watch};

pub use copy::CopyPlan;
pub use limits::{DAY_MS, StoreLimits};
pub use moodring_base::message::StoreState;
pub use state_folder::StoreLocation;

use history::{Cursor, MoodBucket, MoodSpan, PastEvent};
use request::Request;

/// What goes first when the outbox is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventClass {
    /// A scene change: kept as long as possible.
    Event,
    /// A figure that a later one makes up for, such as a summary.
    Telemetry,
}

/// An event to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDraft {
    /// The device's name.
    pub device: String,
    /// The run's number.
    pub run: u64,
    /// The event's number in its run.
    pub seq: u64,
    /// When it happened, in milliseconds since 1970 (UTC).
    pub time_ms: i64,
    /// What goes first when the outbox is full.
    pub class: EventClass,
    /// The kind's name, for the history.
    pub kind: &'static str,
    /// The message as JSON.
    pub payload: Vec<u8>,
    /// Whether it waits for a broker's receipt; without a broker it is history at once.
    pub wanted: bool,
}

/// An event that waits for the broker's receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its place in the order; grows with each event, across runs.
    pub id: i64,
    /// The device's name when it was written.
    pub device: String,
    /// The message as JSON, as it was written.
    pub payload: Vec<u8>,
}

/// The store went away: its thread ended. Happens only while the daemon ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store has ended")]
pub struct StoreClosed;

/// The way to the store. Clones share it. Requests are served in order.
#[derive(Clone, Debug)]
pub struct Store {
    requests: std::sync::mpsc::Sender<Request>,
    state: watch::Receiver<StoreState>,
    events_tx: broadcast::Sender<std::sync::Arc<str>>,
}

impl Store {
    /// Opens or makes the store and starts its thread. Never fails for want of a file: what cannot be used is logged, and the
    /// store then works in memory.
    ///
    /// # Errors
    /// [`std::io::Error`] if the system gives no thread.
    pub fn open(location: StoreLocation, limits: StoreLimits) -> std::io::Result<Self> {
        Self::open_with_copy(location, limits, None)
    }

    /// The same, with a copy of the file kept elsewhere, if there is a plan for one.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with_copy(
        location: StoreLocation,
        limits: StoreLimits,
        copy: Option<CopyPlan>,
    ) -> std::io::Result<Self> {
        writer::spawn(location, limits, copy)
    }

    /// Writes an event. Those who follow [`Store::state`] learn when it is on the disk.
    pub fn append(&self, draft: EventDraft) {
        self.ask(Request::Append(draft));
    }

    /// The broker has this row.
    pub fn delivered(&self, id: i64) {
        self.ask(Request::Delivered(id));
    }

    /// A `dropped` event has been appended that reports so many.
    pub fn reported_dropped(&self, count: u64) {
        self.ask(Request::ReportedDropped(count));
    }

    /// The oldest waiting rows after this one, at most `limit`, in order. Only what is on the disk.
    pub fn rows(&self, after: i64, limit: usize) -> oneshot::Receiver<Vec<OutboxRow>> {
        let (answer, rows) = oneshot::channel();
        self.ask(Request::Rows {
            after,
            limit,
            answer,
        });
        rows
    }

    /// Adds times to the history.
    pub fn add_moods(&self, spans: Vec<MoodSpan>) {
        self.ask(Request::Moods(spans));
    }

    /// How long each mood was shown between two times (seconds since 1970, `from` included, `to` not), in buckets of
    /// `bucket_s` seconds (at least 60; whole minutes), oldest first.
    ///
    /// # Errors
    /// [`StoreClosed`] if the daemon ends.
    pub async fn moods(
        &self,
        from_s: i64,
        to_s: i64,
        bucket_s: i64,
    ) -> Result<Vec<MoodBucket>, StoreClosed> {
        let (answer, buckets) = oneshot::channel();
        self.ask(Request::MoodHistory {
            from_s,
            to_s,
            bucket_s,
            answer,
        });
        buckets.await.map_err(|_| StoreClosed)
    }

    /// The newest events between two times (seconds since 1970), newest first, at most `limit`; with `before`, only those
    /// that come after it in this order.
    ///
    /// # Errors
    /// [`StoreClosed`] if the daemon ends.
    pub async fn events(
        &self,
        from_s: i64,
        to_s: i64,
        before: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<PastEvent>, StoreClosed> {
        let (answer, events) = oneshot::channel();
        self.ask(Request::EventHistory {
            from_s,
            to_s,
            before,
            limit,
            answer,
        });
        events.await.map_err(|_| StoreClosed)
    }

    /// Deletes the whole history for good, from the disk too, with what still waits for the broker: that counts as dropped, and an
    /// event says so.
    ///
    /// # Errors
    /// [`StoreClosed`] if the daemon ends.
    pub async fn forget(&self) -> Result<(), StoreClosed> {
        let (answer, done) = oneshot::channel();
        self.ask(Request::Forget(answer));
        done.await.map_err(|_| StoreClosed)
    }

    /// Returns when everything asked for before is on the disk.
    ///
    /// # Errors
    /// [`StoreClosed`] if the daemon ends.
    pub async fn flush(&self) -> Result<(), StoreClosed> {
        self.rows(i64::MAX, 0)
            .await
            .map(drop)
            .map_err(|_| StoreClosed)
    }

    /// What the store holds; changes can be awaited.
    pub fn state(&self) -> watch::Receiver<StoreState> {
        self.state.clone()
    }

    /// Events as JSON from now on, each when it is on the disk. Who is slow misses some.
    pub fn subscribe_events(&self) -> broadcast::Receiver<std::sync::Arc<str>> {
        self.events_tx.subscribe()
    }

    /// Writes what is left and closes the file. Later requests are ignored.
    pub fn close(&self) {
        let (answer, done) = std::sync::mpsc::channel();
        self.ask(Request::Close(answer));
        // An error means that it is closed already.
        let _ = done.recv();
    }

    fn ask(&self, request: Request) {
        // Fails only after the end, when nobody waits for an answer any more.
        let _ = self.requests.send(request);
    }
}
