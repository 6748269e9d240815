//! What to publish and when, without I/O: snapshots, events, receipts and times go in, publications come out.

use moodring_core::{event::Event, frame::Millis, mood::Mood};

use super::outbox::{EntryId, Limits, Outbox};
use super::topic::Topics;
use crate::message::{EventMessage, Identity, Moment, StateMessage, Status, json};
use crate::snapshot::{CameraState, Snapshot};

/// One message for the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// To be given back by [`Protocol::done`].
    pub token: Token,
    /// Where.
    pub topic: String,
    /// What.
    pub payload: Vec<u8>,
    /// How surely.
    pub delivery: Delivery,
}

/// Which message, for its receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Token {
    /// Availability.
    Status(Status),
    /// The state.
    State,
    /// An event.
    Event(EntryId),
    /// Somebody else's; see [`super::Extra`].
    Extra,
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

/// How often the state is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Milliseconds between two states when nothing changes.
    pub interval_ms: u64,
    /// Milliseconds between two states at least.
    pub gap_ms: u64,
}

/// The conversation with the broker, as far as it is ours: availability, state and events of one run.
#[derive(Debug)]
pub struct Protocol {
    who: Identity,
    topics: Topics,
    pace: Pace,
    outbox: Outbox,
    /// The newest event's number.
    seq: u64,
    snapshot: Option<Snapshot>,
    camera: CameraState,
    link: Link,
    stop: Stop,
    state: StateTold,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Down,
    /// Connected, not yet called online.
    Fresh,
    Up,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    No,
    Asked,
    /// `stopped` is on its way.
    Said,
    /// `stopped` has its receipt.
    Known,
}

/// What the broker knows of our state in this connection.
#[derive(Clone, Copy, Debug, Default)]
struct StateTold {
    last: Option<(Millis, Gist)>,
    /// Handed over, not yet on the network: a slow network gets the newest state later, not a queue of old ones.
    under_way: bool,
}

/// The part of a snapshot whose change is told at once.
type Gist = (Mood, usize, CameraState);

fn gist(snapshot: &Snapshot) -> Gist {
    (snapshot.mood.mood, snapshot.people_count, snapshot.camera)
}

impl Protocol {
    /// A run that has told nothing yet.
    pub fn new(who: Identity, topics: Topics, pace: Pace, limits: Limits) -> Self {
        Self {
            who,
            topics,
            pace,
            outbox: Outbox::new(limits),
            seq: 0,
            snapshot: None,
            camera: CameraState::default(),
            link: Link::Down,
            stop: Stop::No,
            state: StateTold::default(),
        }
    }

    /// Something happened. It is numbered, dated and kept until the broker has it.
    pub fn event(&mut self, now: Moment, event: &Event) {
        self.seq += 1;
        let message = EventMessage::new(&self.who, self.seq, now, event);
        self.outbox.push(json(&message).into_bytes());
    }

    /// The world changed. A camera that came or went becomes an event.
    pub fn snapshot(&mut self, now: Moment, snapshot: Snapshot) {
        let states = (self.camera, snapshot.camera);
        if states.0 != states.1 {
            self.seq += 1;
            self.camera = snapshot.camera;
            let message = EventMessage::camera(&self.who, self.seq, now, now.run, states);
            self.outbox.push(json(&message).into_bytes());
        }
        self.snapshot = Some(snapshot);
    }

    /// The broker accepted the connection. Nothing of an older connection is on its way any more.
    pub fn connected(&mut self) {
        self.forget_link();
        self.link = Link::Fresh;
    }

    /// The connection broke.
    pub fn disconnected(&mut self) {
        self.forget_link();
        self.link = Link::Down;
    }

    fn forget_link(&mut self) {
        self.outbox.rewind();
        self.state = StateTold::default();
        if self.stop == Stop::Said {
            self.stop = Stop::Asked;
        }
    }

    /// A publication is done: see [`Delivery`].
    pub fn done(&mut self, token: Token) {
        match token {
            Token::Event(id) => self.outbox.acked(id),
            Token::State => self.state.under_way = false,
            Token::Status(Status::Stopped) if self.stop == Stop::Said => self.stop = Stop::Known,
            Token::Status(_) | Token::Extra => {}
        }
    }

    /// Nothing more will come: what waits goes out, then `stopped`.
    pub fn stop(&mut self) {
        if self.stop == Stop::No {
            self.stop = Stop::Asked;
        }
    }

    /// Whether the broker knows everything there is to know, `stopped` included.
    pub fn is_finished(&self) -> bool {
        self.stop == Stop::Known && self.undelivered() == 0
    }

    /// How many events have no receipt.
    pub fn undelivered(&self) -> usize {
        self.outbox.undelivered()
    }

    /// The next message to publish; `None` if there is none now. To be called until it says so.
    pub fn poll(&mut self, now: Moment) -> Option<Publication> {
        match self.link {
            Link::Down => return None,
            Link::Fresh => {
                self.link = Link::Up;
                return Some(self.status(Status::Online));
            }
            Link::Up => {}
        }
        if let Some((id, payload)) = self.outbox.take() {
            return Some(Publication {
                token: Token::Event(id),
                topic: self.topics.event(),
                payload: payload.to_vec(),
                delivery: Delivery::Once,
            });
        }
        match self.stop {
            Stop::No => self.poll_state(now),
            Stop::Asked if !self.outbox.is_waiting() => {
                self.stop = Stop::Said;
                Some(self.status(Status::Stopped))
            }
            Stop::Asked | Stop::Said | Stop::Known => None,
        }
    }

    /// When [`Protocol::poll`] will have something without anything coming in; `None` for never.
    pub fn wake(&self) -> Option<Millis> {
        if self.link != Link::Up || self.stop != Stop::No || self.state.under_way {
            return None;
        }
        self.state_due()
    }

    fn status(&self, status: Status) -> Publication {
        Publication {
            token: Token::Status(status),
            topic: self.topics.status(),
            payload: status.name().into(),
            delivery: Delivery::Lasting,
        }
    }

    fn state_due(&self) -> Option<Millis> {
        let snapshot = self.snapshot.as_ref()?;
        let Some((last, told)) = self.state.last else {
            return Some(Millis(0));
        };
        let wait = if gist(snapshot) == told {
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
        let dropped = self.outbox.dropped();
        let message = StateMessage::new(&self.who, now, snapshot, self.seq, dropped);
        self.state = StateTold {
            last: Some((now.run, gist(snapshot))),
            under_way: true,
        };
        Some(Publication {
            token: Token::State,
            topic: self.topics.state(),
            payload: json(&message).into_bytes(),
            delivery: Delivery::Newest,
        })
    }
}

#[cfg(test)]
mod tests;
