//! One connection to a broker, from its attempt to its end, by MQTT 5 or 3.1.1. Knows nothing of moods.
//!
//! Each connection gets an event loop of its own: rumqttc carries some requests over to the next connection and drops
//! others, and what is to be sent again is the outbox's business. A task polls it, so that no poll is ever cancelled.
//! What differs between the versions is in `v3` and `v5`, two files of one shape.

mod reason;
mod v3;
mod v5;

use std::collections::{HashMap, VecDeque};

use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    Incoming,
    connect_options::{ConnectOptions, Version},
    protocol::{Delivery, Publication, ReceiptToken},
};

/// A connection, or an attempt at one. Dropping it breaks it off without a word, so that the broker sends the will.
pub(super) struct Link {
    wire: SendHalf,
    words: mpsc::Receiver<WireEvent>,
    pump: JoinHandle<()>,
    /// Handed over, in order; not yet on the network.
    handed: VecDeque<ReceiptToken>,
    /// On the network, by packet number; no receipt yet.
    sent: HashMap<u16, ReceiptToken>,
    /// The largest packet that the broker takes, if it said so.
    largest: Option<usize>,
    /// What was too large for it.
    too_large: VecDeque<ReceiptToken>,
}

/// What a link has to say.
#[derive(Debug)]
pub(super) enum LinkEvent {
    /// The broker accepted the connection.
    Up,
    /// A publication is done, see [`Delivery`].
    Done(ReceiptToken),
    /// The broker does not take a publication, and why. The connection goes on.
    Refused(ReceiptToken, String),
    /// A message of a topic that was subscribed to.
    Heard(Incoming),
    /// The goodbye is on the network.
    Closed,
    /// There is no connection any more, or none came about.
    Lost(Disconnect),
}

/// Why a connection ended or did not come about.
#[derive(Debug)]
pub(super) struct Disconnect {
    /// For people, with the way out where there is one.
    pub(super) reason: String,
    pub(super) hint: VersionHint,
}

/// What such an end says about the version that was spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VersionHint {
    /// Nothing: the network, a certificate, silence.
    Nothing,
    /// It hung up. As the only answer, that is what brokers do that do not know the version, and others in trouble.
    HungUp,
    /// It does not speak this version.
    Foreign,
    /// It speaks this version, and says no.
    Spoken,
}

impl From<String> for Disconnect {
    fn from(reason: String) -> Self {
        Self {
            reason,
            hint: VersionHint::Nothing,
        }
    }
}

/// The half that sends, of one version or the other.
enum SendHalf {
    V3(v3::SendHalf),
    V5(v5::SendHalf),
}

/// What a version's other half tells, in words that are the same for both.
enum WireEvent {
    Accepted {
        largest: Option<usize>,
    },
    /// A publication is on the network under this number; 0: no receipt will come.
    Sent(u16),
    /// The receipt for this number, or why it was refused.
    Receipt(u16, Result<(), String>),
    Heard(Incoming),
    /// What we asked to hear of was refused.
    SubscribeRefused(String),
    Closed,
    Ended(Disconnect),
}

impl Link {
    /// More publications than ever are under way at once: the outbox's window, a birth, a state and a goodbye.
    const CAPACITY: usize = 64;
    /// How many of them may wait for a receipt. rumqttc holds a place for each, for MQTT 5 65,535 (15 MB) if it may.
    const IN_FLIGHT: u16 = 100;
    /// What a packet has around topic and payload, at most: its head, lengths, number and properties.
    const AROUND_BYTES: usize = 64;

    /// Begins to connect. `resumes`: the broker may go on with the session that it has; of that only MQTT 5 can be
    /// told per connection.
    pub(super) fn open(way: &ConnectOptions, version: Version, resumes: bool) -> Self {
        let (tx, words) = mpsc::channel(Self::CAPACITY);
        let (wire, pump) = match version {
            Version::V3 => {
                let (wire, events) = v3::open(way);
                (SendHalf::V3(wire), tokio::spawn(v3::pump(events, tx)))
            }
            Version::V5 => {
                let (wire, events) = v5::open(way, resumes);
                (SendHalf::V5(wire), tokio::spawn(v5::pump(events, tx)))
            }
        };
        Self {
            wire,
            words,
            pump,
            handed: VecDeque::new(),
            sent: HashMap::new(),
            largest: None,
            too_large: VecDeque::new(),
        }
    }

    /// Hands a publication over. Never waits.
    ///
    /// # Errors
    /// Says so if the link cannot take it; the link is of no use then.
    pub(super) fn send(&mut self, publication: Publication) -> Result<(), String> {
        let bytes = publication.topic.len() + publication.payload.len() + Self::AROUND_BYTES;
        let token = publication.token;
        if self.largest.is_some_and(|largest| bytes > largest) {
            // rumqttc would give up the connection for it, and the next one, and so on.
            self.too_large.push_back(token);
            return Ok(());
        }
        match &self.wire {
            SendHalf::V3(wire) => wire.publish(publication),
            SendHalf::V5(wire) => wire.publish(publication),
        }?;
        self.handed.push_back(token);
        Ok(())
    }

    /// Whether there is room for publications of others, beside our own.
    pub(super) fn has_room(&self) -> bool {
        self.handed.len() < Self::CAPACITY / 2
    }

    /// Asks for these topics, QoS 1. Never waits.
    ///
    /// # Errors
    /// As [`Link::send`].
    pub(super) fn subscribe(&self, topics: &[String]) -> Result<(), String> {
        if topics.is_empty() {
            return Ok(());
        }
        match &self.wire {
            SendHalf::V3(wire) => wire.subscribe(topics),
            SendHalf::V5(wire) => wire.subscribe(topics),
        }
    }

    /// Says goodbye, so that the broker forgets the will. [`LinkEvent::Closed`] follows.
    ///
    /// # Errors
    /// As [`Link::send`].
    pub(super) fn close(&mut self) -> Result<(), String> {
        match &self.wire {
            SendHalf::V3(wire) => wire.close(),
            SendHalf::V5(wire) => wire.close(),
        }
    }

    /// The next news. May be cancelled without loss.
    pub(super) async fn next(&mut self) -> LinkEvent {
        loop {
            if let Some(token) = self.too_large.pop_front() {
                let largest = self.largest.unwrap_or_default();
                return LinkEvent::Refused(token, format!("it takes at most {largest} bytes"));
            }
            let news = match self.words.recv().await {
                Some(word) => self.read(word),
                None => Some(LinkEvent::Lost("the connection ended".to_owned().into())),
            };
            if let Some(news) = news {
                return news;
            }
        }
    }

    fn read(&mut self, word: WireEvent) -> Option<LinkEvent> {
        match word {
            WireEvent::Accepted { largest } => {
                self.largest = largest;
                Some(LinkEvent::Up)
            }
            WireEvent::Sent(0) => self.handed.pop_front().map(LinkEvent::Done),
            WireEvent::Sent(number) => {
                self.sent.insert(number, self.handed.pop_front()?);
                None
            }
            WireEvent::Receipt(number, given) => {
                let token = self.sent.remove(&number)?;
                Some(match given {
                    Ok(()) => LinkEvent::Done(token),
                    Err(reason) => LinkEvent::Refused(token, reason),
                })
            }
            WireEvent::Heard(message) => Some(LinkEvent::Heard(message)),
            WireEvent::SubscribeRefused(reason) => {
                tracing::warn!(
                    "the broker refused a subscription, so some requests cannot come: {reason}"
                );
                None
            }
            WireEvent::Closed => Some(LinkEvent::Closed),
            WireEvent::Ended(lost) => Some(LinkEvent::Lost(lost)),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// Whether it is kept, and whether it has a receipt: MQTT's retain flag, and QoS 1 or 0.
fn flags(delivery: Delivery) -> (bool, bool) {
    match delivery {
        Delivery::Newest => (true, false),
        Delivery::Lasting => (true, true),
        Delivery::Once => (false, true),
    }
}

/// What a full channel means.
fn full<E>(_: E) -> String {
    "the connection takes no more messages".to_owned()
}

/// Whether a network error is the other side's hanging up.
fn hung_up(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof
    )
}
