//! What happens, as numbered messages in the store: one event per scene change, never one per frame.
//!
//! ```text
//! events, snapshots, the store's state -> scribe (which, when, what number; no I/O) -> store -> { mqtt, web }
//! ```
//!
//! Numbers count 1, 2, 3, ... in each run and are given here only, so that a receiver sees every gap.

mod crowd;
mod scribe;
mod sum;

use std::time::{Duration, SystemTime};

use moodring_core::event::Event;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

pub use scribe::{Pace, Scribe};
pub use sum::Summary;

use crate::{
    clock::Clock,
    config::EventSettings,
    message::{Identity, Moment},
    snapshot::Snapshot,
    store::{Store, StoreState},
};

/// What the journal is told.
#[derive(Debug)]
pub struct Sources {
    /// What the world looks like; the newest wins.
    pub snapshots: watch::Receiver<Snapshot>,
    /// What happened; nothing is skipped. When its senders are gone the journal comes to its end.
    pub events: mpsc::UnboundedReceiver<Event>,
    /// What went wrong between this machine and its broker, in words.
    pub faults: Option<mpsc::UnboundedReceiver<String>>,
}

/// Starts writing in a task of the current tokio runtime. `wanted`: whether a broker is to get the events; without one
/// they are history at once. The task ends when nobody can send events any more and all is on the disk.
pub fn spawn(
    settings: &EventSettings,
    who: Identity,
    clock: Clock,
    sources: Sources,
    store: Store,
    wanted: bool,
) -> JoinHandle<()> {
    let journal = Journal {
        scribe: Scribe::new(who, settings.pace(), wanted),
        state: store.state(),
        store,
        clock,
        sources,
    };
    tokio::spawn(journal.keep())
}

struct Journal {
    scribe: Scribe,
    sources: Sources,
    store: Store,
    state: watch::Receiver<StoreState>,
    clock: Clock,
}

impl Journal {
    async fn keep(mut self) {
        let (mut more_snapshots, mut more_states) = (true, true);
        self.look();
        loop {
            self.write();
            let wake = self.wake();
            tokio::select! {
                // Events first: what happened before a snapshot has the smaller number.
                biased;
                event = self.sources.events.recv() => match event {
                    Some(event) => self.scribe.event(self.now(), &event),
                    None => break,
                },
                changed = self.sources.snapshots.changed(), if more_snapshots => match changed {
                    Ok(()) => self.look(),
                    Err(_) => more_snapshots = false,
                },
                fault = next_fault(&mut self.sources.faults) => self.scribe.broker_fault(self.now(), &fault),
                changed = self.state.changed(), if more_states => match changed {
                    Ok(()) => {
                        let state = self.state.borrow_and_update().clone();
                        self.scribe.store(self.now(), &state);
                    }
                    Err(_) => more_states = false,
                },
                () = sleep_until(wake) => {}
            }
            self.scribe.tick(self.now());
        }
        self.look();
        self.scribe.finish(self.now());
        self.write();
        // An error says that the store has ended before us.
        let _ = self.store.flush().await;
    }

    fn look(&mut self) {
        let now = self.now();
        let snapshot = self.sources.snapshots.borrow_and_update();
        self.scribe.snapshot(now, &snapshot);
    }

    fn write(&mut self) {
        for draft in self.scribe.drafts() {
            self.store.append(draft);
        }
        if let Some(count) = self.scribe.told_of_dropped() {
            self.store.told_of_dropped(count);
        }
        let spans = self.scribe.spans();
        if !spans.is_empty() {
            self.store.add_moods(spans);
        }
    }

    fn now(&self) -> Moment {
        Moment {
            wall: SystemTime::now(),
            run: self.clock.now(),
        }
    }

    fn wake(&self) -> Instant {
        let due = self.scribe.wake().map(|due| due.since(self.clock.now()));
        // At least once a minute: the history moves to the next one.
        Instant::now() + Duration::from_millis(due.unwrap_or(60_000).min(60_000))
    }
}

/// The next fault, or none for ever.
async fn next_fault(faults: &mut Option<mpsc::UnboundedReceiver<String>>) -> String {
    if let Some(receiver) = faults {
        if let Some(fault) = receiver.recv().await {
            return fault;
        }
        *faults = None;
    }
    std::future::pending().await
}
