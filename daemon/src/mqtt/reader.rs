//! A client that only listens: subscribes to topics, comes back after each outage. Knows nothing of moods.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use tokio::{sync::mpsc, task::JoinHandle, time::sleep};

use super::{MqttError, backoff::Backoff, link::explain, settings, url::Address};
use crate::config::MqttSettings;

/// Messages that may wait; a broker that sends faster than they are read waits.
const WAITING: usize = 16;
/// Requests that may wait in the client: one subscription per topic.
const REQUESTS: usize = 8;

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

impl Reader {
    /// Starts to listen on these topics in a task of the current tokio runtime. `seed` makes this client's name its
    /// own and spreads its attempts. A broker that is away is no error.
    ///
    /// # Errors
    /// [`MqttError`] if a setting cannot work.
    pub fn spawn(
        settings: &MqttSettings,
        topics: Vec<String>,
        seed: u64,
    ) -> Result<Self, MqttError> {
        let name = format!("moodring-follow-{seed:016x}");
        let settings::Way { broker, options } = settings::reader(settings, &name)?;
        let address = broker.to_string();
        let (tell, heard) = mpsc::channel(WAITING);
        let listener = Listener {
            broker,
            topics,
            tell,
            backoff: Backoff::new(seed),
            complained: false,
        };
        let task = tokio::spawn(listener.listen(options));
        Ok(Self {
            heard,
            task,
            address,
        })
    }

    /// `host:port` of the broker.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The next thing heard; `None` never comes while this is alive. May be cancelled without loss.
    pub async fn next(&mut self) -> Option<Heard> {
        self.heard.recv().await
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Listener {
    broker: Address,
    topics: Vec<String>,
    tell: mpsc::Sender<Heard>,
    backoff: Backoff,
    /// Whether this outage was told at warning level.
    complained: bool,
}

impl Listener {
    /// One connection after the other, until nobody wants to hear any more.
    async fn listen(mut self, options: MqttOptions) {
        loop {
            let (client, mut events) = AsyncClient::new(options.clone(), REQUESTS);
            let reason = self.hear(&client, &mut events).await;
            self.complain(&reason);
            if self.tell.send(Heard::Away).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(self.backoff.wait().0)).await;
        }
    }

    /// Until the connection ends; why it did.
    async fn hear(&mut self, client: &AsyncClient, events: &mut EventLoop) -> String {
        loop {
            let heard = match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    tracing::info!("connected to the broker {}", self.broker);
                    self.complained = false;
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
        let broker = &self.broker;
        if self.complained {
            tracing::debug!("still no connection to the broker {broker}: {reason}");
        } else {
            tracing::warn!("no connection to the broker {broker}: {reason}. Trying again");
            self.complained = true;
        }
    }
}
