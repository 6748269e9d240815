//! The client's task: feeds the protocol, keeps a link to the broker, and ends in a bounded time.

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
use moodring_store::{OutboxRow, Store, StoreState};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::{
    Delivery, Incoming, Inputs, MqttError, Outgoing, Passthrough,
    backoff::Backoff,
    blame::Blame,
    broker::Broker,
    client_inputs::{Input, InputStream},
    connect_options::MAX_PACKET_BYTES,
    failover::Failover,
    link::{Disconnect, Link, LinkEvent, Pending},
    outbox::{EntryId, FetchRequest},
    passthrough::PublisherRequest,
    protocol::{Content, Protocol, Publication, ReceiptToken, Unheard},
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
    let (tell, state) = watch::channel(BrokerState::Connecting);
    let (stop, stopped) = oneshot::channel();
    let address = plan.brokers[0].broker.to_string();
    let backoff = Backoff::new(identity.run.number());
    let comfort = "Trying again, events are kept";
    let inputs_faults = inputs.faults.take();
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
        refusals: Refusals::default(),
        blames: HashMap::new(),
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
    blames: HashMap<BrokerAddress, Blame>,
    faults: Option<mpsc::UnboundedSender<String>>,
    /// How long an event without a subscriber is kept.
    patience: Duration,
}

/// What becomes of events that the broker did not get, when the daemon ends.
fn fate(store: &StoreState) -> String {
    match &store.trouble {
        None if store.in_memory => {
            "; they are lost, for the store is in memory. With a file for [store] path they would be kept".to_owned()
        }
        None => "; the store has them".to_owned(),
        // Whether they can be saved is said at the store's end.
        Some(trouble) => format!(", and the store is in memory: {trouble}"),
    }
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
            let then = fate(&state);
            tracing::warn!(
                "stopped with {waiting} events that the broker {broker} did not get{then}"
            );
        }
    }

    /// One connection and the wait after it. True once the client is to end.
    async fn is_over(&mut self) -> bool {
        let mut link = self.failover.open();
        link.hold_back(self.blame().barred());
        let lost = match self.serve(&mut link).await {
            ServeEnd::Finished => {
                self.goodbye(link).await;
                return true;
            }
            ServeEnd::Late => return true,
            ServeEnd::Lost(lost) => lost,
        };
        self.find_culprit(&lost, &link);
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

    /// What the broker may have hung up on; if it was that again and again, it is held back from now on.
    fn find_culprit(&mut self, lost: &Disconnect, link: &Link) {
        if *self.state.borrow() != BrokerState::Online {
            return;
        }
        let lasts = self.failover.lasts();
        let verdict = self
            .blame()
            .ended(lost.hint, lasts, link.outstanding(), Instant::now());
        let Some(Pending { topic, bytes, .. }) = verdict.suspect else {
            return;
        };
        if verdict.is_barred {
            let text = format!(
                "the broker hangs up on {topic} ({bytes} bytes): messages of that size are held back"
            );
            self.tell_fault(text);
        }
        self.failover.suspect(format!("{topic} ({bytes} bytes)"));
    }

    /// What the broker that is tried or used now hangs up on.
    fn blame(&mut self) -> &mut Blame {
        self.blames
            .entry(self.failover.broker().clone())
            .or_default()
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
    async fn serve(&mut self, link: &mut Link) -> ServeEnd {
        loop {
            if self.blame().lift(Instant::now()) {
                link.hold_back(self.blame().barred());
                self.protocol.look_again();
            }
            let careful = self.blame().is_careful();
            while (!careful || link.is_idle())
                && let Some(mut publication) = self.protocol.poll(self.now())
            {
                if careful && publication.delivery == Delivery::Newest {
                    // With a receipt, so that it is known which message the broker hangs up on.
                    publication.delivery = Delivery::Lasting;
                }
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
            let (stop_by, lift_at) = (self.stop_by, self.blame().wake());
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
                other = said(&mut self.extra), if online && link.has_room() && (!careful || link.is_idle()) => match other {
                    PublisherRequest::Introduced => self.protocol.introduced(),
                    PublisherRequest::Message(outgoing, number) => {
                        let token = ReceiptToken::Extra(number);
                        if let Err(reason) = pass_on(link, outgoing, token) { return ServeEnd::Lost(reason.into()) }
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
    fn up(&mut self, link: &Link) -> Result<(), String> {
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

    fn read(&mut self, news: LinkEvent) {
        match news {
            LinkEvent::Done(token) => self.done(token),
            LinkEvent::Confirmed(pending) => {
                self.blame().confirmed(&pending);
                self.done(pending.token);
            }
            LinkEvent::Unheard(pending) => {
                self.blame().confirmed(&pending);
                match pending.token {
                    ReceiptToken::Event(id) => self.unheard(id),
                    token => self.done(token),
                }
            }
            LinkEvent::Refused(pending, reason) => self.refused(&pending, &reason),
            LinkEvent::HeldBack(pending, reason) => self.held_back(&pending, &reason),
            LinkEvent::Subscribed => self.pass_to_extra(Incoming::Subscribed),
            LinkEvent::Heard(message) => self.pass_to_extra(message),
            LinkEvent::Up | LinkEvent::Closed | LinkEvent::Lost(_) => {}
        }
    }

    fn done(&mut self, token: ReceiptToken) {
        if let Some(id) = self.protocol.done(token, self.clock.now()) {
            self.store.delivered(id);
        }
        if let ReceiptToken::Extra(Some(number)) = token {
            self.pass_to_extra(Incoming::Confirmed(number));
        }
        self.failover.works();
    }

    fn pass_to_extra(&self, incoming: Incoming) {
        if let Some(extra) = &self.extra {
            extra.receive(incoming);
        }
    }

    /// No subscriber gets an event.
    fn unheard(&mut self, id: EntryId) {
        let (broker, minutes) = (
            self.failover.broker().clone(),
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
        self.failover.works();
    }

    /// A rule of the broker that does not fit is met with each message; it is reported once for each topic.
    fn refused(&mut self, pending: &Pending, reason: &str) {
        let what = what(pending.token);
        let then = match pending.token {
            ReceiptToken::Event(_) => "; it is kept and offered again",
            _ => "",
        };
        let (broker, topic) = (self.failover.broker().clone(), &pending.topic);
        if self.refusals.is_new(topic, Instant::now()) {
            tracing::warn!("the broker {broker} does not take {what} on {topic}: {reason}{then}");
        } else {
            tracing::debug!("the broker {broker} does not take {what} on {topic}: {reason}{then}");
        }
        self.protocol.refused(pending.token, self.clock.now());
    }

    /// A message that would cost the connection.
    fn held_back(&mut self, pending: &Pending, reason: &str) {
        let (broker, topic) = (self.failover.broker().clone(), &pending.topic);
        if self.refusals.is_new(topic, Instant::now()) {
            let (what, bytes) = (what(pending.token), pending.bytes);
            self.tell_fault(format!(
                "the broker {broker} cannot be sent {what} on {topic} ({bytes} bytes): {reason}"
            ));
        }
        match pending.token {
            ReceiptToken::Event(id) => self.protocol.set_aside(id),
            other => self.protocol.refused(other, self.clock.now()),
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
async fn said(extra: &mut Option<Passthrough>) -> PublisherRequest {
    match extra {
        Some(extra) => extra.next().await,
        None => std::future::pending().await,
    }
}

/// A message in words.
fn what(token: ReceiptToken) -> &'static str {
    match token {
        ReceiptToken::Event(_) => "an event",
        ReceiptToken::State => "the state",
        ReceiptToken::Status(_) => "the status",
        ReceiptToken::Extra(_) => "what Home Assistant is told, or an answer",
    }
}

/// Publishes what others say, if a packet can hold it.
fn pass_on(link: &mut Link, said: Outgoing, token: ReceiptToken) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use moodring_store::{StoreLimits, StoreLocation};

    /// What is said at the end of a daemon whose broker was away.
    #[test]
    fn the_last_words_say_what_becomes_of_events() {
        let folder = tempfile::tempdir().unwrap();
        let file = StoreLocation::File(folder.path().join("m.db"));
        for (place, says) in [
            (file, "the store has them"),
            (StoreLocation::Memory, "they are lost"),
            (StoreLocation::Nowhere, "they are lost"),
        ] {
            let store = Store::open(place, StoreLimits::default()).unwrap();
            let state = store.state().borrow().clone();
            assert!(fate(&state).contains(says), "{}", fate(&state));
            store.close();
        }
        let broken = StoreState {
            trouble: Some("no space".into()),
            ..StoreState::default()
        };
        assert!(fate(&broken).contains("no space"));
    }
}
