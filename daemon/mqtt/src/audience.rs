//! Notices whether anybody subscribes to our events: MQTT 5 reports it with each receipt. No I/O, no clock.
//!
//! After a broker's restart we are often back before the subscribers. An event that no subscriber got is then kept, and
//! one event at a time is sent again until a subscriber is there. If none comes within `patience_ms`, events count as
//! delivered without one.

use moodring_core::frame::Millis;

use super::outbox::OutboxWindow;

/// Milliseconds from one try to the next, at first and at most.
const PROBE_MS: (u64, u64) = (500, 4_000);

/// What becomes of an event that no subscriber gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSubscriber {
    /// It is kept and offered again. `first`: this begins now.
    Kept {
        /// Whether it is the first since somebody listened.
        first: bool,
    },
    /// Nobody came for so long that it counts as delivered. `first`: this begins now.
    Counted {
        /// Whether it is the first since somebody listened.
        first: bool,
    },
}

/// What is known of the listeners in this connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Audience {
    /// When somebody was there last, or the connection began.
    since: Millis,
    /// While nobody is: when to try again; `None` in it: a try is under way.
    alone: Option<Alone>,
    /// Whether events count without a listener.
    gave_up: bool,
}

#[derive(Clone, Copy, Debug)]
struct Alone {
    probe_at: Option<Millis>,
    wait_ms: u64,
}

impl Audience {
    /// A connection begins.
    pub(super) fn begin(now: Millis) -> Self {
        Self {
            since: now,
            ..Self::default()
        }
    }

    /// Whether nobody is there and events are kept for that.
    pub(super) fn is_alone(&self) -> bool {
        self.alone.is_some()
    }

    /// A subscriber gets an event. True if none did before: what was kept may be offered again.
    pub(super) fn reached(&mut self, now: Millis) -> bool {
        self.since = now;
        self.gave_up = false;
        self.alone.take().is_some()
    }

    /// No subscriber gets an event.
    pub(super) fn missed(&mut self, now: Millis, patience_ms: u64) -> NoSubscriber {
        if now.since(self.since) >= patience_ms {
            self.alone = None;
            let first = !std::mem::replace(&mut self.gave_up, true);
            return NoSubscriber::Counted { first };
        }
        let wait_ms = match self.alone {
            None => PROBE_MS.0,
            Some(Alone {
                probe_at: None,
                wait_ms,
            }) => (wait_ms * 2).min(PROBE_MS.1),
            // The answer to one that was sent together with the first.
            Some(Alone { wait_ms, .. }) => wait_ms,
        };
        let first = self.alone.is_none();
        let probe_at = Some(Millis(now.0.saturating_add(wait_ms)));
        self.alone = Some(Alone { probe_at, wait_ms });
        NoSubscriber::Kept { first }
    }

    /// Whether an event may be sent now: any while somebody listens, else one when its time has come.
    pub(super) fn may_take(
        &mut self,
        now: Millis,
        patience_ms: u64,
        outbox: &mut OutboxWindow,
    ) -> bool {
        let Some(alone) = &mut self.alone else {
            return true;
        };
        if now.since(self.since) >= patience_ms {
            self.alone = None;
            outbox.offer_again();
            return true;
        }
        if alone.probe_at.is_none_or(|at| at > now) {
            return false;
        }
        alone.probe_at = None;
        if !outbox.offer_first_again() {
            // Nothing is kept any more that could be tried.
            self.alone = None;
        }
        true
    }

    /// When it is time for the next try.
    pub(super) fn wake(&self) -> Option<Millis> {
        self.alone?.probe_at
    }
}
