//! One connection to a broker, from its attempt to its end. Knows MQTT 3.1.1 by rumqttc, nothing of moods.
//!
//! Each connection gets an event loop of its own: rumqttc carries some requests over to the next connection and drops
//! others, and what is to be sent again is the outbox's business. A task polls it, so that no poll is ever cancelled.

use std::collections::{HashMap, VecDeque};

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, MqttOptions, Outgoing,
    Packet, QoS, SubscribeFilter,
};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    Incoming,
    protocol::{Delivery, Publication, Token},
    tls,
};

/// A connection, or an attempt at one. Dropping it breaks it off without a word, so that the broker sends the will.
pub(super) struct Link {
    client: AsyncClient,
    news: mpsc::Receiver<Result<Event, ConnectionError>>,
    pump: JoinHandle<()>,
    /// Handed over, in order; not yet on the network.
    handed: VecDeque<Token>,
    /// On the network, by packet number; no receipt yet.
    sent: HashMap<u16, Token>,
}

/// What a link has to say.
#[derive(Debug)]
pub(super) enum News {
    /// The broker accepted the connection.
    Up,
    /// A publication is done, see [`Delivery`].
    Done(Token),
    /// A message of a topic that was subscribed to.
    Heard(Incoming),
    /// The goodbye is on the network.
    Closed,
    /// There is no connection any more, or none came about.
    Lost(String),
}

impl Link {
    /// More publications than ever are under way at once: the outbox's window, a birth, a state and a goodbye.
    const CAPACITY: usize = 64;

    /// Begins to connect.
    pub(super) fn open(options: MqttOptions) -> Self {
        let (client, event_loop) = AsyncClient::new(options, Self::CAPACITY);
        let (tx, news) = mpsc::channel(Self::CAPACITY);
        Self {
            client,
            news,
            pump: tokio::spawn(pump(event_loop, tx)),
            handed: VecDeque::new(),
            sent: HashMap::new(),
        }
    }

    /// Hands a publication over. Never waits.
    ///
    /// # Errors
    /// Says so if the link cannot take it; the link is of no use then.
    pub(super) fn send(&mut self, publication: Publication) -> Result<(), String> {
        let (qos, retain) = match publication.delivery {
            Delivery::Newest => (QoS::AtMostOnce, true),
            Delivery::Lasting => (QoS::AtLeastOnce, true),
            Delivery::Once => (QoS::AtLeastOnce, false),
        };
        self.client
            .try_publish(publication.topic, qos, retain, publication.payload)
            .map_err(|_| "the connection takes no more messages".to_owned())?;
        self.handed.push_back(publication.token);
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
        let filter = |topic: &String| SubscribeFilter::new(topic.clone(), QoS::AtLeastOnce);
        self.client
            .try_subscribe_many(topics.iter().map(filter))
            .map_err(|_| "the connection takes no more messages".to_owned())
    }

    /// Says goodbye, so that the broker forgets the will. [`News::Closed`] follows.
    ///
    /// # Errors
    /// As [`Link::send`].
    pub(super) fn close(&mut self) -> Result<(), String> {
        self.client
            .try_disconnect()
            .map_err(|_| "the connection takes no more messages".to_owned())
    }

    /// The next news. May be cancelled without loss.
    pub(super) async fn next(&mut self) -> News {
        loop {
            let news = match self.news.recv().await {
                Some(Ok(event)) => self.read(&event),
                Some(Err(error)) => Some(News::Lost(explain(&error))),
                None => Some(News::Lost("the connection ended".to_owned())),
            };
            if let Some(news) = news {
                return news;
            }
        }
    }

    fn read(&mut self, event: &Event) -> Option<News> {
        match event {
            Event::Incoming(Packet::ConnAck(_)) => Some(News::Up),
            Event::Incoming(Packet::PubAck(ack)) => self.sent.remove(&ack.pkid).map(News::Done),
            Event::Incoming(Packet::Publish(message)) => Some(News::Heard(Incoming::Message {
                topic: message.topic.clone(),
                payload: message.payload.to_vec(),
                retained: message.retain,
            })),
            Event::Outgoing(Outgoing::Publish(number)) => {
                let token = self.handed.pop_front()?;
                if *number == 0 {
                    return Some(News::Done(token));
                }
                self.sent.insert(*number, token);
                None
            }
            Event::Outgoing(Outgoing::Disconnect) => Some(News::Closed),
            Event::Incoming(_) | Event::Outgoing(_) => None,
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

async fn pump(mut event_loop: EventLoop, tx: mpsc::Sender<Result<Event, ConnectionError>>) {
    loop {
        let result = event_loop.poll().await;
        let ended = result.is_err();
        if tx.send(result).await.is_err() || ended {
            return;
        }
    }
}

/// A cause that people understand, with the way out where there is one.
pub(super) fn explain(error: &ConnectionError) -> String {
    use ConnectReturnCode as Code;
    // Handshakes fail deep inside errors of other crates; their texts are what they have in common.
    if let Some(hint) = tls::hint(&error.to_string()) {
        return hint.to_owned();
    }
    match error {
        ConnectionError::ConnectionRefused(Code::BadUserNamePassword | Code::NotAuthorized) => {
            "it refused user and password; set [mqtt] user and password_file".to_owned()
        }
        ConnectionError::ConnectionRefused(code) => format!("it refused the connection: {code:?}"),
        ConnectionError::NetworkTimeout => "no answer within 5 seconds".to_owned(),
        ConnectionError::Io(error) => error.to_string(),
        ConnectionError::MqttState(rumqttc::StateError::AwaitPingResp) => {
            "it no longer answers pings".to_owned()
        }
        ConnectionError::MqttState(rumqttc::StateError::ConnectionAborted) => {
            "it closed the connection".to_owned()
        }
        other => other.to_string(),
    }
}
