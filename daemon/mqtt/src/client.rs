//! The client's task: feeds the protocol, keeps a link to the broker, and ends in a bounded time.

mod handle;
mod receipts;
mod undelivered;

pub use handle::MqttHandle;

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use moodring_base::{
    clock::Clock,
    config::MqttSettings,
    message::{Identity, Moment},
    snapshot::BrokerState,
};
use moodring_store::{OutboxRow, Store};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};

use super::{
    Delivery, Inputs, MqttError, Outgoing, Passthrough,
    backoff::Backoff,
    broker::Broker,
    client_inputs::{Input, InputStream},
    connect_options::MAX_PACKET_BYTES,
    failover::Failover,
    link::{Disconnect, Link, LinkEvent, LinkFull},
    outbox::FetchRequest,
    passthrough::PublisherRequest,
    poison_message::PoisonMessages,
    protocol::{Content, Protocol, Publication, ReceiptToken},
    refusals::Refusals,
    settings::CheckedSettings,
    until,
    url::BrokerAddress,
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
        return Ok(MqttHandle::off());
    }
    let plan = CheckedSettings::new(settings, &identity)?;
    if plan.brokers.is_empty() {
        return Ok(MqttHandle::off());
    }
    let (state_tx, state) = watch::channel(BrokerState::Connecting);
    let (stop, stopped) = oneshot::channel();
    let address = plan.brokers[0].broker.to_string();
    let backoff = Backoff::new(identity.run.number());
    let advice = "Trying again, events are kept";
    let inputs_faults = inputs.faults.take();
    let client = Client {
        protocol: Protocol::new(identity, plan.topics, plan.pace, settings.format),
        failover: Failover::new(plan.brokers, backoff, Some(advice)),
        _embedded: plan.embedded,
        clock,
        extra: inputs.extra.take(),
        store: inputs.store.clone(),
        fetch: None,
        feed: InputStream::new(inputs, stopped),
        stop_by: None,
        state: state_tx,
        refusals: Refusals::default(),
        poison: HashMap::new(),
        faults: inputs_faults,
        patience: Duration::from_millis(plan.pace.patience_ms),
    };
    Ok(MqttHandle {
        state,
        address,
        running: Some((stop, tokio::spawn(client.run()))),
    })
}

/// The running task.
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
    /// Topics that the broker refused, and when that was last reported.
    refusals: Refusals,
    /// What each broker hangs up on.
    poison: HashMap<BrokerAddress, PoisonMessages>,
    faults: Option<mpsc::UnboundedSender<String>>,
    /// How long an event without a subscriber is kept.
    patience: Duration,
}

/// Why serving a link ended.
enum ServeEnd {
    /// All is published; disconnect.
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
        self.report_undelivered().await;
        self.state.send_replace(BrokerState::Off);
    }

    /// One connection and the wait after it. True once the client is to end.
    async fn is_over(&mut self) -> bool {
        let mut link = self.failover.open();
        link.hold_back(self.poison().barred());
        let lost = match self.serve(&mut link).await {
            ServeEnd::Finished => {
                self.goodbye(link).await;
                return true;
            }
            ServeEnd::Late => return true,
            ServeEnd::Lost(lost) => lost,
        };
        self.find_poison_message(&lost, &link);
        drop(link);
        self.protocol.disconnected();
        self.fetch = None;
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
            if self.poison().lift(Instant::now()) {
                link.hold_back(self.poison().barred());
                self.protocol.look_again();
            }
            let careful = self.poison().is_careful();
            while (!careful || link.is_idle())
                && let Some(mut publication) = self.protocol.poll(self.now())
            {
                if careful && publication.delivery == Delivery::Newest {
                    // With a receipt, so that it is known which message the broker hangs up on.
                    publication.delivery = Delivery::Lasting;
                }
                if let Err(full) = link.send(publication) {
                    return ServeEnd::Lost(full.into());
                }
            }
            if let Some(want) = self.protocol.want() {
                self.fetch = Some((want, self.store.rows(want.after, want.limit)));
            }
            if self.protocol.is_finished() {
                return ServeEnd::Finished;
            }
            let wake = self.wake();
            let (stop_by, lift_at) = (self.stop_by, self.poison().wake());
            let online = *self.state.borrow() == BrokerState::Online;
            tokio::select! {
                event = link.next() => match event {
                    LinkEvent::Lost(lost) => return ServeEnd::Lost(lost),
                    LinkEvent::Up => if let Err(full) = self.up(link) { return ServeEnd::Lost(full.into()) },
                    event => self.read(event),
                },
                rows = fetched(&mut self.fetch) => {
                    if let Some((want, _)) = self.fetch.take() {
                        self.protocol.rows(want, rows);
                    }
                }
                other = next_request(&mut self.extra), if online && link.has_room() && (!careful || link.is_idle()) => match other {
                    PublisherRequest::Introduced => self.protocol.introduced(),
                    PublisherRequest::Message(outgoing, number) => {
                        let token = ReceiptToken::Extra(number);
                        if let Err(full) = pass_on(link, outgoing, token) { return ServeEnd::Lost(full.into()) }
                    }
                },
                input = self.feed.next() => self.take(input),
                () = until(wake) => {}
                () = until(lift_at) => {}
                () = until(stop_by) => return ServeEnd::Late,
            }
        }
    }

    /// The broker accepted the connection.
    fn up(&mut self, link: &Link) -> Result<(), LinkFull> {
        self.failover.up();
        self.protocol.connected(self.clock.now());
        self.state.send_replace(BrokerState::Online);
        match &mut self.extra {
            Some(extra) => link.subscribe(extra.connected()),
            None => {
                self.protocol.introduced();
                Ok(())
            }
        }
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
                event = link.next() => if matches!(event, LinkEvent::Closed | LinkEvent::Lost(_)) { return },
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
async fn next_request(extra: &mut Option<Passthrough>) -> PublisherRequest {
    match extra {
        Some(extra) => extra.next().await,
        None => std::future::pending().await,
    }
}

/// Publishes a message of another module, if a packet can hold it.
fn pass_on(link: &mut Link, message: Outgoing, token: ReceiptToken) -> Result<(), LinkFull> {
    // A packet's head, the topic's length, a number and MQTT 5's empty properties take up to nine bytes.
    let bytes = message.topic.len() + message.payload.len() + 9;
    if bytes > MAX_PACKET_BYTES {
        let topic = &message.topic;
        tracing::warn!("not published: {topic} has {bytes} bytes, {MAX_PACKET_BYTES} are allowed");
        return Ok(());
    }
    link.send(Publication {
        token,
        topic: message.topic,
        payload: message.payload,
        content: Content::Plain,
        delivery: message.delivery,
    })
}
