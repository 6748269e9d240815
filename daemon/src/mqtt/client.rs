//! The client's task: feeds the protocol, keeps a link to the broker, and ends in a bounded time.

use std::time::{Duration, SystemTime};

use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::{
    Inputs, MqttError, Outgoing, Passthrough,
    backoff::Backoff,
    broker::Broker,
    client_inputs::{Input, InputStream},
    connect_options::MAX_PACKET_BYTES,
    failover::Failover,
    link::{Disconnect, Link, LinkEvent},
    outbox::FetchRequest,
    protocol::{Content, Protocol, Publication, ReceiptToken},
    settings::CheckedSettings,
    until,
};
use crate::{
    clock::Clock,
    config::MqttSettings,
    message::{Identity, Moment},
    snapshot::BrokerState,
    store::{OutboxRow, Store},
};

/// How long a stop may take, from the call to its end.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// Starts publishing in a task of the current tokio runtime (which needs time and I/O switched on).
///
/// With `enabled = false` nothing starts, and the handle's state stays [`BrokerState::Off`].
/// A broker that is away is no error: the task tries again for as long as it lives.
///
/// # Errors
/// [`MqttError`] if a setting cannot work or the embedded broker cannot have its port.
pub fn spawn(
    settings: &MqttSettings,
    identity: Identity,
    clock: Clock,
    mut inputs: Inputs,
) -> Result<MqttHandle, MqttError> {
    if !settings.enabled {
        return Ok(MqttHandle {
            state: watch::channel(BrokerState::Off).1,
            address: String::new(),
            running: None,
        });
    }
    let plan = CheckedSettings::new(settings, &identity)?;
    let (tell, state) = watch::channel(BrokerState::Connecting);
    let (stop, stopped) = oneshot::channel();
    let address = plan.brokers[0].broker.to_string();
    let backoff = Backoff::new(identity.run.number());
    let comfort = "Trying again, events are kept";
    let client = Client {
        protocol: Protocol::new(identity, plan.topics, plan.pace, settings.format),
        failover: Failover::new(plan.brokers, backoff, Some(comfort)),
        _embedded: plan.embedded,
        clock,
        extra: inputs.extra.take(),
        store: inputs.store.clone(),
        fetch: None,
        feed: InputStream::new(inputs, stopped),
        stop_by: None,
        state: tell,
        refused: 0,
    };
    Ok(MqttHandle {
        state,
        address,
        running: Some((stop, tokio::spawn(client.run()))),
    })
}

/// The running client.
#[derive(Debug)]
pub struct MqttHandle {
    state: watch::Receiver<BrokerState>,
    address: String,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl MqttHandle {
    /// What the link to the broker does; changes can be awaited.
    pub fn state(&self) -> watch::Receiver<BrokerState> {
        self.state.clone()
    }

    /// `host:port` of the first broker, also of the embedded one; empty if switched off.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Tells all events that were on the disk before this call, says `stopped` and disconnects. Takes at most two seconds;
    /// if that is not enough the connection breaks off, and the broker says `offline`.
    pub async fn stop(self) {
        if let Some((stop, task)) = self.running {
            // Both fail only if the task is gone already.
            let _ = stop.send(());
            let _ = task.await;
        }
    }

    /// Ends as a killed process does: without a goodbye.
    #[cfg(test)]
    pub(super) async fn kill(self) {
        if let Some((_stop, task)) = self.running {
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }
    }
}

struct Client {
    protocol: Protocol,
    failover: Failover,
    /// The embedded broker, if it is the one. Held only for its end: dropping it closes its port.
    _embedded: Option<Broker>,
    clock: Clock,
    feed: InputStream,
    extra: Option<Passthrough>,
    store: Store,
    /// Rows that the store was asked for in this connection.
    fetch: Option<(FetchRequest, oneshot::Receiver<Vec<OutboxRow>>)>,
    /// When a stop that was asked for must have ended.
    stop_by: Option<Instant>,
    state: watch::Sender<BrokerState>,
    /// How many publications the broker refused in this connection.
    refused: u64,
}

/// Why serving a link ended.
enum ServeEnd {
    /// All is told; say goodbye.
    Finished,
    /// The connection is gone, or none came about.
    Lost(Disconnect),
    /// A stop took too long.
    Late,
}

impl Client {
    async fn run(mut self) {
        self.take(Input::Newer);
        self.protocol.store(self.feed.stored());
        while !self.is_over().await {}
        self.publish_rest().await;
        self.state.send_replace(BrokerState::Off);
    }

    /// Receipts are on the disk, and how many are missing is in the log.
    async fn publish_rest(&self) {
        // A disk that hangs is not waited for.
        let flushed = tokio::time::timeout(Duration::from_millis(500), self.store.flush()).await;
        let state = self.store.state().borrow().clone();
        if state.waiting > 0 && flushed.is_ok() {
            let (waiting, broker) = (state.waiting, self.failover.broker());
            tracing::warn!(
                "stopped with {waiting} events that the broker {broker} did not get; the store has them"
            );
        }
    }

    /// One connection and the wait after it. True once the client is to end.
    async fn is_over(&mut self) -> bool {
        let mut link = self.failover.open();
        let lost = match self.serve(&mut link).await {
            ServeEnd::Finished => {
                self.goodbye(link).await;
                return true;
            }
            ServeEnd::Late => return true,
            ServeEnd::Lost(lost) => lost,
        };
        drop(link);
        self.protocol.disconnected();
        (self.fetch, self.refused) = (None, 0);
        self.state.send_replace(BrokerState::Connecting);
        let rest = self.failover.lost(&lost);
        match rest {
            _ if self.stop_by.is_some() => true,
            Some(rest) => self.pause(rest).await,
            None => false,
        }
    }

    /// Serves one link until it ends.
    async fn serve(&mut self, link: &mut Link) -> ServeEnd {
        loop {
            while let Some(publication) = self.protocol.poll(self.now()) {
                if let Err(reason) = link.send(publication) {
                    return ServeEnd::Lost(reason.into());
                }
            }
            if let Some(want) = self.protocol.want() {
                self.fetch = Some((want, self.store.rows(want.after, want.limit)));
            }
            if self.protocol.is_finished() {
                return ServeEnd::Finished;
            }
            let wake = self.wake();
            let stop_by = self.stop_by;
            let online = *self.state.borrow() == BrokerState::Online;
            tokio::select! {
                news = link.next() => match news {
                    LinkEvent::Lost(lost) => return ServeEnd::Lost(lost),
                    LinkEvent::Up => if let Err(reason) = self.up(link) { return ServeEnd::Lost(reason.into()) },
                    news => self.read(news),
                },
                rows = fetched(&mut self.fetch) => {
                    if let Some((want, _)) = self.fetch.take() {
                        self.protocol.rows(want, rows);
                    }
                }
                other = said(&mut self.extra), if online && link.has_room() => {
                    if let Err(reason) = pass_on(link, other) { return ServeEnd::Lost(reason.into()) }
                }
                input = self.feed.next() => self.take(input),
                () = until(wake) => {}
                () = until(stop_by) => return ServeEnd::Late,
            }
        }
    }

    /// The broker accepted the connection.
    fn up(&mut self, link: &Link) -> Result<(), String> {
        self.failover.up();
        self.protocol.connected();
        self.state.send_replace(BrokerState::Online);
        match &mut self.extra {
            Some(extra) => link.subscribe(extra.connected()),
            None => Ok(()),
        }
    }

    fn read(&mut self, news: LinkEvent) {
        match news {
            LinkEvent::Done(token) => {
                if let Some(id) = self.protocol.done(token) {
                    self.store.delivered(id);
                }
                self.failover.works();
            }
            LinkEvent::Refused(token, reason) => self.refused(token, &reason),
            LinkEvent::Heard(message) => {
                if let Some(extra) = &self.extra {
                    extra.receive(message);
                }
            }
            LinkEvent::Up | LinkEvent::Closed | LinkEvent::Lost(_) => {}
        }
    }

    /// Once per connection for everybody: a rule of the broker that does not fit is met with each message.
    fn refused(&mut self, token: ReceiptToken, reason: &str) {
        let (what, then) = match token {
            ReceiptToken::Event(_) => ("an event", "; it is kept and offered again"),
            ReceiptToken::State => ("the state", ""),
            ReceiptToken::Status(_) => ("the status", ""),
            ReceiptToken::Extra => ("what Home Assistant is told, or an answer", ""),
        };
        let broker = self.failover.broker();
        if self.refused == 0 {
            tracing::warn!("the broker {broker} does not take {what}: {reason}{then}");
        } else {
            tracing::debug!("the broker {broker} does not take {what}: {reason}{then}");
        }
        self.refused += 1;
        self.protocol.refused(token, self.clock.now());
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Stored(state) => self.protocol.store(state),
            Input::Newer => self.protocol.snapshot(self.feed.newest()),
            Input::Stop => {
                // What was written before the request is part of it.
                self.protocol.store(self.feed.stored());
                self.protocol.stop();
                self.stop_by = Some(Instant::now() + STOP_WITHIN);
            }
        }
    }

    /// Waits before the next attempt; what comes in meanwhile is kept. True if a stop came in.
    async fn pause(&mut self, rest: Duration) -> bool {
        let over = Instant::now() + rest;
        loop {
            tokio::select! {
                () = sleep_until(over) => return false,
                input = self.feed.next() => self.take(input),
            }
            if self.stop_by.is_some() {
                return true;
            }
        }
    }

    /// A clean end, so that the broker forgets the will.
    async fn goodbye(&mut self, mut link: Link) {
        if link.close().is_err() {
            return;
        }
        loop {
            tokio::select! {
                news = link.next() => if matches!(news, LinkEvent::Closed | LinkEvent::Lost(_)) { return },
                () = until(self.stop_by) => return,
            }
        }
    }

    fn now(&self) -> Moment {
        Moment {
            wall: SystemTime::now(),
            run: self.clock.now(),
        }
    }

    fn wake(&self) -> Option<Instant> {
        let wait = self.protocol.wake()?.since(self.clock.now());
        Some(Instant::now() + Duration::from_millis(wait))
    }
}

/// The store's answer, or none for ever.
async fn fetched(
    fetch: &mut Option<(FetchRequest, oneshot::Receiver<Vec<OutboxRow>>)>,
) -> Vec<OutboxRow> {
    match fetch {
        // A store that is gone has no rows.
        Some((_, rows)) => rows.await.unwrap_or_default(),
        None => std::future::pending().await,
    }
}

/// The next message of others to publish, or none for ever.
async fn said(extra: &mut Option<Passthrough>) -> Outgoing {
    match extra {
        Some(extra) => extra.next().await,
        None => std::future::pending().await,
    }
}

/// Publishes what others say, if a packet can hold it.
fn pass_on(link: &mut Link, said: Outgoing) -> Result<(), String> {
    // A packet's head, the topic's length, a number and MQTT 5's empty properties take up to nine bytes.
    let bytes = said.topic.len() + said.payload.len() + 9;
    if bytes > MAX_PACKET_BYTES {
        let topic = &said.topic;
        tracing::warn!("not published: {topic} has {bytes} bytes, {MAX_PACKET_BYTES} are allowed");
        return Ok(());
    }
    link.send(Publication {
        token: ReceiptToken::Extra,
        topic: said.topic,
        payload: said.payload,
        content: Content::Plain,
        delivery: said.delivery,
    })
}
