//! What the broker answers to each message: taken, taken without a subscriber, refused, or not to be sent at all.

use tokio::time::Instant;

use super::Client;
use crate::{
    Incoming,
    link::{Disconnect, Link, LinkEvent, Pending},
    outbox::EntryId,
    poison_message::PoisonMessages,
    protocol::{NoSubscriber, ReceiptToken},
};
use moodring_base::snapshot::BrokerState;

impl Client {
    pub(super) fn read(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Done(token) => self.done(token),
            LinkEvent::Confirmed(pending) => {
                self.poison().confirmed(&pending);
                self.done(pending.token);
            }
            LinkEvent::NoSubscriber(pending) => {
                self.poison().confirmed(&pending);
                match pending.token {
                    ReceiptToken::Event(id) => self.no_subscriber(id),
                    token => self.done(token),
                }
            }
            LinkEvent::Refused(pending, reason) => self.refused(&pending, &reason),
            LinkEvent::HeldBack(pending, reason) => self.held_back(&pending, &reason),
            LinkEvent::Subscribed => self.pass_to_extra(Incoming::Subscribed),
            LinkEvent::Received(message) => self.pass_to_extra(message),
            LinkEvent::Up | LinkEvent::Closed | LinkEvent::Lost(_) => {}
        }
    }

    pub(super) fn done(&mut self, token: ReceiptToken) {
        if let Some(id) = self.protocol.done(token, self.clock.now()) {
            self.store.delivered(id);
        }
        if let ReceiptToken::Extra(Some(number)) = token {
            self.pass_to_extra(Incoming::Confirmed(number));
        }
        self.failover.works();
    }

    fn pass_to_extra(&self, incoming: Incoming) {
        if let Some(extra) = &self.extra {
            extra.receive(incoming);
        }
    }

    /// No subscriber gets an event.
    fn no_subscriber(&mut self, id: EntryId) {
        let (broker, minutes) = (
            self.failover.broker().clone(),
            self.patience.as_secs_f32() / 60.0,
        );
        match self.protocol.no_subscriber(id, self.clock.now()) {
            NoSubscriber::Kept { first } => {
                if first {
                    tracing::info!(
                        "nobody at the broker {broker} is subscribed to events yet: they are kept until somebody is, for \
                         {minutes:.0} minutes at most"
                    );
                }
            }
            NoSubscriber::Counted { first } => {
                if first && !self.patience.is_zero() {
                    tracing::info!(
                        "nobody at the broker {broker} was subscribed to events for {minutes:.0} minutes: they count as delivered"
                    );
                }
                self.store.delivered(id);
            }
        }
        self.failover.works();
    }

    /// A rule of the broker that does not fit is met with each message; it is reported once for each topic.
    fn refused(&mut self, pending: &Pending, reason: &str) {
        let what = what(pending.token);
        let then = match pending.token {
            ReceiptToken::Event(_) => "; it is kept and offered again",
            _ => "",
        };
        let (broker, topic) = (self.failover.broker().clone(), &pending.topic);
        if self.refusals.is_new(topic, Instant::now()) {
            tracing::warn!("the broker {broker} does not take {what} on {topic}: {reason}{then}");
        } else {
            tracing::debug!("the broker {broker} does not take {what} on {topic}: {reason}{then}");
        }
        self.protocol.refused(pending.token, self.clock.now());
    }

    /// A message that would cost the connection.
    fn held_back(&mut self, pending: &Pending, reason: &str) {
        let (broker, topic) = (self.failover.broker().clone(), &pending.topic);
        if self.refusals.is_new(topic, Instant::now()) {
            let (what, bytes) = (what(pending.token), pending.bytes);
            self.report_fault(format!(
                "the broker {broker} cannot be sent {what} on {topic} ({bytes} bytes): {reason}"
            ));
        }
        match pending.token {
            ReceiptToken::Event(id) => self.protocol.set_aside(id),
            other => self.protocol.refused(other, self.clock.now()),
        }
    }

    /// What the broker may have hung up on; if it was that again and again, it is held back from now on.
    pub(super) fn find_poison_message(&mut self, lost: &Disconnect, link: &Link) {
        if *self.state.borrow() != BrokerState::Online {
            return;
        }
        let lasts = self.failover.lasts();
        let verdict = self
            .poison()
            .ended(lost.hint, lasts, link.outstanding(), Instant::now());
        let Some(Pending { topic, bytes, .. }) = verdict.suspect else {
            return;
        };
        if verdict.is_barred {
            let text = format!(
                "the broker hangs up on {topic} ({bytes} bytes): messages of that size are held back"
            );
            self.report_fault(text);
        }
        self.failover.suspect(format!("{topic} ({bytes} bytes)"));
    }

    /// What the broker that is tried or used now hangs up on.
    pub(super) fn poison(&mut self) -> &mut PoisonMessages {
        self.poison
            .entry(self.failover.broker().clone())
            .or_default()
    }

    /// In the log, and as an event.
    pub(super) fn report_fault(&self, text: String) {
        tracing::warn!("{text}");
        if let Some(faults) = &self.faults {
            // Nobody listening means that the daemon ends.
            let _ = faults.send(text);
        }
    }
}

/// What a message is, for the log.
fn what(token: ReceiptToken) -> &'static str {
    match token {
        ReceiptToken::Event(_) => "an event",
        ReceiptToken::State => "the state",
        ReceiptToken::Status(_) => "the status",
        ReceiptToken::Extra(_) => "a message for Home Assistant",
    }
}
