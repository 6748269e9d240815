//! Lets other modules publish and subscribe through the client's connection. Does not look at their payloads.
//!
//! Nothing of it is kept over an outage: other modules publish everything again at each [`Incoming::Connected`].

use std::{
    collections::VecDeque,
    future,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Notify, mpsc};

use super::protocol::Delivery;

/// Messages that may wait to be read by the other side. In a flood the newest of each topic stays, the rest goes.
const WAITING: usize = 64;

/// The client's end.
#[derive(Debug)]
pub struct Passthrough {
    subscriptions: Vec<String>,
    outgoing: mpsc::UnboundedReceiver<PublisherRequest>,
    inbox: Arc<Inbox>,
    ended: bool,
}

/// What the other side asks the client for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PublisherRequest {
    /// To be published; with a number, its receipt is wanted.
    Message(Outgoing, Option<u32>),
    /// All that a new connection needs has been published: the device may be called online.
    Introduced,
}

/// A message to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Where.
    pub topic: String,
    /// What. At most 64 KiB with its topic; a larger one would cost the connection and is refused with a warning.
    pub payload: Vec<u8>,
    /// How surely, and whether the broker keeps it.
    pub delivery: Delivery,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// There is a new connection, and the subscriptions are on their way. Whatever was published before and had not
    /// gone out yet is forgotten: publish everything again.
    Connected,
    /// The broker has the subscriptions; what it retains for them follows at once.
    Subscribed,
    /// The broker has the message that was published with this number.
    Confirmed(u32),
    /// A message on a topic that was subscribed to.
    Message {
        /// Its topic.
        topic: String,
        /// Its payload; foreign bytes.
        payload: Vec<u8>,
        /// Whether the broker had kept it from before the subscription.
        retained: bool,
    },
}

/// The end of who publishes.
#[derive(Clone, Debug)]
pub struct Publisher(mpsc::UnboundedSender<PublisherRequest>);

/// The end of who listens.
#[derive(Debug)]
pub struct IncomingReceiver(Arc<Inbox>);

#[derive(Debug, Default)]
struct Inbox {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    incoming: VecDeque<Incoming>,
    /// Whether this flood was logged.
    flooded: bool,
    ended: bool,
}

/// Ends for the client, and for who publishes and listens.
pub fn passthrough(subscriptions: Vec<String>) -> (Passthrough, Publisher, IncomingReceiver) {
    let (publish, outgoing) = mpsc::unbounded_channel();
    let inbox = Arc::<Inbox>::default();
    let extra = Passthrough {
        subscriptions,
        outgoing,
        inbox: Arc::clone(&inbox),
        ended: false,
    };
    (extra, Publisher(publish), IncomingReceiver(inbox))
}

impl Passthrough {
    /// There is a connection: forgets what is outdated, reports `Connected`, and returns what to subscribe to.
    pub(super) fn connected(&mut self) -> &[String] {
        while self.outgoing.try_recv().is_ok() {}
        self.inbox.put(Incoming::Connected);
        &self.subscriptions
    }

    /// Passes on what came. Never waits.
    pub(super) fn receive(&self, incoming: Incoming) {
        self.inbox.put(incoming);
    }

    /// The next message to publish. May be cancelled without loss.
    pub(super) async fn next(&mut self) -> PublisherRequest {
        if !self.ended {
            if let Some(outgoing) = self.outgoing.recv().await {
                return outgoing;
            }
            self.ended = true;
        }
        future::pending().await
    }
}

impl Drop for Passthrough {
    fn drop(&mut self) {
        self.inbox.waiting().ended = true;
        self.inbox.filled.notify_one();
    }
}

impl Publisher {
    /// Publishes a message. Never waits; after the client's end it does nothing.
    pub fn publish(&self, outgoing: Outgoing) {
        let _ = self.0.send(PublisherRequest::Message(outgoing, None));
    }

    /// The same; [`Incoming::Confirmed`] with this number follows when the broker has it.
    pub fn publish_confirmed(&self, outgoing: Outgoing, number: u32) {
        let _ = self
            .0
            .send(PublisherRequest::Message(outgoing, Some(number)));
    }

    /// All that a new connection needs has been published: the device may be called online.
    pub fn introduced(&self) {
        let _ = self.0.send(PublisherRequest::Introduced);
    }
}

impl IncomingReceiver {
    /// What came next; `None` once the client ended. May be cancelled without loss.
    pub async fn recv(&mut self) -> Option<Incoming> {
        loop {
            {
                let mut waiting = self.0.waiting();
                if let Some(incoming) = waiting.incoming.pop_front() {
                    return Some(incoming);
                }
                waiting.flooded = false;
                if waiting.ended {
                    return None;
                }
            }
            self.0.filled.notified().await;
        }
    }

    /// What came next, if anything did.
    pub fn try_recv(&mut self) -> Option<Incoming> {
        self.0.waiting().incoming.pop_front()
    }
}

impl Inbox {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, incoming: Incoming) {
        let mut waiting = self.waiting();
        match &incoming {
            Incoming::Message { topic, payload, .. } => {
                let off = payload.trim_ascii().eq_ignore_ascii_case(b"off");
                let (topic, full) = (topic.clone(), waiting.incoming.len() >= WAITING);
                if off || full {
                    waiting
                        .incoming
                        .retain(|other| topic_of(other) != Some(&topic));
                }
                if off {
                    // What is to go off waits for nothing; what was asked of it before counts no more.
                    let first = waiting
                        .incoming
                        .iter()
                        .position(|other| topic_of(other).is_some());
                    let at = first.unwrap_or(waiting.incoming.len());
                    waiting.incoming.insert(at, incoming);
                } else {
                    waiting.incoming.push_back(incoming);
                }
                waiting.shrink();
            }
            Incoming::Connected => {
                // Receipts of the last connection mean nothing in this one.
                waiting.incoming.retain(|other| topic_of(other).is_some());
                waiting.incoming.push_back(incoming);
            }
            Incoming::Subscribed | Incoming::Confirmed(_) => waiting.incoming.push_back(incoming),
        }
        drop(waiting);
        self.filled.notify_one();
    }
}

impl Waiting {
    /// Gives up the last message but one that is there to switch something off.
    fn shrink(&mut self) {
        let messages = self
            .incoming
            .iter()
            .filter(|incoming| topic_of(incoming).is_some())
            .count();
        if messages <= WAITING {
            return;
        }
        let last = self
            .incoming
            .iter()
            .rposition(|incoming| topic_of(incoming).is_some());
        let lost = last.and_then(|at| self.incoming.remove(at));
        if !std::mem::replace(&mut self.flooded, true) {
            let topic = lost.as_ref().and_then(topic_of).map_or("", String::as_str);
            tracing::warn!("too many messages at once, some are ignored, such as one on {topic}");
        }
    }
}

fn topic_of(incoming: &Incoming) -> Option<&String> {
    match incoming {
        Incoming::Message { topic, .. } => Some(topic),
        Incoming::Connected | Incoming::Subscribed | Incoming::Confirmed(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(text: &str) -> Outgoing {
        Outgoing {
            topic: "a".into(),
            payload: text.into(),
            delivery: Delivery::Lasting,
        }
    }

    fn message(topic: &str, payload: &str) -> Incoming {
        Incoming::Message {
            topic: topic.to_owned(),
            payload: payload.into(),
            retained: false,
        }
    }

    fn received(mut subscriber: IncomingReceiver) -> Vec<Incoming> {
        std::iter::from_fn(|| subscriber.try_recv()).collect()
    }

    #[tokio::test]
    async fn what_waited_for_a_connection_is_said_again_by_its_author() {
        let (mut extra, publish, mut receive) = passthrough(vec!["x/set".into()]);
        publish.publish(outgoing("old"));
        assert_eq!(extra.connected(), ["x/set"]);
        assert_eq!(receive.recv().await, Some(Incoming::Connected));
        publish.publish(outgoing("new"));
        assert_eq!(
            extra.next().await,
            PublisherRequest::Message(outgoing("new"), None)
        );
        drop(extra);
        assert_eq!(receive.recv().await, None);
    }

    #[test]
    fn in_a_flood_the_newest_of_each_topic_stays() {
        let (extra, _publish, receive) = passthrough(Vec::new());
        extra.receive(message("theme", "mono"));
        (0..1_000).for_each(|n| extra.receive(message("brightness", &n.to_string())));
        extra.receive(message("theme", "dark"));
        let all = received(receive);
        assert!(all.len() <= WAITING + 1, "{}", all.len());
        assert_eq!(
            all[all.len() - 2..],
            [message("brightness", "999"), message("theme", "dark")]
        );
    }

    #[test]
    fn names_without_end_are_cut() {
        let (extra, _publish, receive) = passthrough(Vec::new());
        (0..1_000).for_each(|n| extra.receive(message(&n.to_string(), "")));
        assert_eq!(received(receive).len(), WAITING);
    }

    #[test]
    fn off_is_behind_nothing() {
        let (extra, _publish, receive) = passthrough(Vec::new());
        extra.receive(Incoming::Connected);
        (0..1_000).for_each(|_| extra.receive(message("camera", "toggle")));
        (0..1_000).for_each(|n| extra.receive(message(&n.to_string(), "")));
        extra.receive(message("camera", "off"));
        let all = received(receive);
        assert_eq!(all[..2], [Incoming::Connected, message("camera", "off")]);
        assert!(
            all[2..]
                .iter()
                .all(|other| topic_of(other).unwrap() != "camera")
        );
    }
}
