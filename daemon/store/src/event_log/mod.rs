//! Turns what happens into numbered messages in the store: one event per change of the scene, never one per frame.
//!
//! ```text
//! events, snapshots, faults, the store's state -> recorder (which, when, what number; no I/O) -> store -> { mqtt, web }
//! ```
//!
//! Only this module gives numbers: 1, 2, 3, ... in each run, so that a receiver sees every gap.

mod people_count;
mod recorder;
mod summary;

use std::time::{Duration, SystemTime};

use moodring_base::{
    clock::Clock,
    config::EventSettings,
    message::{Identity, Moment},
    snapshot::Snapshot,
    worker::WorkerFault,
};
use moodring_core::event::Event;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

pub use moodring_base::message::Summary;
pub use recorder::{EventLimits, EventRecorder};

use crate::{Store, StoreState};

/// What the event log gets.
#[derive(Debug)]
pub struct EventLogInputs {
    /// What the world looks like; the newest wins.
    pub snapshots: watch::Receiver<Snapshot>,
    /// What happened; nothing is skipped. When its senders are gone the event log ends.
    pub events: mpsc::UnboundedReceiver<Event>,
    /// What went wrong between this machine and its broker, for people.
    pub broker_faults: Option<mpsc::UnboundedReceiver<String>>,
    /// Workers that panicked, and that work again.
    pub faults: mpsc::UnboundedReceiver<WorkerFault>,
}

/// Starts writing in a task of the current tokio runtime. `wanted`: whether a broker is to get the events; without one
/// they are history at once. The task ends when nobody can send events any more and all is on the disk.
pub fn spawn(
    settings: &EventSettings,
    identity: Identity,
    clock: Clock,
    sources: EventLogInputs,
    store: Store,
    wanted: bool,
) -> JoinHandle<()> {
    let event_log = EventLog {
        recorder: EventRecorder::new(identity, EventLimits::of(settings), wanted),
        state: store.state(),
        store,
        clock,
        sources,
    };
    tokio::spawn(event_log.run())
}

struct EventLog {
    recorder: EventRecorder,
    sources: EventLogInputs,
    store: Store,
    state: watch::Receiver<StoreState>,
    clock: Clock,
}

impl EventLog {
    async fn run(mut self) {
        let (mut more_snapshots, mut more_states, mut more_faults) = (true, true, true);
        self.look();
        loop {
            self.write();
            let wake = self.wake();
            tokio::select! {
                // Events first: what happened before a snapshot has the smaller number.
                biased;
                event = self.sources.events.recv() => match event {
                    Some(event) => self.recorder.event(self.now(), &event),
                    None => break,
                },
                fault = self.sources.faults.recv(), if more_faults => match fault {
                    Some(fault) => self.recorder.fault(self.now(), &fault),
                    None => more_faults = false,
                },
                changed = self.sources.snapshots.changed(), if more_snapshots => match changed {
                    Ok(()) => self.look(),
                    Err(_) => more_snapshots = false,
                },
                fault = next_fault(&mut self.sources.broker_faults) => self.recorder.broker_fault(self.now(), &fault),
                changed = self.state.changed(), if more_states => match changed {
                    Ok(()) => {
                        let state = self.state.borrow_and_update().clone();
                        self.recorder.store(self.now(), &state);
                    }
                    Err(_) => more_states = false,
                },
                () = sleep_until(wake) => {}
            }
            self.recorder.tick(self.now());
        }
        self.look();
        self.recorder.finish(self.now());
        self.write();
        // An error means that the store has ended before us.
        let _ = self.store.flush().await;
    }

    fn look(&mut self) {
        let now = self.now();
        let snapshot = self.sources.snapshots.borrow_and_update();
        self.recorder.snapshot(now, &snapshot);
    }

    fn write(&mut self) {
        for draft in self.recorder.drafts() {
            self.store.append(draft);
        }
        if let Some(count) = self.recorder.reported_dropped() {
            self.store.reported_dropped(count);
        }
        let spans = self.recorder.spans();
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
        let due = self.recorder.wake().map(|due| due.since(self.clock.now()));
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
