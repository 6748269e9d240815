//! The client's task: feeds the protocol, keeps a link to the broker, and ends in a bounded time.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::{
    Delivery, Extra, Incoming, Inputs, MqttError, Outgoing,
    backoff::Backoff,
    blame::Blame,
    broker::Broker,
    extra::Said,
    feed::{Feed, Input},
    link::{Link, Lost, News, Pending},
    outbox::{EntryId, Want},
    protocol::{Content, Protocol, Publication, Token, Unheard},
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
        return Ok(MqttHandle::off());
    }
    let plan = Plan::new(settings, &who)?;
    if plan.brokers.is_empty() {
        return Ok(MqttHandle::off());
    }
    let (tell, state) = watch::channel(BrokerState::Connecting);
    let (stop, stopped) = oneshot::channel();
    let address = plan.brokers[0].broker.to_string();
    let backoff = Backoff::new(who.run.number());
    let comfort = "Trying again, events are kept";
    let inputs_faults = inputs.faults.take();
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
        refusals: HashMap::new(),
        blame: Blame::default(),
        faults: inputs_faults,
        patience: Duration::from_millis(plan.pace.patience_ms),
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
    /// Of a client that does not run.
    fn off() -> Self {
        Self {
            state: watch::channel(BrokerState::Off).1,
            address: String::new(),
            running: None,
        }
    }

    /// Whether there is a client, and with it somebody who gets the events.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

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
    /// Topics that the broker refused, and when that was told.
    refusals: HashMap<String, Instant>,
    /// What the broker hangs up on.
    blame: Blame,
    faults: Option<mpsc::UnboundedSender<String>>,
    /// How long an event without a subscriber is kept.
    patience: Duration,
}

/// Refusals of one topic are told once in so long.
const TELL_AGAIN: Duration = Duration::from_secs(3_600);
/// So many topics are kept in mind for that.
const MOST_REFUSALS: usize = 64;

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
        let mut link = self.route.open().without(self.blame.barred());
        let lost = match self.serve(&mut link).await {
            End::Finished => {
                self.goodbye(link).await;
                return true;
            }
            End::Late => return true,
            End::Lost(lost) => lost,
        };
        self.find_culprit(&lost, &link);
        drop(link);
        self.protocol.disconnected();
        self.fetch = None;
        self.state.send_replace(BrokerState::Connecting);
        let rest = self.route.lost(&lost);
        match rest {
            _ if self.stop_by.is_some() => true,
            Some(rest) => self.pause(rest).await,
            None => false,
        }
    }

    /// What the broker may have hung up on; if it was that again and again, it is held back from now on.
    fn find_culprit(&mut self, lost: &Lost, link: &Link) {
        if *self.state.borrow() != BrokerState::Online {
            return;
        }
        let verdict = self
            .blame
            .ended(lost.sign, self.route.lasts(), link.outstanding());
        let Some(Pending { topic, bytes, .. }) = verdict.suspect else {
            return;
        };
        if verdict.is_barred {
            let text = format!(
                "the broker hangs up on {topic} ({bytes} bytes): messages of that size are held back"
            );
            self.tell_fault(text);
        }
        self.route.suspect(format!("{topic} ({bytes} bytes)"));
    }

    /// In the log, and as an event.
    fn tell_fault(&self, text: String) {
        tracing::warn!("{text}");
        if let Some(faults) = &self.faults {
            // Nobody listening means that the daemon ends.
            let _ = faults.send(text);
        }
    }

    /// Serves one link until it ends.
    async fn serve(&mut self, link: &mut Link) -> End {
        loop {
            let careful = self.blame.is_careful();
            while (!careful || link.is_idle())
                && let Some(mut publication) = self.protocol.poll(self.now())
            {
                if careful && publication.delivery == Delivery::Newest {
                    // With a receipt, so that it is known which message the broker hangs up on.
                    publication.delivery = Delivery::Lasting;
                }
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
                other = said(&mut self.extra), if online && link.has_room() && (!careful || link.is_idle()) => match other {
                    Said::Introduced => self.protocol.introduced(),
                    Said::Message(outgoing, number) => {
                        let token = Token::Extra(number);
                        if let Err(reason) = pass_on(link, outgoing, token) { return End::Lost(reason.into()) }
                    }
                },
                input = self.feed.next() => self.take(input),
                () = until(wake) => {}
                () = until(stop_by) => return End::Late,
            }
        }
    }

    /// The broker accepted the connection.
    fn up(&mut self, link: &Link) -> Result<(), String> {
        self.route.up();
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

    fn read(&mut self, news: News) {
        match news {
            News::Done(token) => self.done(token),
            News::Unheard(Token::Event(id)) => self.unheard(id),
            News::Unheard(token) => self.done(token),
            News::Refused(pending, reason) => self.refused(&pending, &reason),
            News::HeldBack(pending, reason) => self.held_back(&pending, &reason),
            News::Subscribed => self.pass_to_extra(Incoming::Subscribed),
            News::Heard(message) => self.pass_to_extra(message),
            News::Up | News::Closed | News::Lost(_) => {}
        }
    }

    fn done(&mut self, token: Token) {
        if let Some(id) = self.protocol.done(token, self.clock.now()) {
            self.store.delivered(id);
        }
        if let Token::Extra(Some(number)) = token {
            self.pass_to_extra(Incoming::Confirmed(number));
        }
        self.route.works();
    }

    fn pass_to_extra(&self, incoming: Incoming) {
        if let Some(extra) = &self.extra {
            extra.hear(incoming);
        }
    }

    /// No subscriber gets an event.
    fn unheard(&mut self, id: EntryId) {
        let (broker, minutes) = (
            self.route.broker().clone(),
            self.patience.as_secs_f32() / 60.0,
        );
        match self.protocol.unheard(id, self.clock.now()) {
            Unheard::Kept { first } => {
                if first {
                    tracing::info!(
                        "nobody at the broker {broker} is subscribed to events yet: they are kept until somebody is, for \
                         {minutes:.0} minutes at most"
                    );
                }
            }
            Unheard::Counted { first } => {
                if first && !self.patience.is_zero() {
                    tracing::info!(
                        "nobody at the broker {broker} was subscribed to events for {minutes:.0} minutes: they count as delivered"
                    );
                }
                self.store.delivered(id);
            }
        }
        self.route.works();
    }

    /// A rule of the broker that does not fit is met with each message; it is told once for each topic.
    fn refused(&mut self, pending: &Pending, reason: &str) {
        let what = what(pending.token);
        let then = match pending.token {
            Token::Event(_) => "; it is kept and offered again",
            _ => "",
        };
        let (broker, topic) = (self.route.broker().clone(), &pending.topic);
        if self.is_new_refusal(topic) {
            tracing::warn!("the broker {broker} does not take {what} on {topic}: {reason}{then}");
        } else {
            tracing::debug!("the broker {broker} does not take {what} on {topic}: {reason}{then}");
        }
        self.protocol.refused(pending.token, self.clock.now());
    }

    /// A message that would cost the connection.
    fn held_back(&mut self, pending: &Pending, reason: &str) {
        let (broker, topic) = (self.route.broker().clone(), &pending.topic);
        if self.is_new_refusal(topic) {
            let (what, bytes) = (what(pending.token), pending.bytes);
            self.tell_fault(format!(
                "the broker {broker} cannot be sent {what} on {topic} ({bytes} bytes): {reason}"
            ));
        }
        match pending.token {
            Token::Event(id) => self.protocol.set_aside(id),
            other => self.protocol.refused(other, self.clock.now()),
        }
    }

    fn is_new_refusal(&mut self, topic: &str) -> bool {
        let now = Instant::now();
        self.refusals.retain(|_, told| now - *told < TELL_AGAIN);
        if self.refusals.len() >= MOST_REFUSALS || self.refusals.contains_key(topic) {
            return false;
        }
        self.refusals.insert(topic.to_owned(), now);
        true
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
async fn said(extra: &mut Option<Extra>) -> Said {
    match extra {
        Some(extra) => extra.next().await,
        None => std::future::pending().await,
    }
}

/// A message in words.
fn what(token: Token) -> &'static str {
    match token {
        Token::Event(_) => "an event",
        Token::State => "the state",
        Token::Status(_) => "the status",
        Token::Extra(_) => "what Home Assistant is told, or an answer",
    }
}

/// Publishes what others say, if a packet can hold it.
fn pass_on(link: &mut Link, said: Outgoing, token: Token) -> Result<(), String> {
    // A packet's head, the topic's length, a number and MQTT 5's empty properties take up to nine bytes.
    let bytes = said.topic.len() + said.payload.len() + 9;
    if bytes > MAX_PACKET_BYTES {
        let topic = &said.topic;
        tracing::warn!("not published: {topic} has {bytes} bytes, {MAX_PACKET_BYTES} are allowed");
        return Ok(());
    }
    link.send(Publication {
        token,
        topic: said.topic,
        payload: said.payload,
        content: Content::Plain,
        delivery: said.delivery,
    })
}
