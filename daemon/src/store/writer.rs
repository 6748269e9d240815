//! The thread that owns the file: gathers changes, commits them together, falls back to memory and returns.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::{broadcast, oneshot, watch};

use super::{
    Bounds, Draft, Place, Row, Store, StoreState,
    file::{self, Trouble},
    history::{self, MoodBucket, MoodSpan, PastEvent},
    ledger::{Change, Ledger},
};

/// Commits are at least so far apart, unless somebody waits for one: each costs an SD card a few pages.
const GAP: Duration = Duration::from_millis(100);
/// Receipts and history wait so long for company; lost with the power, they cost a duplicate and a second of history.
const LAZY: Duration = Duration::from_secs(1);
/// How long a disk that failed is left alone, and how often old rows are looked for.
const RETRY: Duration = Duration::from_secs(60);
/// Changes that one commit takes.
const MOST: usize = 1_000;
/// Events that a slow listener may lag behind.
const TOLD: usize = 256;

/// What the thread is asked to do.
#[derive(Debug)]
pub(super) enum Request {
    Append(Draft),
    Delivered(i64),
    ToldOfDropped(u64),
    Moods(Vec<MoodSpan>),
    Rows {
        after: i64,
        limit: usize,
        answer: oneshot::Sender<Vec<Row>>,
    },
    MoodHistory {
        from_s: i64,
        to_s: i64,
        bucket_s: i64,
        answer: oneshot::Sender<Vec<MoodBucket>>,
    },
    EventHistory {
        from_s: i64,
        to_s: i64,
        limit: usize,
        answer: oneshot::Sender<Vec<PastEvent>>,
    },
    Forget(oneshot::Sender<()>),
    Close(mpsc::Sender<()>),
}

/// Opens the store and starts the thread; what was there is known when this returns.
///
/// # Errors
/// [`io::Error`] if the system gives no thread, or no memory for a store.
pub(super) fn spawn(place: Place, bounds: Bounds) -> io::Result<Store> {
    let (requests, asked) = mpsc::channel();
    let (state, seen) = watch::channel(StoreState::default());
    let (told, _) = broadcast::channel(TOLD);
    let mut writer = Writer::new(place, bounds, state, told.clone()).map_err(io::Error::other)?;
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
    home: Home,
    bounds: Bounds,
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
}

/// Where the rows are now.
enum Home {
    Disk {
        path: PathBuf,
        ledger: Ledger,
    },
    Memory {
        ledger: Ledger,
        refuge: Option<Refuge>,
    },
}

/// Memory in place of a disk that failed.
struct Refuge {
    path: PathBuf,
    reason: String,
    /// Whether all that waited on the disk is in memory, too.
    whole: bool,
    since: Instant,
}

impl Home {
    fn ledger(&mut self) -> &mut Ledger {
        match self {
            Self::Disk { ledger, .. } | Self::Memory { ledger, .. } => ledger,
        }
    }
}

impl Writer {
    fn new(
        place: Place,
        bounds: Bounds,
        state: watch::Sender<StoreState>,
        told: broadcast::Sender<Arc<str>>,
    ) -> Result<Self, rusqlite::Error> {
        let mut home = match place {
            Place::Memory => Home::Memory {
                ledger: file::memory()?,
                refuge: None,
            },
            Place::Nowhere => {
                tracing::warn!(
                    "no folder for the store ($STATE_DIRECTORY, $XDG_STATE_HOME and $HOME are not set): events are kept \
                     in memory, and a restart loses those that the broker does not have yet. Set [store] path"
                );
                Home::Memory {
                    ledger: file::memory()?,
                    refuge: None,
                }
            }
            Place::File(path) => match file::open_or_begin_anew(&path) {
                Ok(ledger) => Home::Disk { path, ledger },
                Err(trouble) => flee(path, &trouble.to_string(), None)?,
            },
        };
        let newest = home.ledger().tally.newest;
        let next_id = match &home {
            // What the disk has is not known: the clock gives numbers that are larger than those there.
            Home::Memory {
                refuge: Some(_), ..
            } => newest.max(unix_ms()) + 1,
            _ => newest + 1,
        };
        Ok(Self {
            home,
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
                let rows = self.home.ledger().rows(after, limit);
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
                    history::moods(&self.home.ledger().connection, from_s, to_s, bucket_s);
                let _ = answer.send(self.read(buckets));
            }
            Request::EventHistory {
                from_s,
                to_s,
                limit,
                answer,
            } => {
                self.commit();
                let events = history::events(&self.home.ledger().connection, from_s, to_s, limit);
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
            let bounds = self.bounds();
            match self.home.ledger().commit(&changes, bounds, now_ms) {
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

    /// The disk failed: another file if this one is damaged, else memory.
    fn fail(&mut self, trouble: Trouble) {
        // Whatever happens, there is a home again at the end.
        let nowhere = Home::Memory {
            ledger: match file::memory() {
                Ok(ledger) => ledger,
                Err(error) => return tracing::error!("no memory for the store: {error}"),
            },
            refuge: None,
        };
        let (path, ledger) = match std::mem::replace(&mut self.home, nowhere) {
            Home::Disk { path, ledger } => (path, ledger),
            // Memory itself failed: begin again with nothing.
            Home::Memory { .. } => return tracing::error!("the store in memory failed: {trouble}"),
        };
        let home = match trouble {
            Trouble::Damaged(reason) => {
                drop(ledger);
                match file::begin_anew(&path, &reason) {
                    Ok(ledger) => Ok(Home::Disk { path, ledger }),
                    Err(trouble) => flee(path, &trouble.to_string(), None),
                }
            }
            Trouble::Unusable(reason) => flee(path, &reason, Some(&ledger)),
        };
        match home {
            Ok(home) => self.home = home,
            Err(error) => tracing::error!("no memory for the store: {error}"),
        }
    }

    /// A query's answer; one that failed is empty.
    fn read<T>(&mut self, result: Result<Vec<T>, rusqlite::Error>) -> Vec<T> {
        result.unwrap_or_else(|error| {
            let trouble = Trouble::from(error);
            tracing::warn!("the store cannot be read: {trouble}");
            if matches!(trouble, Trouble::Damaged(_)) {
                self.fail(trouble);
                self.publish();
            }
            Vec::new()
        })
    }

    fn forget(&mut self) {
        let ledger = self.home.ledger();
        let done = history::forget(&ledger.connection)
            // The log of changes still has the rows; and the file gets its size back.
            .and_then(|()| {
                ledger
                    .connection
                    .execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")
            });
        if let Err(error) = done {
            tracing::warn!("the history could not be deleted: {error}");
        }
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
        self.go_home();
        let before_ms = unix_ms().saturating_sub(self.bounds.history_ms);
        let expired = history::expire(&self.home.ledger().connection, before_ms);
        if let Err(error) = expired {
            self.fail(error.into());
        }
        self.publish();
    }

    /// Back from memory to the disk, if that works again.
    fn go_home(&mut self) {
        let Home::Memory {
            ledger: memory,
            refuge: Some(refuge),
        } = &self.home
        else {
            return;
        };
        if refuge.since.elapsed() < RETRY {
            return;
        }
        let back = file::open_or_begin_anew(&refuge.path).and_then(|mut disk| {
            disk.take_back(memory, refuge.whole)?;
            Ok(disk)
        });
        match back {
            Ok(ledger) => {
                let path = refuge.path.clone();
                tracing::info!("the store {} works again", path.display());
                self.next_id = self.next_id.max(ledger.tally.newest + 1);
                self.home = Home::Disk { path, ledger };
            }
            Err(trouble) => tracing::debug!("the store still cannot be used: {trouble}"),
        }
    }

    fn close(&mut self) {
        self.commit();
        if let Home::Memory {
            refuge: Some(refuge),
            ..
        } = &mut self.home
        {
            // A last try, however short the time was.
            if let Some(before) = Instant::now().checked_sub(RETRY) {
                refuge.since = before;
            }
            self.go_home();
        }
        if let Home::Memory {
            ledger,
            refuge: Some(_),
        } = &self.home
            && ledger.tally.waiting > 0
        {
            tracing::warn!(
                "{} events are lost: the store's disk did not take them and the broker was away",
                ledger.tally.waiting
            );
        }
    }

    fn bounds(&self) -> Bounds {
        match self.home {
            Home::Disk { .. } => self.bounds,
            Home::Memory { .. } => self.bounds.in_memory(),
        }
    }

    fn publish(&mut self) {
        let bounds = self.bounds();
        let trouble = match &self.home {
            Home::Memory {
                refuge: Some(refuge),
                ..
            } => Some(refuge.reason.clone()),
            _ => None,
        };
        let tally = self.home.ledger().tally;
        let state = StoreState {
            waiting: tally.waiting,
            newest: tally.newest,
            written: self.written,
            dropped: self.dropped,
            untold: tally.untold,
            full: tally.waiting >= bounds.waiting / 10 * 9
                || tally.bytes >= bounds.waiting_bytes / 10 * 9,
            trouble,
        };
        self.state.send_if_modified(|old| {
            let differs = *old != state;
            *old = state;
            differs
        });
    }
}

/// On in memory, with what waits on the disk as far as it can be read.
fn flee(path: PathBuf, reason: &str, disk: Option<&Ledger>) -> Result<Home, rusqlite::Error> {
    let mut ledger = file::memory()?;
    let whole = disk.is_some_and(|disk| disk.salvage_into(&mut ledger));
    tracing::warn!(
        "the store {} cannot be used: {reason}. Going on in memory, trying again every minute; \
         a restart before that loses events that the broker does not have yet",
        path.display()
    );
    Ok(Home::Memory {
        ledger,
        refuge: Some(Refuge {
            path,
            reason: reason.to_owned(),
            whole,
            since: Instant::now(),
        }),
    })
}

/// The wall clock in milliseconds since 1970.
fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}
