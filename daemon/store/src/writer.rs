//! The thread that owns the database: gathers changes, commits them together, and goes to memory and back when the file
//! fails.

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
    file::{self, FileProblem},
    history,
    request::Request,
    storage::{FileOrMemory, RETRY},
    wall_clock::{Reading, WallClock},
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
    storage: FileOrMemory,
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

/// How often the file and the clock are looked at.
const LOOK: Duration = Duration::from_secs(20);
/// So many minutes of the history are dated anew when the clock is set: a month.
const MOST_MINUTES: usize = 44_640;

impl Writer {
    fn new(
        place: StoreLocation,
        bounds: StoreLimits,
        state: watch::Sender<StoreState>,
        told: broadcast::Sender<Arc<str>>,
    ) -> Result<Self, rusqlite::Error> {
        let storage = FileOrMemory::open(place)?;
        let newest = storage.database.counts.newest;
        let next_id = if storage.trouble().is_some() {
            // What the disk has is not known: the clock gives numbers that are larger than those there.
            newest.max(unix_ms()) + 1
        } else {
            newest + 1
        };
        Ok(Self {
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

    /// Until everybody is gone or one says close.
    fn serve(mut self, asked: &Receiver<Request>) {
        loop {
            self.look();
            self.keep_house();
            let wait = self.due.map_or(LOOK, |due| {
                due.saturating_duration_since(Instant::now()).min(LOOK)
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
            Request::ReportedDropped(count) => self.later(Change::Told(count)),
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
        self.look_at_clock();
        let changes = std::mem::take(&mut self.changes);
        // Twice: the second time with a new file or in memory.
        for _ in 0..2 {
            let bounds = self.storage.bounds(self.bounds);
            match self.storage.database.commit(&changes, bounds) {
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
                if self.told.receiver_count() > 0 {
                    let json = String::from_utf8_lossy(&draft.payload);
                    let _ = self.told.send(json.into());
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

    fn forget(&mut self) {
        match self.storage.database.forget() {
            Ok(dropped) => {
                self.dropped += dropped;
                self.forgotten_to = self.next_id - 1;
                if dropped > 0 {
                    tracing::info!(
                        "{dropped} events that waited for the broker were deleted with the history; a `dropped` event says so"
                    );
                }
            }
            Err(error) => tracing::warn!("the history could not be deleted: {error}"),
        }
        self.storage.was_shortened();
        // What is deleted is deleted everywhere: in what was set aside, in a file that cannot be used now, in the copy.
        if let Some(path) = self.storage.path() {
            file::remove_aside(path, None);
        }
        self.storage.forget_later();
        self.forgotten = true;
        self.minutes.clear();
        self.renew_forgotten();
        self.publish();
    }

    /// The copy without what was deleted, as soon as there is a whole store to make it from.
    fn renew_forgotten(&mut self) {
        if self.forgotten && self.storage.trouble().is_none() {
            self.forgotten = false;
            self.renew_copy(|_, _| true);
        }
    }

    /// Whether the file is still there and the clock still goes evenly, now and then.
    fn look(&mut self) {
        let now = Instant::now();
        if self.looked.is_none_or(|looked| now - looked >= LOOK) {
            self.looked = Some(now);
            self.look_at_clock();
            self.look_at_file();
        }
    }

    /// A file that vanished is replaced by a new one at once.
    fn look_at_file(&mut self) {
        if let Some(problem) = self.storage.gone() {
            self.replaced += 1;
            self.replaced_because = Some(problem.to_string());
            self.fail(problem);
            self.next_id = self.next_id.max(self.storage.database.counts.newest + 1);
            self.publish();
        }
    }

    /// If the clock was set, what this run wrote is dated anew: its age is what passed, not what the clock says.
    fn look_at_clock(&mut self) {
        let now = reading();
        let set_by = self.clock.look(now);
        if set_by == 0 {
            return;
        }
        tracing::info!(
            "the clock was set by {} s: nothing is deleted for its age within the next hour",
            set_by / 1_000
        );
        let before = now.wall_ms.saturating_sub(set_by);
        let is_before = |time: i64| time.abs_diff(before) < time.abs_diff(now.wall_ms);
        for change in &mut self.changes {
            match change {
                Change::Append(_, draft) if is_before(draft.time_ms) => {
                    draft.time_ms = draft.time_ms.saturating_add(set_by);
                }
                Change::Moods(spans) => {
                    for span in spans
                        .iter_mut()
                        .filter(|span| is_before(span.minute.saturating_mul(60_000)))
                    {
                        span.minute = span.minute.saturating_add(history::minutes_of(set_by));
                    }
                }
                _ => {}
            }
        }
        while self.minutes.len() > MOST_MINUTES {
            self.minutes.pop_first();
        }
        let (first_id, minutes) = (self.first_id, std::mem::take(&mut self.minutes));
        let connection = &mut self.storage.database.connection;
        if let Err(error) = history::redate(connection, first_id, &minutes, set_by) {
            tracing::warn!("the store keeps the dates of the wrong clock: {error}");
        }
        let shift = history::minutes_of(set_by);
        self.minutes = minutes
            .into_iter()
            .map(|minute| minute.saturating_add(shift))
            .collect();
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
        self.renew_forgotten();
        if self.clock.is_plausible() {
            self.expire();
        }
        self.renew_copy(Copier::is_due);
        self.publish();
    }

    /// What is too old goes; only while the clock can be relied on.
    fn expire(&mut self) {
        let bounds = self.storage.bounds(self.bounds);
        match self.storage.database.expire(bounds, unix_ms()) {
            Ok(dropped) => self.dropped += dropped,
            Err(error) => self.fail(error.into()),
        }
        let age = Duration::from_millis(self.bounds.history_ms.unsigned_abs());
        if let (Some(path), Some(before)) =
            (self.storage.path(), SystemTime::now().checked_sub(age))
        {
            file::remove_aside(path, Some(before));
        }
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
        let bounds = self.storage.bounds(self.bounds);
        let counts = self.storage.database.counts;
        let state = StoreState {
            waiting: counts.waiting,
            newest: counts.newest,
            written: self.written,
            dropped: self.dropped,
            untold: counts.untold,
            forgotten_to: self.forgotten_to,
            full: counts.waiting >= bounds.waiting / 10 * 9
                || counts.bytes >= bounds.waiting_bytes / 10 * 9,
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
