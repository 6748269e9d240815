//! One connection to a broker, from its attempt to its end, by MQTT 5 or 3.1.1. Knows nothing of moods.
//!
//! Each connection gets its own event loop: rumqttc would carry some requests over to the next connection and drop
//! others, but the outbox decides what is sent again. A task polls it, so that no poll is ever cancelled. `v3` and `v5`
//! hold what differs between the versions, in two files of the same form.

mod event;
mod reason;
mod v3;
mod v5;

use std::collections::{HashMap, VecDeque};

use tokio::{sync::mpsc, task::JoinHandle};

pub(super) use event::{Barred, Disconnect, LinkEvent, LinkFull, Pending, VersionHint};
use event::{Receipt, WireEvent};

use super::{
    connect_options::{ConnectOptions, Version},
    protocol::{Delivery, Publication},
};

/// A connection, or an attempt at one. Dropping it breaks it off without a DISCONNECT, so that the broker sends the will.
pub(super) struct Link {
    wire: SendHalf,
    wire_events: mpsc::Receiver<WireEvent>,
    pump: JoinHandle<()>,
    /// Whether the broker let us in.
    is_up: bool,
    /// Handed over, in order; not yet on the network.
    handed: VecDeque<Pending>,
    /// On the network, by packet number; no receipt yet.
    sent: HashMap<u16, Pending>,
    /// The largest packet that the broker takes, if it gave a limit.
    largest: Option<usize>,
    /// Topics and bytes on which this broker hung up before.
    barred: Barred,
    /// What it would not take, and why.
    held_back: VecDeque<(Pending, String)>,
}

/// The half that sends, of one version or the other.
enum SendHalf {
    V3(v3::SendHalf),
    V5(v5::SendHalf),
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
    pub(super) fn open(connect_options: &ConnectOptions, version: Version, resumes: bool) -> Self {
        let (tx, wire_events) = mpsc::channel(Self::CAPACITY);
        let (wire, pump) = match version {
            Version::V3 => {
                let (wire, events) = v3::open(connect_options);
                (SendHalf::V3(wire), tokio::spawn(v3::pump(events, tx)))
            }
            Version::V5 => {
                let (wire, events) = v5::open(connect_options, resumes);
                (SendHalf::V5(wire), tokio::spawn(v5::pump(events, tx)))
            }
        };
        Self {
            wire,
            wire_events,
            pump,
            is_up: false,
            handed: VecDeque::new(),
            sent: HashMap::new(),
            largest: None,
            barred: Barred::new(),
            held_back: VecDeque::new(),
        }
    }

    /// From now on without what this broker hung up on before.
    pub(super) fn hold_back(&mut self, barred: Barred) {
        self.barred = barred;
    }

    /// What has no receipt yet, or is not on the network yet.
    pub(super) fn outstanding(&self) -> Vec<Pending> {
        self.sent.values().chain(&self.handed).cloned().collect()
    }

    /// Whether everything has its receipt.
    pub(super) fn is_idle(&self) -> bool {
        self.sent.is_empty() && self.handed.is_empty()
    }

    /// Hands a publication over. Never waits.
    ///
    /// # Errors
    /// [`LinkFull`] if the link cannot take it; drop the link then.
    pub(super) fn send(&mut self, publication: Publication) -> Result<(), LinkFull> {
        let around = publication.topic.len() + Self::AROUND_BYTES;
        let pending = Pending {
            token: publication.token,
            topic: publication.topic.clone(),
            bytes: publication.payload.len(),
        };
        // The connection would end with it, and the next one, and so on.
        if let Some(largest) = self
            .largest
            .filter(|largest| around + pending.bytes > *largest)
        {
            let reason = format!("it takes at most {largest} bytes");
            self.held_back.push_back((pending, reason));
            return Ok(());
        }
        let barred = self.barred.get(&pending.topic);
        if barred.is_some_and(|bytes| pending.bytes >= *bytes && pending.bytes > 0) {
            let reason = "it hung up whenever it got this".to_owned();
            self.held_back.push_back((pending, reason));
            return Ok(());
        }
        match &self.wire {
            SendHalf::V3(wire) => wire.publish(publication),
            SendHalf::V5(wire) => wire.publish(publication),
        }?;
        self.handed.push_back(pending);
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
    pub(super) fn subscribe(&self, topics: &[String]) -> Result<(), LinkFull> {
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
    pub(super) fn close(&mut self) -> Result<(), LinkFull> {
        match &self.wire {
            SendHalf::V3(wire) => wire.close(),
            SendHalf::V5(wire) => wire.close(),
        }
    }

    /// The next event. May be cancelled without loss.
    pub(super) async fn next(&mut self) -> LinkEvent {
        loop {
            if let Some((pending, reason)) = self.held_back.pop_front() {
                return LinkEvent::HeldBack(pending, reason);
            }
            let event = match self.wire_events.recv().await {
                Some(wire_event) => self.read(wire_event),
                None => Some(LinkEvent::Lost("the connection ended".to_owned().into())),
            };
            if let Some(event) = event {
                return event;
            }
        }
    }

    fn read(&mut self, wire_event: WireEvent) -> Option<LinkEvent> {
        match wire_event {
            WireEvent::Accepted { largest } => {
                (self.largest, self.is_up) = (largest, true);
                Some(LinkEvent::Up)
            }
            WireEvent::Sent(0) => self
                .handed
                .pop_front()
                .map(|pending| LinkEvent::Done(pending.token)),
            WireEvent::Sent(number) => {
                self.sent.insert(number, self.handed.pop_front()?);
                None
            }
            WireEvent::Receipt(number, given) => {
                let pending = self.sent.remove(&number)?;
                Some(match given {
                    Receipt::Taken => LinkEvent::Confirmed(pending),
                    Receipt::NoSubscriber => LinkEvent::NoSubscriber(pending),
                    Receipt::Refused(reason) => LinkEvent::Refused(pending, reason),
                })
            }
            WireEvent::Subscribed => Some(LinkEvent::Subscribed),
            WireEvent::Received(message) => Some(LinkEvent::Received(message)),
            WireEvent::SubscribeRefused(reason) => {
                tracing::warn!(
                    "the broker refused a subscription, so some requests cannot come: {reason}"
                );
                Some(LinkEvent::Subscribed)
            }
            WireEvent::Closed => Some(LinkEvent::Closed),
            WireEvent::Ended(lost) if self.is_up => Some(LinkEvent::Lost(lost.after_all())),
            WireEvent::Ended(lost) => Some(LinkEvent::Lost(lost)),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// Why a connection ends when the broker loses count.
const CONFUSED: &str = "it confirmed a message that was not sent, or one twice";

/// Whether it is kept, and whether it has a receipt: MQTT's retain flag, and QoS 1 or 0.
fn flags(delivery: Delivery) -> (bool, bool) {
    match delivery {
        Delivery::Newest => (true, false),
        Delivery::Lasting => (true, true),
        Delivery::Once => (false, true),
    }
}

/// Whether a network error is the other side's hanging up.
fn hung_up(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof
    )
}
