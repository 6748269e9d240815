//! The thread that owns the file: gathers changes, commits them together, falls back to memory and returns.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::{broadcast, watch};

use super::{
    CopyPlan, Store, StoreLimits, StoreLocation, StoreState,
    copy::Copier,
    database::Change,
    file::FileProblem,
    history,
    request::Request,
    storage::{RETRY, Storage},
};

/// Commits are at least so far apart, unless somebody waits for one: each costs an SD card a few pages.
const GAP: Duration = Duration::from_millis(100);
/// Receipts and history wait so long for company; lost with the power, they cost a duplicate and a second of history.
const LAZY: Duration = Duration::from_secs(1);
/// Changes that one commit takes.
const MOST: usize = 1_000;
/// Events that a slow listener may lag behind.
const TOLD: usize = 256;

/// Opens the store and starts the thread; what was there is known when this returns.
///
/// # Errors
/// [`io::Error`] if the system gives no thread, or no memory for a store.
pub(super) fn spawn(
    place: StoreLocation,
    bounds: StoreLimits,
    copy: Option<CopyPlan>,
) -> io::Result<Store> {
    let copier = match (&place, copy) {
        (StoreLocation::File(file), Some(plan)) => Some(Copier::begin(plan, file)),
        _ => None,
    };
    let (requests, asked) = mpsc::channel();
    let (state, seen) = watch::channel(StoreState::default());
    let (told, _) = broadcast::channel(TOLD);
    let mut writer = Writer::new(place, bounds, state, told.clone()).map_err(io::Error::other)?;
    writer.copier = copier;
    writer.publish();
    thread::Builder::new()
        .name("store".into())
        .spawn(move || writer.serve(&asked))?;
    Ok(Store {
        requests,
        state: seen,
        told,
    })
}

struct Writer {
    storage: Storage,
    bounds: StoreLimits,
    state: watch::Sender<StoreState>,
    told: broadcast::Sender<Arc<str>>,
    changes: Vec<Change>,
    next_id: i64,
    written: Option<(u64, u64)>,
    dropped: u64,
    committed: Option<Instant>,
    /// When the changes must be on the disk.
    due: Option<Instant>,
    cleaned: Option<Instant>,
    copier: Option<Copier>,
}

impl Writer {
    fn new(
        place: StoreLocation,
        bounds: StoreLimits,
        state: watch::Sender<StoreState>,
        told: broadcast::Sender<Arc<str>>,
    ) -> Result<Self, rusqlite::Error> {
        let storage = Storage::open(place)?;
        let newest = storage.database.counts.newest;
        let next_id = if storage.trouble().is_some() {
            // What the disk has is not known: the clock gives numbers that are larger than those there.
            newest.max(unix_ms()) + 1
        } else {
            newest + 1
        };
        Ok(Self {
            storage,
            bounds,
            state,
            told,
            changes: Vec::new(),
            next_id,
            written: None,
            dropped: 0,
            committed: None,
            due: None,
            cleaned: None,
            copier: None,
        })
    }

    /// Until everybody is gone or one says close.
    fn serve(mut self, asked: &Receiver<Request>) {
        loop {
            self.keep_house();
            let wait = self.due.map_or(RETRY, |due| {
                due.saturating_duration_since(Instant::now()).min(RETRY)
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
            if is_due || self.changes.len() >= MOST {
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
                self.hurry(self.committed.map_or(now, |last| (last + GAP).max(now)));
            }
            Request::Delivered(id) => self.later(Change::Delivered(id)),
            Request::ToldOfDropped(count) => self.later(Change::Told(count)),
            Request::Moods(spans) => self.later(Change::Moods(spans)),
            Request::Rows {
                after,
                limit,
                answer,
            } => {
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
                limit,
                answer,
            } => {
                self.commit();
                let events =
                    history::events(&self.storage.database.connection, from_s, to_s, limit);
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
        self.hurry(Instant::now() + LAZY);
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
        let changes = std::mem::take(&mut self.changes);
        let now_ms = unix_ms();
        // Twice: the second time with a new file or in memory.
        for _ in 0..2 {
            let bounds = self.storage.bounds(self.bounds);
            match self.storage.database.commit(&changes, bounds, now_ms) {
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
            if let Change::Append(_, draft) = change {
                self.written = Some((draft.run, draft.seq));
                if self.told.receiver_count() > 0 {
                    let json = String::from_utf8_lossy(&draft.payload);
                    let _ = self.told.send(json.into());
                }
            }
        }
        self.publish();
    }

    /// Another home, if one can be had.
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

    fn forget(&mut self) {
        let database = &self.storage.database;
        let done = history::forget(&database.connection)
            // The log of changes still has the rows; and the file gets its size back.
            .and_then(|()| {
                database
                    .connection
                    .execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")
            });
        if let Err(error) = done {
            tracing::warn!("the history could not be deleted: {error}");
        }
        // What is deleted is deleted there, too.
        self.renew_copy(|_, _| true);
        self.publish();
    }

    /// What is done once a minute: history that is too old, and another try of a disk that failed.
    fn keep_house(&mut self) {
        let now = Instant::now();
        let due = |last: Option<Instant>| last.is_none_or(|last| now - last >= RETRY);
        if !due(self.cleaned) {
            return;
        }
        self.cleaned = Some(now);
        if self.storage.go_back(false) {
            self.next_id = self.next_id.max(self.storage.database.counts.newest + 1);
        }
        let before_ms = unix_ms().saturating_sub(self.bounds.history_ms);
        let expired = history::expire(&self.storage.database.connection, before_ms);
        if let Err(error) = expired {
            self.fail(error.into());
        }
        self.renew_copy(Copier::is_due);
        self.publish();
    }

    /// Renews the copy, if there is one to keep and this says so; not while rows are missing here.
    fn renew_copy(&mut self, wanted: impl Fn(&Copier, Option<Instant>) -> bool) {
        let whole = self.storage.trouble().is_none();
        if let Some(copier) = &mut self.copier
            && whole
            && wanted(copier, self.committed)
        {
            copier.renew(&self.storage.database.connection);
        }
    }

    fn close(&mut self) {
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
        let bounds = self.storage.bounds(self.bounds);
        let counts = self.storage.database.counts;
        let state = StoreState {
            waiting: counts.waiting,
            newest: counts.newest,
            written: self.written,
            dropped: self.dropped,
            untold: counts.untold,
            full: counts.waiting >= bounds.waiting / 10 * 9
                || counts.bytes >= bounds.waiting_bytes / 10 * 9,
            trouble: self.storage.trouble().map(str::to_owned),
        };
        self.state.send_if_modified(|old| {
            let differs = *old != state;
            *old = state;
            differs
        });
    }
}

/// The wall clock in milliseconds since 1970.
fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}
