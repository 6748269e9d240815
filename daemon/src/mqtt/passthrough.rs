//! What else goes through the client's connection: topics of others, published and heard. Knows nothing of what they say.
//!
//! Nothing of it is kept over an outage: who publishes here says everything again at each [`Incoming::Connected`].

use std::future;

use tokio::sync::mpsc;

use super::protocol::Delivery;

/// Messages that may wait to be read by the other side; more than that are a flood and go, with a word in the log.
const WAITING: usize = 64;

/// The client's end.
#[derive(Debug)]
pub struct Passthrough {
    subscriptions: Vec<String>,
    outgoing: mpsc::UnboundedReceiver<Outgoing>,
    incoming: mpsc::Sender<Incoming>,
    ended: bool,
}

/// A message to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Where.
    pub topic: String,
    /// What. At most 64 KiB with its topic; a larger one would cost the connection and is refused with a warning.
    pub payload: Vec<u8>,
    /// How surely, and whether the broker keeps it. Nothing waits for its receipt.
    pub delivery: Delivery,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// There is a new connection, and the subscriptions are on their way. Whatever was published before and had not
    /// gone out yet is forgotten: say everything again.
    Connected,
    /// A message on a topic that was subscribed to.
    Message {
        /// Its topic.
        topic: String,
        /// What it says; foreign bytes.
        payload: Vec<u8>,
        /// Whether the broker had kept it from before the subscription.
        retained: bool,
    },
}

/// Ends for the client, and for who publishes and listens.
pub fn passthrough(
    subscriptions: Vec<String>,
) -> (
    Passthrough,
    mpsc::UnboundedSender<Outgoing>,
    mpsc::Receiver<Incoming>,
) {
    let (publish, outgoing) = mpsc::unbounded_channel();
    let (incoming, receive) = mpsc::channel(WAITING);
    let extra = Passthrough {
        subscriptions,
        outgoing,
        incoming,
        ended: false,
    };
    (extra, publish, receive)
}

impl Passthrough {
    /// There is a connection: forgets what is outdated, says so, and tells what to subscribe to.
    pub(super) fn connected(&mut self) -> &[String] {
        while self.outgoing.try_recv().is_ok() {}
        self.receive(Incoming::Connected);
        &self.subscriptions
    }

    /// Passes on what came. Never waits.
    pub(super) fn receive(&self, incoming: Incoming) {
        if let Err(mpsc::error::TrySendError::Full(lost)) = self.incoming.try_send(incoming) {
            tracing::warn!("too many messages at once, one is ignored: {}", name(&lost));
        }
    }

    /// The next message to publish. May be cancelled without loss.
    pub(super) async fn next(&mut self) -> Outgoing {
        if !self.ended {
            if let Some(outgoing) = self.outgoing.recv().await {
                return outgoing;
            }
            self.ended = true;
        }
        future::pending().await
    }
}

fn name(incoming: &Incoming) -> &str {
    match incoming {
        Incoming::Connected => "connected",
        Incoming::Message { topic, .. } => topic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(text: &str) -> Outgoing {
        Outgoing {
            topic: "a".into(),
            payload: text.into(),
            delivery: Delivery::Lasting,
        }
    }

    #[tokio::test]
    async fn what_waited_for_a_connection_is_said_again_by_its_author() {
        let (mut extra, publish, mut receive) = passthrough(vec!["x/set".into()]);
        publish.send(say("old")).unwrap();
        assert_eq!(extra.connected(), ["x/set"]);
        assert_eq!(receive.recv().await, Some(Incoming::Connected));
        publish.send(say("new")).unwrap();
        assert_eq!(extra.next().await, say("new"));
    }

    #[tokio::test]
    async fn a_flood_is_cut_and_blocks_nobody() {
        let (extra, _publish, mut receive) = passthrough(Vec::new());
        let message = |n: usize| Incoming::Message {
            topic: n.to_string(),
            payload: Vec::new(),
            retained: false,
        };
        (0..WAITING + 10).for_each(|n| extra.receive(message(n)));
        drop(extra);
        let mut heard = 0;
        while receive.recv().await.is_some() {
            heard += 1;
        }
        assert_eq!(heard, WAITING);
    }
}
