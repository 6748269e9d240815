//! MQTT 5 by rumqttc: its options, its packets, and what its errors mean.

use std::io::ErrorKind;

use rumqttc::{
    Outgoing,
    v5::{
        AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, StateError,
        mqttbytes::{
            self, QoS,
            v5::{
                ConnectReturnCode, Filter, LastWill, Packet, PubAckReason, Publish,
                PublishProperties, SubscribeReasonCode,
            },
        },
    },
};
use tokio::sync::mpsc;

use super::{
    CONFUSED, Disconnect, Link, LinkFull, Receipt, VersionHint, WireEvent, flags, hung_up, reason,
};
use crate::{
    Incoming,
    connect_options::{ConnectOptions, MAX_PACKET_BYTES, SessionKind},
    protocol::{Content, Publication},
    tls,
};

/// How long a broker keeps a lasting session: it forgets by itself what nobody comes back to.
const LASTING_S: u32 = 24 * 60 * 60;

/// The half that sends.
pub(super) struct SendHalf(AsyncClient);

/// Both halves; nothing happens before the second is pumped.
pub(super) fn open(connect_options: &ConnectOptions, resumes: bool) -> (SendHalf, EventLoop) {
    let (client, events) = AsyncClient::new(options(connect_options, resumes), Link::CAPACITY);
    (SendHalf(client), events)
}

fn options(connect_options: &ConnectOptions, resumes: bool) -> MqttOptions {
    let mut options = MqttOptions::new(
        &connect_options.client_id,
        connect_options.host(),
        connect_options.broker.port,
    );
    let keep_s = match connect_options.session {
        SessionKind::Clean => 0,
        SessionKind::Brief(time) => u32::try_from(time.as_secs()).unwrap_or(u32::MAX),
        SessionKind::Lasting => LASTING_S,
    };
    options
        .set_keep_alive(connect_options.keep_alive)
        .set_clean_start(!resumes)
        .set_session_expiry_interval(Some(keep_s))
        .set_max_packet_size(u32::try_from(MAX_PACKET_BYTES).ok())
        .set_outgoing_inflight_upper_limit(Link::IN_FLIGHT)
        .set_transport(connect_options.transport());
    if let Some((user, password)) = &connect_options.login {
        options.set_credentials(user, password);
    }
    if let Some((url, host)) = connect_options.web_name() {
        // The name, which a shared server goes by; the library made the request for the address.
        options.set_request_modifier(move |mut request| {
            if let (Ok(url), Ok(host)) = (url.parse(), host.parse()) {
                *request.uri_mut() = url;
                request.headers_mut().insert("host", host);
            }
            std::future::ready(request)
        });
    }
    if let Some(will) = &connect_options.will {
        // No delay: `offline` shows at once, whatever session the broker keeps.
        let payload = will.payload.clone();
        let will = LastWill::new(&will.topic, payload, QoS::AtLeastOnce, true, None);
        options.set_last_will(will);
    }
    options
}

impl SendHalf {
    pub(super) fn publish(&self, publication: Publication) -> Result<(), LinkFull> {
        let (retain, has_receipt) = flags(publication.delivery);
        let qos = qos(has_receipt);
        let (topic, payload) = (publication.topic, publication.payload);
        let properties = properties(publication.content, &payload);
        self.0
            .try_publish_with_properties(topic, qos, retain, payload, properties)
            .map_err(|_| LinkFull)
    }

    pub(super) fn subscribe(&self, topics: &[String]) -> Result<(), LinkFull> {
        let filter = |topic: &String| Filter::new(topic.clone(), QoS::AtLeastOnce);
        let filters = topics.iter().map(filter);
        self.0.try_subscribe_many(filters).map_err(|_| LinkFull)
    }

    pub(super) fn close(&self) -> Result<(), LinkFull> {
        self.0.try_disconnect().map_err(|_| LinkFull)
    }
}

fn qos(has_receipt: bool) -> QoS {
    if has_receipt {
        QoS::AtLeastOnce
    } else {
        QoS::AtMostOnce
    }
}

/// What a message is, for receivers that go by it.
fn properties(content: Content, payload: &[u8]) -> PublishProperties {
    let is_text = content == Content::Json && std::str::from_utf8(payload).is_ok();
    PublishProperties {
        content_type: content.media_type().map(str::to_owned),
        // A broker may check what is called text.
        payload_format_indicator: is_text.then_some(1),
        ..PublishProperties::default()
    }
}

/// Keeps the connection going until it ends or nobody listens.
pub(super) async fn pump(mut events: EventLoop, tx: mpsc::Sender<WireEvent>) {
    let keep_alive = events.options.keep_alive();
    loop {
        let (wire_event, ended) = match events.poll().await {
            Ok(event) => (read(event), false),
            Err(error) => {
                // What came before the error, in the same read: receipts among it count.
                for event in std::mem::take(&mut events.state.events) {
                    if let Some(wire_event) = read(event)
                        && tx.send(wire_event).await.is_err()
                    {
                        return;
                    }
                }
                (Some(WireEvent::Ended(explain(&error))), true)
            }
        };
        if matches!(wire_event, Some(WireEvent::Accepted { .. }))
            && events.options.keep_alive().is_zero()
        {
            // The broker wants no pings. rumqttc would then send nothing else; and we want to know when it is gone.
            events.options.set_keep_alive(keep_alive);
        }
        if let Some(wire_event) = wire_event
            && tx.send(wire_event).await.is_err()
        {
            return;
        }
        if ended {
            return;
        }
    }
}

fn read(event: Event) -> Option<WireEvent> {
    match event {
        Event::Incoming(Packet::ConnAck(ack)) => {
            let largest = ack.properties.and_then(|p| p.max_packet_size);
            Some(WireEvent::Accepted {
                largest: largest.and_then(|bytes| usize::try_from(bytes).ok()),
            })
        }
        Event::Incoming(Packet::PubAck(ack)) => {
            let given = match ack.reason {
                PubAckReason::Success => Receipt::Taken,
                PubAckReason::NoMatchingSubscribers => Receipt::NoSubscriber,
                refused => {
                    let text = ack.properties.and_then(|p| p.reason_string);
                    Receipt::Refused(reason::of_receipt(refused, text.as_deref()))
                }
            };
            Some(WireEvent::Receipt(ack.pkid, given))
        }
        Event::Incoming(Packet::Publish(message)) => incoming(&message).map(WireEvent::Received),
        Event::Incoming(Packet::SubAck(ack)) => {
            let taken =
                |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
            Some(match ack.return_codes.iter().find(|code| !taken(code)) {
                Some(refused) => WireEvent::SubscribeRefused(reason::of_subscription(refused)),
                None => WireEvent::Subscribed,
            })
        }
        Event::Outgoing(Outgoing::Publish(number)) => Some(WireEvent::Sent(number)),
        Event::Outgoing(Outgoing::Disconnect) => Some(WireEvent::Closed),
        Event::Incoming(_) | Event::Outgoing(_) => None,
    }
}

/// A message whose topic is one; an alias we never offered is none.
fn incoming(message: &Publish) -> Option<Incoming> {
    let topic = String::from_utf8(message.topic.to_vec()).ok()?;
    (!topic.is_empty()).then(|| Incoming::Message {
        topic,
        payload: message.payload.to_vec(),
        retained: message.retain,
    })
}

fn explain(error: &ConnectionError) -> Disconnect {
    use ConnectionError as E;
    // Handshakes fail deep inside errors of other crates; their texts are what they have in common.
    if let Some(hint) = tls::hint(&error.to_string()) {
        return hint.to_owned().into();
    }
    let (reason, hint) = match error {
        E::ConnectionRefused(ConnectReturnCode::UnsupportedProtocolVersion) => (
            "it does not speak MQTT 5; set [mqtt] version".to_owned(),
            VersionHint::Foreign,
        ),
        E::ConnectionRefused(code) => (reason::of_refusal(*code), VersionHint::Spoken),
        E::Timeout(_) => (
            "no answer within 5 seconds".to_owned(),
            VersionHint::Nothing,
        ),
        E::Io(error) => (error.to_string(), VersionHint::Nothing),
        E::MqttState(StateError::AwaitPingResp) => (
            "it no longer answers pings".to_owned(),
            VersionHint::Nothing,
        ),
        E::MqttState(StateError::ServerDisconnect {
            reason_code,
            reason_string,
        }) => (
            reason::of_goodbye(*reason_code, reason_string.as_deref()),
            reason::sign_of_goodbye(*reason_code),
        ),
        E::MqttState(StateError::ConnectionAborted) => {
            ("it closed the connection".to_owned(), VersionHint::HungUp)
        }
        E::MqttState(
            StateError::Io(io) | StateError::Deserialization(mqttbytes::Error::Io(io)),
        ) if hung_up(io) => ("it closed the connection".to_owned(), VersionHint::HungUp),
        // Half a packet, and then the end.
        E::MqttState(StateError::Deserialization(mqttbytes::Error::Io(io)))
            if io.kind() == ErrorKind::Other =>
        {
            (io.to_string(), VersionHint::HungUp)
        }
        E::MqttState(StateError::Deserialization(mqttbytes::Error::Io(io))) => {
            (io.to_string(), VersionHint::Nothing)
        }
        // An answer that MQTT 5 has no meaning for.
        E::MqttState(StateError::Deserialization(_)) | E::NotConnAck(_) => (
            format!("it answers what is not MQTT 5: {error}"),
            VersionHint::Foreign,
        ),
        E::MqttState(StateError::Unsolicited(_)) => (CONFUSED.to_owned(), VersionHint::Confused),
        other => (other.to_string(), VersionHint::Nothing),
    };
    Disconnect { reason, hint }
}
