//! Decides what is published and when, without I/O: snapshots, the store's rows, receipts and times go in, publications
//! come out.

use moodring_base::{
    config::PayloadFormat,
    message::{Identity, Moment, StateMessage, Status, cbor, json},
    snapshot::{CameraState, Snapshot},
};
use moodring_core::{frame::Millis, mood::Mood};
use moodring_store::{OutboxRow, StoreState};

use super::audience::Audience;
use super::outbox::{EntryId, FetchRequest, OutboxWindow};
use super::topic::Topics;

/// One message for the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// To be given back by [`Protocol::done`].
    pub token: ReceiptToken,
    /// Where.
    pub topic: String,
    /// What.
    pub payload: Vec<u8>,
    /// In which form.
    pub content: Content,
    /// How surely.
    pub delivery: Delivery,
}

/// How a payload is written, for receivers that go by it (MQTT 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing is said about it.
    Plain,
    /// JSON.
    Json,
    /// CBOR.
    Cbor,
}

impl Content {
    /// Its media type.
    pub const fn media_type(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Json => Some("application/json"),
            Self::Cbor => Some("application/cbor"),
        }
    }
}

/// Which message, for its receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReceiptToken {
    /// Availability.
    Status(Status),
    /// The state.
    State,
    /// An event.
    Event(EntryId),
    /// Somebody else's; see [`super::Passthrough`]. With a number, its receipt is wanted.
    Extra(Option<u32>),
}

/// MQTT's quality of service and retain flag, in the three ways used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// QoS 0, retained: the next state replaces a lost one. Done when it is handed to the network.
    Newest,
    /// QoS 1, retained. Done with the receipt.
    Lasting,
    /// QoS 1, not retained. Done with the receipt.
    Once,
}

pub use super::audience::NoSubscriber;

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
    PublisherRequest,
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
        if self.stop == StopPhase::PublisherRequest {
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
            ReceiptToken::Status(Status::Stopped) if self.stop == StopPhase::PublisherRequest => {
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

    /// The next message to publish; `None` if there is none now. To be called until then.
    pub fn poll(&mut self, now: Moment) -> Option<Publication> {
        match self.link {
            LinkState::Down => return None,
            // The state comes before `online`, which promises that the state is current.
            LinkState::Fresh => {
                self.link =
                    LinkState::Introducing(Millis(now.run.0.saturating_add(INTRODUCTION_MS)));
                // Without a state there is nothing that `online` could promise; it comes with the next poll.
                return self.poll_state(now).or_else(|| self.poll(now));
            }
            LinkState::Introducing(until)
                if until > now.run && !self.introduced && self.stop == StopPhase::No =>
            {
                return self.poll_state(now);
            }
            LinkState::Introducing(_) => {
                self.link = LinkState::Up;
                return Some(self.status(Status::Online));
            }
            LinkState::Up => {}
        }
        if self.retry_at.is_some_and(|at| at <= now.run) {
            self.retry_at = None;
            self.outbox.offer_again();
        }
        let may_take = self
            .audience
            .may_take(now.run, self.pace.patience_ms, &mut self.outbox);
        if let Some(row) = may_take.then(|| self.outbox.take()).flatten() {
            let (payload, content) = write(self.format, row.payload.clone());
            return Some(Publication {
                token: ReceiptToken::Event(row.id),
                topic: self.topics.event_of(&row.device),
                payload,
                content,
                delivery: Delivery::Once,
            });
        }
        match self.stop {
            StopPhase::No => self.poll_state(now),
            StopPhase::Asked
                if self.audience.is_alone() || self.outbox.is_sent(self.store.newest) =>
            {
                self.stop = StopPhase::PublisherRequest;
                Some(self.status(Status::Stopped))
            }
            StopPhase::Asked | StopPhase::PublisherRequest | StopPhase::Known => None,
        }
    }

    /// When [`Protocol::poll`] will have something without anything coming in; `None` for never.
    pub fn wake(&self) -> Option<Millis> {
        let introduced = match self.link {
            LinkState::Down => return None,
            LinkState::Fresh => Some(Millis(0)),
            LinkState::Introducing(_) if self.introduced => Some(Millis(0)),
            LinkState::Introducing(until) => Some(until),
            LinkState::Up => None,
        };
        if self.stop != StopPhase::No {
            return introduced.map(|_| Millis(0));
        }
        let state = match self.state.under_way {
            true => None,
            false => self.state_due(),
        };
        let probe = self.audience.wake();
        [state, self.retry_at, probe, introduced]
            .into_iter()
            .flatten()
            .min()
    }

    fn status(&self, status: Status) -> Publication {
        Publication {
            token: ReceiptToken::Status(status),
            topic: self.topics.status(),
            payload: status.name().into(),
            content: Content::Plain,
            delivery: Delivery::Lasting,
        }
    }

    fn state_due(&self) -> Option<Millis> {
        let snapshot = self.snapshot.as_ref()?;
        let Some((last, published)) = self.state.last else {
            return Some(Millis(0));
        };
        let wait = if urgent_part(snapshot) == published {
            self.pace.interval_ms
        } else {
            self.pace.gap_ms
        };
        Some(Millis(last.0.saturating_add(wait)))
    }

    fn poll_state(&mut self, now: Moment) -> Option<Publication> {
        if self.state.under_way || self.state_due()? > now.run {
            return None;
        }
        let snapshot = self.snapshot.as_ref()?;
        let message = StateMessage::new(&self.identity, now, snapshot, &self.store);
        self.state = PublishedState {
            last: Some((now.run, urgent_part(snapshot))),
            under_way: true,
        };
        let (payload, content) = write(self.format, json(&message).into_bytes());
        Some(Publication {
            token: ReceiptToken::State,
            topic: self.topics.state(),
            payload,
            content,
            delivery: Delivery::Newest,
        })
    }
}

/// A message, which is JSON inside this program, as it goes out.
fn write(format: PayloadFormat, json: Vec<u8>) -> (Vec<u8>, Content) {
    match format {
        PayloadFormat::Json => (json, Content::Json),
        PayloadFormat::Cbor => match cbor(&json) {
            Some(cbor) => (cbor, Content::Cbor),
            // What is no JSON could only come out of a damaged store; receivers see that for themselves.
            None => (json, Content::Plain),
        },
    }
}

#[cfg(test)]
mod tests;
