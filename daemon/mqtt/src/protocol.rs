//! Decides what is published and when, without I/O: snapshots, the store's rows, receipts and times go in, publications
//! come out.

mod poll;

use moodring_base::{
    config::PayloadFormat,
    message::{Identity, Status},
    snapshot::{CameraState, Snapshot},
};
use moodring_core::{frame::Millis, mood::Mood};
use moodring_store::{OutboxRow, StoreState};

use super::{
    audience::Audience,
    outbox::{EntryId, FetchRequest, OutboxWindow},
    topic::Topics,
};

pub use super::{
    audience::NoSubscriber,
    publication::{Content, Delivery, Publication, ReceiptToken},
};

/// Milliseconds after which events that the broker refused are offered again.
const RETRY_MS: u64 = 30_000;

/// How often the state is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateLimits {
    /// Milliseconds between two states when nothing changes.
    pub interval_ms: u64,
    /// Milliseconds between two states at least.
    pub gap_ms: u64,
    /// For so many milliseconds after a subscriber was there an event that none gets is kept and offered again (MQTT 5).
    pub patience_ms: u64,
}

/// The conversation with the broker, as far as it is ours: availability, state and events of one run.
#[derive(Debug)]
pub struct Protocol {
    identity: Identity,
    topics: Topics,
    pace: StateLimits,
    format: PayloadFormat,
    outbox: OutboxWindow,
    store: StoreState,
    snapshot: Option<Snapshot>,
    link: LinkState,
    stop: StopPhase,
    state: PublishedState,
    /// When events that the broker refused are offered again.
    retry_at: Option<Millis>,
    audience: Audience,
    /// Whether the others that publish in this connection are done.
    introduced: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LinkState {
    Down,
    /// Connected; the state has not been published yet.
    Fresh,
    /// The state is out; at this time at the latest the device is called online.
    Introducing(Millis),
    Up,
}

/// How long the others that publish in this connection may take before the device is called online.
const INTRODUCTION_MS: u64 = 3_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StopPhase {
    No,
    Asked,
    /// `stopped` is on its way.
    Sent,
    /// `stopped` has its receipt.
    Known,
}

/// What the broker knows of our state in this connection.
#[derive(Clone, Copy, Debug, Default)]
struct PublishedState {
    last: Option<(Millis, UrgentPart)>,
    /// Handed over, not yet on the network: a slow network gets the newest state later, not a queue of old ones.
    under_way: bool,
}

/// The part of a snapshot whose change is published at once.
type UrgentPart = (Mood, usize, CameraState);

fn urgent_part(snapshot: &Snapshot) -> UrgentPart {
    (snapshot.mood.mood(), snapshot.people_count, snapshot.camera)
}

impl Protocol {
    /// A run that has published nothing yet.
    pub fn new(
        identity: Identity,
        topics: Topics,
        pace: StateLimits,
        format: PayloadFormat,
    ) -> Self {
        Self {
            identity,
            topics,
            pace,
            format,
            outbox: OutboxWindow::new(OutboxWindow::IN_FLIGHT),
            store: StoreState::default(),
            snapshot: None,
            link: LinkState::Down,
            stop: StopPhase::No,
            state: PublishedState::default(),
            retry_at: None,
            audience: Audience::default(),
            introduced: false,
        }
    }

    /// The world changed.
    pub fn snapshot(&mut self, snapshot: Snapshot) {
        self.snapshot = Some(snapshot);
    }

    /// The store has other rows than before.
    pub fn store(&mut self, state: StoreState) {
        if self.store.trouble.is_some() && state.trouble.is_none() {
            self.outbox.look_again();
        }
        if state.forgotten_to > self.store.forgotten_to {
            self.outbox.forget(state.forgotten_to);
        }
        self.store = state;
    }

    /// Events that were set aside may pass now: they are fetched again.
    pub fn look_again(&mut self) {
        self.outbox.look_again();
    }

    /// Which rows of the store are needed now; to be answered by [`Protocol::rows`] in this connection.
    pub fn want(&mut self) -> Option<FetchRequest> {
        match self.link {
            LinkState::Down => None,
            LinkState::Fresh | LinkState::Introducing(_) | LinkState::Up => {
                self.outbox.want(self.store.newest)
            }
        }
    }

    /// The rows that were wanted.
    pub fn rows(&mut self, want: FetchRequest, rows: Vec<OutboxRow>) {
        self.outbox.fill(want, rows);
    }

    /// The broker accepted the connection. Nothing of an older connection is on its way any more.
    pub fn connected(&mut self, now: Millis) {
        self.forget_link();
        self.link = LinkState::Fresh;
        self.audience = Audience::begin(now);
    }

    /// Everybody who publishes in this connection has published all that a broker without a memory must know. Said once more when
    /// they did it anew (Home Assistant was born, or somebody emptied the topics): state and `online` follow anew, too.
    pub fn introduced(&mut self) {
        self.introduced = true;
        if self.link == LinkState::Up && self.stop == StopPhase::No {
            self.state = PublishedState::default();
            self.link = LinkState::Fresh;
        }
    }

    /// The connection broke.
    pub fn disconnected(&mut self) {
        self.forget_link();
        self.link = LinkState::Down;
    }

    fn forget_link(&mut self) {
        self.outbox.rewind();
        self.state = PublishedState::default();
        self.retry_at = None;
        self.introduced = false;
        if self.stop == StopPhase::Sent {
            self.stop = StopPhase::Asked;
        }
    }

    /// A publication is done: see [`Delivery`]. Gives back the row that the store may take for delivered.
    pub fn done(&mut self, token: ReceiptToken, now: Millis) -> Option<EntryId> {
        match token {
            ReceiptToken::Event(id) => {
                if self.audience.reached(now) {
                    self.outbox.offer_again();
                }
                return self.outbox.acked(id).then_some(id);
            }
            ReceiptToken::State => self.state.under_way = false,
            ReceiptToken::Status(Status::Stopped) if self.stop == StopPhase::Sent => {
                self.stop = StopPhase::Known
            }
            ReceiptToken::Status(_) | ReceiptToken::Extra(_) => {}
        }
        None
    }

    /// The broker does not take a publication. An event stays in the store and is offered again later, since who sets
    /// the broker's rules may change them; for everything else that is the end of it.
    pub fn refused(&mut self, token: ReceiptToken, now: Millis) {
        match token {
            ReceiptToken::Event(id) => {
                self.outbox.refused(id);
                self.retry_at
                    .get_or_insert(Millis(now.0.saturating_add(RETRY_MS)));
            }
            ReceiptToken::State | ReceiptToken::Status(_) | ReceiptToken::Extra(_) => {
                _ = self.done(token, now);
            }
        }
    }

    /// The broker has an event, and no subscriber gets it (MQTT 5's reason 0x10). It stays in the store while somebody may come
    /// back; after that it counts as delivered.
    pub fn no_subscriber(&mut self, id: EntryId, now: Millis) -> NoSubscriber {
        let no_subscriber = self.audience.missed(now, self.pace.patience_ms);
        match no_subscriber {
            NoSubscriber::Kept { .. } => self.outbox.refused(id),
            NoSubscriber::Counted { .. } => _ = self.outbox.acked(id),
        }
        no_subscriber
    }

    /// The broker hangs up on an event: it is passed over in this connection, and stays in the store.
    pub fn set_aside(&mut self, id: EntryId) {
        self.outbox.set_aside(id);
    }

    /// Nothing more will come: what waits goes out, then `stopped`.
    pub fn stop(&mut self) {
        if self.stop == StopPhase::No {
            self.stop = StopPhase::Asked;
        }
    }

    /// Whether the broker knows everything there is to know, `stopped` included.
    pub fn is_finished(&self) -> bool {
        self.stop == StopPhase::Known
            && (self.audience.is_alone() || self.outbox.is_done(self.store.newest))
    }
}

#[cfg(test)]
mod tests;
