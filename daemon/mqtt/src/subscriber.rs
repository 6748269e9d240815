//! A client that only receives: it subscribes to topics and comes back after each outage. Knows nothing of moods.

use std::time::Duration;

use moodring_base::config::MqttSettings;
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    Incoming, MqttError,
    backoff::Backoff,
    connect_options::SessionKind,
    failover::Failover,
    link::{Disconnect, Link, LinkEvent},
    settings,
};

/// Messages that may wait; a broker that sends faster than they are read waits.
const WAITING: usize = 16;
/// How long the broker may take to forget a session.
const FORGET_WITHIN: Duration = Duration::from_secs(5);

/// What a reader hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriberEvent {
    /// The broker is there; what it has kept follows.
    Online,
    /// The broker is away; the reader tries again.
    Away,
    /// A message.
    Message {
        /// Its topic.
        topic: String,
        /// Its payload.
        payload: Vec<u8>,
    },
}

/// The listening client. It ends when it is dropped.
#[derive(Debug)]
pub struct Subscriber {
    event: mpsc::Receiver<SubscriberEvent>,
    task: JoinHandle<()>,
    address: String,
}

/// What to listen to, and how.
#[derive(Clone, Debug)]
pub struct SubscriberOptions {
    /// Topics, `+` and `#` allowed.
    pub topics: Vec<String>,
    /// Makes this client's name its own and spreads its attempts.
    pub seed: u64,
    /// Whether the broker keeps what comes while the connection is away. To be ended with [`Subscriber::forget`], or the
    /// broker goes on keeping.
    pub keeps_session: bool,
}

impl Subscriber {
    /// Starts to listen in a task of the current tokio runtime. A broker that is away is no error; of several the first
    /// that can be reached is used.
    ///
    /// # Errors
    /// [`MqttError`] if a setting cannot work.
    pub fn spawn(settings: &MqttSettings, listening: SubscriberOptions) -> Result<Self, MqttError> {
        let session = match listening.keeps_session {
            true => SessionKind::Lasting,
            false => SessionKind::Clean,
        };
        let candidates = settings::subscriber_options(settings, &listening.name(), session)?;
        let failover = Failover::new(
            candidates,
            Backoff::new(listening.seed),
            Some("Trying again"),
        );
        let address = failover.broker().to_string();
        let (tx, event) = mpsc::channel(WAITING);
        let listener = SubscriberTask {
            failover,
            topics: listening.topics,
            tx,
        };
        let task = tokio::spawn(listener.listen());
        Ok(Self {
            event,
            task,
            address,
        })
    }

    /// `host:port` of the first broker.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The next event; `None` never comes while this is alive. May be cancelled without loss.
    pub async fn next(&mut self) -> Option<SubscriberEvent> {
        self.event.recv().await
    }

    /// Ends, and has the first broker that answers forget the session. Takes at most five seconds for each.
    ///
    /// # Errors
    /// [`MqttError`] if a setting cannot work.
    pub async fn forget(
        self,
        settings: &MqttSettings,
        listening: &SubscriberOptions,
    ) -> Result<(), MqttError> {
        drop(self);
        let candidates =
            settings::subscriber_options(settings, &listening.name(), SessionKind::Clean)?;
        let brokers = candidates.len();
        let mut failover = Failover::new(candidates, Backoff::new(listening.seed), None);
        let goodbye = async {
            loop {
                let mut link = failover.open();
                let lost = loop {
                    match link.next().await {
                        // A clean connection of the same name ends the session.
                        LinkEvent::Up => {
                            failover.up();
                            // Fails only if requests wait; there are none.
                            let _ = link.close();
                        }
                        LinkEvent::Closed => return true,
                        LinkEvent::Lost(lost) => break lost,
                        _ => {}
                    }
                };
                if failover.lost(&lost).is_some() {
                    return false;
                }
            }
        };
        let within = FORGET_WITHIN * u32::try_from(brokers).unwrap_or(u32::MAX);
        if timeout(within, goodbye).await == Ok(true) {
            return Ok(());
        }
        tracing::warn!(
            "no broker could be told to forget the session {}",
            listening.name()
        );
        Ok(())
    }
}

impl SubscriberOptions {
    /// The client's name at the broker.
    fn name(&self) -> String {
        format!("moodring-follow-{:016x}", self.seed)
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct SubscriberTask {
    failover: Failover,
    topics: Vec<String>,
    tx: mpsc::Sender<SubscriberEvent>,
}

impl SubscriberTask {
    /// One connection after the other, until the receiver is gone.
    async fn listen(mut self) {
        loop {
            let mut link = self.failover.open();
            let lost = self.receive(&mut link).await;
            drop(link);
            let rest = self.failover.lost(&lost);
            if self.tx.send(SubscriberEvent::Away).await.is_err() {
                return;
            }
            if let Some(rest) = rest {
                sleep(rest).await;
            }
        }
    }

    /// Until the connection ends; why it did.
    async fn receive(&mut self, link: &mut Link) -> Disconnect {
        loop {
            let event = match link.next().await {
                LinkEvent::Up => {
                    self.failover.up();
                    if let Err(reason) = link.subscribe(&self.topics) {
                        return reason.into();
                    }
                    SubscriberEvent::Online
                }
                LinkEvent::Received(Incoming::Message { topic, payload, .. }) => {
                    self.failover.works();
                    SubscriberEvent::Message { topic, payload }
                }
                LinkEvent::Lost(lost) => return lost,
                LinkEvent::Received(_)
                | LinkEvent::Subscribed
                | LinkEvent::Done(_)
                | LinkEvent::Confirmed(_)
                | LinkEvent::NoSubscriber(_)
                | LinkEvent::Refused(..)
                | LinkEvent::HeldBack(..)
                | LinkEvent::Closed => continue,
            };
            if self.tx.send(event).await.is_err() {
                return "nobody listens any more".to_owned().into();
            }
        }
    }
}
