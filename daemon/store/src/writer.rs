//! The thread that owns the database: gathers changes, commits them together, and goes to memory and back when the file
//! fails.

mod maintenance;

use std::{
    collections::BTreeSet,
    io,
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::{broadcast, watch};

use super::{
    CopyPlan, Store, StoreLimits, StoreLocation, StoreState,
    copy::Copier,
    database::Change,
    file::FileProblem,
    history,
    request::Request,
    storage::FileOrMemory,
    wall_clock::{Reading, WallClock},
};

/// How often the file and the clock are looked at.
const FILE_CHECK_INTERVAL: Duration = Duration::from_secs(20);
/// Commits are at least so far apart, unless somebody waits for one: each costs an SD card a few pages.
const MIN_COMMIT_INTERVAL: Duration = Duration::from_millis(100);
/// Receipts and history are committed at most this late. A power cut in between costs a duplicate and a second of history.
const MAX_COMMIT_DELAY: Duration = Duration::from_secs(1);
/// Changes that one commit takes.
const MAX_CHANGES_PER_COMMIT: usize = 1_000;
/// Events that a slow subscriber of `subscribe_events` may lag behind.
const EVENT_CHANNEL_LEN: usize = 256;

/// Opens the store and starts the thread; what was there is known when this returns.
///
/// # Errors
/// [`io::Error`] if the system gives no thread, or no memory for a store.
pub(super) fn spawn(
    location: StoreLocation,
    limits: StoreLimits,
    copy: Option<CopyPlan>,
) -> io::Result<Store> {
    let copier = match (&location, copy) {
        (StoreLocation::File(file), Some(plan)) => Some(Copier::begin(plan, file)),
        _ => None,
    };
    let (requests, asked) = mpsc::channel();
    let (state, seen) = watch::channel(StoreState::default());
    let (events_tx, _) = broadcast::channel(EVENT_CHANNEL_LEN);
    let mut writer =
        Writer::new(location, limits, state, events_tx.clone()).map_err(io::Error::other)?;
    writer.copier = copier;
    writer.publish();
    thread::Builder::new()
        .name("store".into())
        .spawn(move || writer.serve(&asked))?;
    Ok(Store {
        requests,
        state: seen,
        events_tx,
    })
}

struct Writer {
    storage: FileOrMemory,
    limits: StoreLimits,
    state: watch::Sender<StoreState>,
    events_tx: broadcast::Sender<Arc<str>>,
    changes: Vec<Change>,
    next_id: i64,
    written: Option<(u64, u64)>,
    dropped: u64,
    committed: Option<Instant>,
    /// When the changes must be on the disk.
    due: Option<Instant>,
    cleaned: Option<Instant>,
    copier: Option<Copier>,
    /// Whether ages may be judged, and by how much the clock was set.
    clock: WallClock,
    /// The first row that this run may write, and the minutes of the history that it wrote.
    first_id: i64,
    minutes: BTreeSet<i64>,
    /// When the file was looked at last.
    looked: Option<Instant>,
    replaced: u64,
    replaced_because: Option<String>,
    /// Rows up to this one were deleted with the history.
    forgotten_to: i64,
    /// Whether the copy still holds history that was deleted.
    forgotten: bool,
}

impl Writer {
    fn new(
        location: StoreLocation,
        limits: StoreLimits,
        state: watch::Sender<StoreState>,
        events_tx: broadcast::Sender<Arc<str>>,
    ) -> Result<Self, rusqlite::Error> {
        let storage = FileOrMemory::open(location)?;
        let newest = storage.database.counts.newest;
        let next_id = if storage.trouble().is_some() {
            // What the disk has is not known: the clock gives numbers that are larger than those there.
            newest.max(unix_ms()) + 1
        } else {
            newest + 1
        };
        Ok(Self {
            limits,
            state,
            events_tx,
            changes: Vec::new(),
            next_id,
            written: None,
            dropped: 0,
            committed: None,
            due: None,
            cleaned: None,
            copier: None,
            clock: WallClock::begin(reading(), storage.database.clock_seen_ms()),
            first_id: next_id,
            minutes: BTreeSet::new(),
            looked: None,
            replaced: 0,
            replaced_because: None,
            forgotten_to: 0,
            forgotten: false,
            storage,
        })
    }

    /// Serves requests until all senders are gone or one sends `Close`.
    fn serve(mut self, asked: &Receiver<Request>) {
        loop {
            self.look();
            self.keep_house();
            let wait = self.due.map_or(FILE_CHECK_INTERVAL, |due| {
                due.saturating_duration_since(Instant::now())
                    .min(FILE_CHECK_INTERVAL)
            });
            match asked.recv_timeout(wait) {
                Ok(Request::Close(done)) => {
                    self.close();
                    drop(self);
                    let _ = done.send(());
                    return;
                }
                Ok(request) => self.take(request),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.close(),
            }
            let is_due = self.due.is_some_and(|due| due <= Instant::now());
            if is_due || self.changes.len() >= MAX_CHANGES_PER_COMMIT {
                self.commit();
            }
        }
    }

    fn take(&mut self, request: Request) {
        match request {
            Request::Append(draft) => {
                self.changes.push(Change::Append(self.next_id, draft));
                self.next_id += 1;
                // The first at once, those that follow it closely together.
                let now = Instant::now();
                self.hurry(
                    self.committed
                        .map_or(now, |last| (last + MIN_COMMIT_INTERVAL).max(now)),
                );
            }
            Request::Delivered(id) => self.later(Change::Delivered(id)),
            Request::ReportedDropped(count) => self.later(Change::DroppedReported(count)),
            Request::Moods(spans) => self.later(Change::Moods(spans)),
            Request::Rows {
                after,
                limit,
                answer,
            } => {
                if limit == 0 {
                    // Somebody relies on the disk.
                    self.look_at_file();
                }
                self.commit();
                let rows = self.storage.database.rows(after, limit);
                let _ = answer.send(self.read(rows));
            }
            Request::MoodHistory {
                from_s,
                to_s,
                bucket_s,
                answer,
            } => {
                self.commit();
                let buckets =
                    history::moods(&self.storage.database.connection, from_s, to_s, bucket_s);
                let _ = answer.send(self.read(buckets));
            }
            Request::EventHistory {
                from_s,
                to_s,
                before,
                limit,
                answer,
            } => {
                self.commit();
                let span = (from_s, to_s);
                let connection = &self.storage.database.connection;
                let events = history::events(connection, span, before, limit, unix_ms());
                let _ = answer.send(self.read(events));
            }
            Request::Forget(answer) => {
                self.commit();
                self.forget();
                let _ = answer.send(());
            }
            // Ends the loop above.
            Request::Close(_) => {}
        }
    }

    fn later(&mut self, change: Change) {
        self.changes.push(change);
        self.hurry(Instant::now() + MAX_COMMIT_DELAY);
    }

    fn hurry(&mut self, due: Instant) {
        self.due = Some(self.due.map_or(due, |other| other.min(due)));
    }

    /// Everything that waits for it goes to the disk, or to memory if the disk fails.
    fn commit(&mut self) {
        self.due = None;
        if self.changes.is_empty() {
            return;
        }
        self.look_at_clock();
        let changes = std::mem::take(&mut self.changes);
        // Twice: the second time with a new file or in memory.
        for _ in 0..2 {
            let limits = self.storage.limits(self.limits);
            match self.storage.database.commit(&changes, limits) {
                Ok(dropped) => return self.done(&changes, dropped),
                Err(error) => self.fail(error.into()),
            }
        }
        tracing::error!("the store lost {} changes", changes.len());
    }

    fn done(&mut self, changes: &[Change], dropped: u64) {
        self.committed = Some(Instant::now());
        self.dropped += dropped;
        for change in changes {
            if let Change::Moods(spans) = change {
                self.minutes.extend(spans.iter().map(|span| span.minute));
            }
            if let Change::Append(_, draft) = change {
                self.written = Some((draft.run, draft.seq));
                if self.events_tx.receiver_count() > 0 {
                    let json = String::from_utf8_lossy(&draft.payload);
                    let _ = self.events_tx.send(json.into());
                }
            }
        }
        self.publish();
    }

    /// The database failed: goes on with a new file or in memory, if there is memory.
    fn fail(&mut self, trouble: FileProblem) {
        if let Err(error) = self.storage.fail(trouble) {
            tracing::error!("no memory for the store: {error}");
        }
    }

    /// A query's answer; one that failed is empty.
    fn read<T>(&mut self, result: Result<Vec<T>, rusqlite::Error>) -> Vec<T> {
        result.unwrap_or_else(|error| {
            let trouble = FileProblem::from(error);
            tracing::warn!("the store cannot be read: {trouble}");
            if matches!(trouble, FileProblem::Damaged(_)) {
                self.fail(trouble);
                self.publish();
            }
            Vec::new()
        })
    }

    fn close(&mut self) {
        self.look_at_file();
        self.commit();
        // A last try, however short the time was.
        self.storage.go_back(true);
        self.renew_copy(Copier::is_behind);
        let waiting = self.storage.database.counts.waiting;
        if self.storage.trouble().is_some() && waiting > 0 {
            tracing::warn!(
                "{waiting} events are lost: the store's disk did not take them and the broker was away"
            );
        }
    }

    fn publish(&mut self) {
        let limits = self.storage.limits(self.limits);
        let counts = self.storage.database.counts;
        let state = StoreState {
            waiting: counts.waiting,
            newest: counts.newest,
            written: self.written,
            dropped: self.dropped,
            unreported: counts.unreported,
            forgotten_to: self.forgotten_to,
            full: counts.waiting >= limits.waiting / 10 * 9
                || counts.bytes >= limits.waiting_bytes / 10 * 9,
            in_memory: self.storage.path().is_none(),
            trouble: self.storage.trouble().map(str::to_owned),
            replaced: self.replaced,
            replaced_because: self.replaced_because.clone(),
        };
        self.state.send_if_modified(|old| {
            let differs = *old != state;
            *old = state;
            differs
        });
    }
}

/// Both clocks, now. The kernel's uptime counts sleep, too; a run's own clock does not. No file is read for it: want of open files
/// would look like a clock that was set.
fn reading() -> Reading {
    let up = clock_gettime(ClockId::Boottime);
    Reading {
        uptime_ms: up.tv_sec.saturating_mul(1_000) + up.tv_nsec / 1_000_000,
        wall_ms: unix_ms(),
    }
}

/// The wall clock in milliseconds since 1970.
fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}
