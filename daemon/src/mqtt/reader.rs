//! A client that only listens: subscribes to topics, comes back after each outage. Knows nothing of moods.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, Outgoing, Packet, QoS};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{MqttError, backoff::Backoff, link::explain, settings};
use crate::config::MqttSettings;

/// Messages that may wait; a broker that sends faster than they are read waits.
const WAITING: usize = 16;
/// Requests that may wait in the client: one subscription per topic.
const REQUESTS: usize = 8;
/// How long the broker may take to forget a session.
const FORGET_WITHIN: Duration = Duration::from_secs(5);

/// What a reader hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The broker is there; what it has kept follows.
    Online,
    /// The broker is away; the reader tries again.
    Away,
    /// A message.
    Message {
        /// Its topic.
        topic: String,
        /// What it says.
        payload: Vec<u8>,
    },
}

/// The listening client. It ends when it is dropped.
#[derive(Debug)]
pub struct Reader {
    heard: mpsc::Receiver<Heard>,
    task: JoinHandle<()>,
    address: String,
}

/// What to listen to, and how.
#[derive(Clone, Debug)]
pub struct Listening {
    /// Topics, `+` and `#` allowed.
    pub topics: Vec<String>,
    /// Makes this client's name its own and spreads its attempts.
    pub seed: u64,
    /// Whether the broker keeps what comes while the connection is away. To be ended with [`Reader::forget`], or the
    /// broker goes on keeping.
    pub keeps_session: bool,
}

impl Reader {
    /// Starts to listen in a task of the current tokio runtime. A broker that is away is no error; of several the first
    /// that can be reached is used.
    ///
    /// # Errors
    /// [`MqttError`] if a setting cannot work.
    pub fn spawn(settings: &MqttSettings, listening: Listening) -> Result<Self, MqttError> {
        let ways = settings::reader(settings, &listening.name(), listening.keeps_session)?;
        let address = ways[0].broker.to_string();
        let (tell, heard) = mpsc::channel(WAITING);
        let listener = Listener {
            ways,
            at: 0,
            was_up: false,
            topics: listening.topics,
            tell,
            backoff: Backoff::new(listening.seed),
            complained: false,
        };
        let task = tokio::spawn(listener.listen());
        Ok(Self {
            heard,
            task,
            address,
        })
    }

    /// `host:port` of the first broker.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The next thing heard; `None` never comes while this is alive. May be cancelled without loss.
    pub async fn next(&mut self) -> Option<Heard> {
        self.heard.recv().await
    }

    /// Ends, and has the first broker that answers forget the session. Takes at most five seconds for each.
    ///
    /// # Errors
    /// [`MqttError`] if a setting cannot work.
    pub async fn forget(
        self,
        settings: &MqttSettings,
        listening: &Listening,
    ) -> Result<(), MqttError> {
        drop(self);
        for way in settings::reader(settings, &listening.name(), false)? {
            let (client, mut events) = AsyncClient::new(way.options, REQUESTS);
            let goodbye = async {
                loop {
                    match events.poll().await {
                        // A clean connection of the same name ends the session.
                        Ok(Event::Incoming(Packet::ConnAck(_))) => {
                            // Fails only if requests wait; there are none.
                            let _ = client.try_disconnect();
                        }
                        Ok(Event::Outgoing(Outgoing::Disconnect)) => return true,
                        Ok(_) => {}
                        Err(_) => return false,
                    }
                }
            };
            if timeout(FORGET_WITHIN, goodbye).await == Ok(true) {
                return Ok(());
            }
        }
        tracing::warn!(
            "no broker could be told to forget the session {}",
            listening.name()
        );
        Ok(())
    }
}

impl Listening {
    /// The client's name at the broker.
    fn name(&self) -> String {
        format!("moodring-follow-{:016x}", self.seed)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Listener {
    /// In the order in which they are tried.
    ways: Vec<settings::Way>,
    /// Which one is tried or used now.
    at: usize,
    /// Whether the newest connection came about.
    was_up: bool,
    topics: Vec<String>,
    tell: mpsc::Sender<Heard>,
    backoff: Backoff,
    /// Whether this outage was told at warning level.
    complained: bool,
}

impl Listener {
    /// One connection after the other, until nobody wants to hear any more.
    async fn listen(mut self) {
        loop {
            let options = self.ways[self.at].options.clone();
            let (client, mut events) = AsyncClient::new(options, REQUESTS);
            self.was_up = false;
            let reason = self.hear(&client, &mut events).await;
            self.complain(&reason);
            if self.tell.send(Heard::Away).await.is_err() {
                return;
            }
            // The next broker at once; after the last, and after one that had been there, a rest and then the first.
            self.at = if self.was_up {
                0
            } else {
                (self.at + 1) % self.ways.len()
            };
            if self.at == 0 {
                sleep(Duration::from_millis(self.backoff.wait().0)).await;
            }
        }
    }

    /// Until the connection ends; why it did.
    async fn hear(&mut self, client: &AsyncClient, events: &mut EventLoop) -> String {
        loop {
            let heard = match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    tracing::info!("connected to the broker {}", self.ways[self.at].broker);
                    (self.complained, self.was_up) = (false, true);
                    for topic in &self.topics {
                        if client.try_subscribe(topic, QoS::AtLeastOnce).is_err() {
                            return "the connection takes no more messages".into();
                        }
                    }
                    Heard::Online
                }
                Ok(Event::Incoming(Packet::Publish(message))) => {
                    // Only now: a broker that accepts and hangs up at once is not hammered.
                    self.backoff.reset();
                    Heard::Message {
                        topic: message.topic,
                        payload: message.payload.to_vec(),
                    }
                }
                Ok(_) => continue,
                Err(error) => return explain(&error),
            };
            if self.tell.send(heard).await.is_err() {
                return "nobody listens any more".into();
            }
        }
    }

    /// Once per outage for everybody, each further attempt for who looks closely.
    fn complain(&mut self, reason: &str) {
        let broker = &self.ways[self.at].broker;
        if self.complained {
            tracing::debug!("still no connection to the broker {broker}: {reason}");
        } else {
            tracing::warn!("no connection to the broker {broker}: {reason}. Trying again");
            self.complained = true;
        }
    }
}
