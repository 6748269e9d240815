//! The client's task: feeds the protocol, keeps a link to the broker, and ends in a bounded time.

use std::time::{Duration, SystemTime};

use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::{
    Extra, Inputs, MqttError, Outgoing,
    backoff::Backoff,
    broker::Broker,
    feed::{Feed, Input},
    link::{Link, Lost, News},
    outbox::Want,
    protocol::{Content, Protocol, Publication, Token},
    route::Route,
    settings::Plan,
    until,
    way::MAX_PACKET_BYTES,
};
use crate::{
    clock::Clock,
    config::MqttSettings,
    message::{Identity, Moment},
    snapshot::BrokerState,
    store::{Row, Store},
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
    who: Identity,
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
    let plan = Plan::new(settings, &who)?;
    let (tell, state) = watch::channel(BrokerState::Connecting);
    let (stop, stopped) = oneshot::channel();
    let address = plan.brokers[0].broker.to_string();
    let backoff = Backoff::new(who.run.number());
    let comfort = "Trying again, events are kept";
    let client = Client {
        protocol: Protocol::new(who, plan.topics, plan.pace, settings.format),
        route: Route::new(plan.brokers, backoff, Some(comfort)),
        _embedded: plan.embedded,
        clock,
        extra: inputs.extra.take(),
        store: inputs.store.clone(),
        fetch: None,
        feed: Feed::new(inputs, stopped),
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
    route: Route,
    /// The embedded broker, if it is the one. Held only for its end: dropping it closes its port.
    _embedded: Option<Broker>,
    clock: Clock,
    feed: Feed,
    extra: Option<Extra>,
    store: Store,
    /// Rows that the store was asked for in this connection.
    fetch: Option<(Want, oneshot::Receiver<Vec<Row>>)>,
    /// When a stop that was asked for must have ended.
    stop_by: Option<Instant>,
    state: watch::Sender<BrokerState>,
    /// How many publications the broker refused in this connection.
    refused: u64,
}

/// Why serving a link ended.
enum End {
    /// All is told; say goodbye.
    Finished,
    /// The connection is gone, or none came about.
    Lost(Lost),
    /// A stop took too long.
    Late,
}

impl Client {
    async fn run(mut self) {
        self.take(Input::Newer);
        self.protocol.store(self.feed.stored());
        while !self.is_over().await {}
        self.say_what_is_left().await;
        self.state.send_replace(BrokerState::Off);
    }

    /// Receipts are on the disk, and how many are missing is in the log.
    async fn say_what_is_left(&self) {
        // A disk that hangs is not waited for.
        let flushed = tokio::time::timeout(Duration::from_millis(500), self.store.flush()).await;
        let state = self.store.state().borrow().clone();
        if state.waiting > 0 && flushed.is_ok() {
            let (waiting, broker) = (state.waiting, self.route.broker());
            tracing::warn!(
                "stopped with {waiting} events that the broker {broker} did not get; the store has them"
            );
        }
    }

    /// One connection and the wait after it. True once the client is to end.
    async fn is_over(&mut self) -> bool {
        let mut link = self.route.open();
        let lost = match self.serve(&mut link).await {
            End::Finished => {
                self.goodbye(link).await;
                return true;
            }
            End::Late => return true,
            End::Lost(lost) => lost,
        };
        drop(link);
        self.protocol.disconnected();
        (self.fetch, self.refused) = (None, 0);
        self.state.send_replace(BrokerState::Connecting);
        let rest = self.route.lost(&lost);
        match rest {
            _ if self.stop_by.is_some() => true,
            Some(rest) => self.pause(rest).await,
            None => false,
        }
    }

    /// Serves one link until it ends.
    async fn serve(&mut self, link: &mut Link) -> End {
        loop {
            while let Some(publication) = self.protocol.poll(self.now()) {
                if let Err(reason) = link.send(publication) {
                    return End::Lost(reason.into());
                }
            }
            if let Some(want) = self.protocol.want() {
                self.fetch = Some((want, self.store.rows(want.after, want.limit)));
            }
            if self.protocol.is_finished() {
                return End::Finished;
            }
            let wake = self.wake();
            let stop_by = self.stop_by;
            let online = *self.state.borrow() == BrokerState::Online;
            tokio::select! {
                news = link.next() => match news {
                    News::Lost(lost) => return End::Lost(lost),
                    News::Up => if let Err(reason) = self.up(link) { return End::Lost(reason.into()) },
                    news => self.read(news),
                },
                rows = fetched(&mut self.fetch) => {
                    if let Some((want, _)) = self.fetch.take() {
                        self.protocol.rows(want, rows);
                    }
                }
                other = said(&mut self.extra), if online && link.has_room() => {
                    if let Err(reason) = pass_on(link, other) { return End::Lost(reason.into()) }
                }
                input = self.feed.next() => self.take(input),
                () = until(wake) => {}
                () = until(stop_by) => return End::Late,
            }
        }
    }

    /// The broker accepted the connection.
    fn up(&mut self, link: &Link) -> Result<(), String> {
        self.route.up();
        self.protocol.connected();
        self.state.send_replace(BrokerState::Online);
        match &mut self.extra {
            Some(extra) => link.subscribe(extra.connected()),
            None => Ok(()),
        }
    }

    fn read(&mut self, news: News) {
        match news {
            News::Done(token) => {
                if let Some(id) = self.protocol.done(token) {
                    self.store.delivered(id);
                }
                self.route.works();
            }
            News::Refused(token, reason) => self.refused(token, &reason),
            News::Heard(message) => {
                if let Some(extra) = &self.extra {
                    extra.hear(message);
                }
            }
            News::Up | News::Closed | News::Lost(_) => {}
        }
    }

    /// Once per connection for everybody: a rule of the broker that does not fit is met with each message.
    fn refused(&mut self, token: Token, reason: &str) {
        let (what, then) = match token {
            Token::Event(_) => ("an event", "; it is kept and offered again"),
            Token::State => ("the state", ""),
            Token::Status(_) => ("the status", ""),
            Token::Extra => ("what Home Assistant is told, or an answer", ""),
        };
        let broker = self.route.broker();
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
                news = link.next() => if matches!(news, News::Closed | News::Lost(_)) { return },
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
async fn fetched(fetch: &mut Option<(Want, oneshot::Receiver<Vec<Row>>)>) -> Vec<Row> {
    match fetch {
        // A store that is gone has no rows.
        Some((_, rows)) => rows.await.unwrap_or_default(),
        None => std::future::pending().await,
    }
}

/// The next message of others to publish, or none for ever.
async fn said(extra: &mut Option<Extra>) -> Outgoing {
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
        token: Token::Extra,
        topic: said.topic,
        payload: said.payload,
        content: Content::Plain,
        delivery: said.delivery,
    })
}
