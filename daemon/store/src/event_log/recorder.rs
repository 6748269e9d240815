//! Decides which events are recorded, when, and with what number. Times come in as data; drafts for the store come out.

use moodring_base::{
    config::EventSettings,
    message::{EventBody, EventMessage, Identity, Moment, json},
    snapshot::{CameraState, Snapshot},
    worker::WorkerFault,
};
use moodring_core::{
    event::{Event, EventKind},
    frame::Millis,
};

use super::{people_count::PeopleCount, summary::SummaryBuilder};
use crate::{EventClass, EventDraft, StoreState, history::MoodSpan};

/// How much is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventLimits {
    /// Two changes of mood are at least so many milliseconds apart; those between them become one.
    pub gap_ms: u64,
    /// A number of people is recorded after it has held for so many milliseconds.
    pub crowd_ms: u64,
    /// Milliseconds between summaries; 0 for none.
    pub summary_ms: u64,
}

impl EventLimits {
    /// The limits of the settings.
    pub fn of(settings: &EventSettings) -> Self {
        Self {
            gap_ms: settings.gap_ms.into(),
            crowd_ms: settings.crowd_ms.into(),
            summary_ms: u64::from(settings.summary_s) * 1_000,
        }
    }
}

/// One run's events.
#[derive(Debug)]
pub struct EventRecorder {
    identity: Identity,
    limits: EventLimits,
    wanted: bool,
    seq: u64,
    drafts: Vec<EventDraft>,
    camera: CameraState,
    camera_since: Millis,
    /// A change that waits for the gap's end, and when the last one was recorded.
    held: Option<Event>,
    changed_at: Option<Millis>,
    people_count: PeopleCount,
    summary: SummaryBuilder,
    store_fails: bool,
    /// How often the store's file had been replaced when that was last recorded.
    store_replaced: u64,
    /// How many rows had been dropped when that was last recorded, until the store knows of it.
    reported_at: Option<u64>,
    reported_dropped: Option<u64>,
}

impl EventRecorder {
    /// A run in which nothing has happened yet. `wanted`: whether a broker is to get the events.
    pub fn new(identity: Identity, limits: EventLimits, wanted: bool) -> Self {
        Self {
            identity,
            limits,
            wanted,
            seq: 0,
            drafts: Vec::new(),
            camera: CameraState::default(),
            camera_since: Millis(0),
            held: None,
            changed_at: None,
            people_count: PeopleCount::default(),
            summary: SummaryBuilder::default(),
            store_fails: false,
            store_replaced: 0,
            reported_at: None,
            reported_dropped: None,
        }
    }

    /// Something happened.
    pub fn event(&mut self, now: Moment, event: &Event) {
        self.summary.event(&event.kind);
        if let EventKind::Changed { .. } = event.kind {
            self.held = match self.held.take() {
                Some(held) => merge(&held, event),
                None => Some(*event),
            };
            return self.release(now, false);
        }
        self.release(now, true);
        self.add_event(now, event.time, EventBody::of(event));
    }

    /// The world changed, or time went by.
    pub fn snapshot(&mut self, now: Moment, snapshot: &Snapshot) {
        self.summary.snapshot(now, snapshot);
        let (from, to) = (self.camera, snapshot.camera);
        if from != to {
            self.release(now, true);
            let lasted_ms = now.run.since(self.camera_since);
            self.add_event(now, now.run, EventBody::camera(from, to, lasted_ms));
            (self.camera, self.camera_since) = (to, now.run);
        }
        self.people_count.see(now.run, snapshot);
        self.tick(now);
    }

    /// A worker panicked, or works again.
    pub fn fault(&mut self, now: Moment, fault: &WorkerFault) {
        let body = match &fault.reason {
            Some(reason) => EventBody::worker_fails(fault.worker, reason),
            None => EventBody::worker_works(fault.worker),
        };
        self.add_event(now, now.run, body);
    }

    /// The store's own troubles are events, too; and what it had to give up.
    pub fn store(&mut self, now: Moment, state: &StoreState) {
        match (&state.trouble, self.store_fails) {
            (Some(reason), false) => self.add_event(now, now.run, EventBody::store_fails(reason)),
            (None, true) => self.add_event(now, now.run, EventBody::store_works()),
            _ => {}
        }
        self.store_fails = state.trouble.is_some();
        if state.replaced > self.store_replaced {
            // The file vanished, and a new one was written in its place.
            self.store_replaced = state.replaced;
            let reason = state
                .replaced_because
                .as_deref()
                .unwrap_or("the file was gone");
            self.add_event(now, now.run, EventBody::store_fails(reason));
            if !self.store_fails {
                self.add_event(now, now.run, EventBody::store_works());
            }
        }
        if self.reported_at == Some(state.unreported) {
            // The store does not know yet that it was recorded.
            return;
        }
        self.reported_at = None;
        // While the outbox is full, an event about it would drop another one.
        if state.unreported > 0 && !state.full {
            self.add_event(now, now.run, EventBody::dropped(state.unreported));
            self.reported_at = Some(state.unreported);
            self.reported_dropped = Some(state.unreported);
        }
    }

    /// A message cannot pass to the broker.
    pub fn broker_fault(&mut self, now: Moment, reason: &str) {
        self.add_event(now, now.run, EventBody::broker_fails(reason));
    }

    /// Tells what was held back until now.
    pub fn tick(&mut self, now: Moment) {
        self.release(now, false);
        if let Some((count, dominant)) = self.people_count.due(now.run, self.limits.crowd_ms) {
            self.release(now, true);
            self.add_event(now, now.run, EventBody::crowd(count, dominant));
        }
        if self.limits.summary_ms > 0
            && let Some(summary) = self.summary.due(now.run, self.limits.summary_ms)
        {
            self.add_event(now, now.run, EventBody::summary(summary));
        }
    }

    /// The end: nothing is held back any more.
    pub fn finish(&mut self, now: Moment) {
        self.release(now, true);
        self.summary.close();
    }

    /// When [`EventRecorder::tick`] will have something to record even if nothing comes in.
    pub fn wake(&self) -> Option<Millis> {
        let held = self.held.and(self.changed_at);
        let held = held.map(|at| Millis(at.0.saturating_add(self.limits.gap_ms)));
        let crowd = self.people_count.wake(self.limits.crowd_ms);
        [held, crowd].into_iter().flatten().min()
    }

    /// What is to be written, in order.
    pub fn drafts(&mut self) -> impl Iterator<Item = EventDraft> + use<> {
        std::mem::take(&mut self.drafts).into_iter()
    }

    /// How many dropped events a new draft reports; each number is given once.
    pub fn reported_dropped(&mut self) -> Option<u64> {
        self.reported_dropped.take()
    }

    /// Moods of minutes that are over.
    pub fn spans(&mut self) -> Vec<MoodSpan> {
        self.summary.spans()
    }

    /// Tells the change that is held back, if its time has come or `at_once`.
    fn release(&mut self, now: Moment, at_once: bool) {
        let is_due = |at: Millis| now.run.since(at) >= self.limits.gap_ms;
        if (at_once || self.changed_at.is_none_or(is_due))
            && let Some(event) = self.held.take()
        {
            self.changed_at = Some(now.run);
            self.add_event(now, event.time, EventBody::of(&event));
        }
    }

    fn add_event(&mut self, now: Moment, time: Millis, body: EventBody) {
        self.seq += 1;
        let class = if matches!(body, EventBody::Summary(_)) {
            EventClass::Telemetry
        } else {
            EventClass::Event
        };
        let kind = body.kind();
        let wall = now.wall_at(time);
        let since = wall.duration_since(std::time::SystemTime::UNIX_EPOCH);
        let message = EventMessage::new(&self.identity, self.seq, now, time, body);
        self.drafts.push(EventDraft {
            device: self.identity.device.as_str().to_owned(),
            run: self.identity.run.number(),
            seq: self.seq,
            time_ms: i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX),
            class,
            kind,
            payload: json(&message).into_bytes(),
            wanted: self.wanted,
        });
    }
}

/// Two changes as one; `None` if the second took the first back.
fn merge(first: &Event, second: &Event) -> Option<Event> {
    let EventKind::Changed {
        from, lasted_ms, ..
    } = first.kind
    else {
        return Some(*second);
    };
    let EventKind::Changed { to, confidence, .. } = second.kind else {
        return Some(*second);
    };
    (from != to).then_some(Event {
        time: second.time,
        track: second.track,
        kind: EventKind::Changed {
            from,
            to,
            confidence,
            lasted_ms,
        },
    })
}

#[cfg(test)]
mod tests;
