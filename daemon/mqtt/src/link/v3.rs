//! MQTT 3.1.1 by rumqttc: its options, its packets, and what its errors mean.

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions,
    Outgoing, Packet, QoS, StateError, SubscribeFilter, SubscribeReasonCode, mqttbytes,
};
use tokio::sync::mpsc;

use super::{
    CONFUSED, Disconnect, Link, LinkFull, Receipt, VersionHint, WireEvent, flags, hung_up,
};
use crate::{
    Incoming,
    connect_options::{ConnectOptions, MAX_PACKET_BYTES, SessionKind},
    protocol::Publication,
    tls,
};

/// The half that sends.
pub(super) struct SendHalf(AsyncClient);

/// Both halves; nothing happens before the second is pumped.
pub(super) fn open(connect_options: &ConnectOptions) -> (SendHalf, EventLoop) {
    let (client, events) = AsyncClient::new(options(connect_options), Link::CAPACITY);
    (SendHalf(client), events)
}

fn options(connect_options: &ConnectOptions) -> MqttOptions {
    let mut options = MqttOptions::new(
        &connect_options.client_id,
        connect_options.host(),
        connect_options.broker.port,
    );
    options
        .set_keep_alive(connect_options.keep_alive)
        // A session has no end here; one that is to be brief is none.
        .set_clean_session(connect_options.session != SessionKind::Lasting)
        .set_max_packet_size(MAX_PACKET_BYTES, MAX_PACKET_BYTES)
        .set_inflight(Link::IN_FLIGHT)
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
        let payload = will.payload.clone();
        options.set_last_will(LastWill::new(&will.topic, payload, QoS::AtLeastOnce, true));
    }
    options
}

impl SendHalf {
    pub(super) fn publish(&self, publication: Publication) -> Result<(), LinkFull> {
        let (retain, has_receipt) = flags(publication.delivery);
        let qos = qos(has_receipt);
        self.0
            .try_publish(publication.topic, qos, retain, publication.payload)
            .map_err(|_| LinkFull)
    }

    pub(super) fn subscribe(&self, topics: &[String]) -> Result<(), LinkFull> {
        let filter = |topic: &String| SubscribeFilter::new(topic.clone(), QoS::AtLeastOnce);
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

/// Keeps the connection going until it ends or nobody listens.
pub(super) async fn pump(mut events: EventLoop, tx: mpsc::Sender<WireEvent>) {
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
        Event::Incoming(Packet::ConnAck(_)) => Some(WireEvent::Accepted { largest: None }),
        Event::Incoming(Packet::PubAck(ack)) => Some(WireEvent::Receipt(ack.pkid, Receipt::Taken)),
        Event::Incoming(Packet::Publish(message)) => Some(WireEvent::Received(Incoming::Message {
            topic: message.topic,
            payload: message.payload.to_vec(),
            retained: message.retain,
        })),
        Event::Incoming(Packet::SubAck(ack))
            if ack.return_codes.contains(&SubscribeReasonCode::Failure) =>
        {
            Some(WireEvent::SubscribeRefused(
                "it does not say why".to_owned(),
            ))
        }
        Event::Incoming(Packet::SubAck(_)) => Some(WireEvent::Subscribed),
        Event::Outgoing(Outgoing::Publish(number)) => Some(WireEvent::Sent(number)),
        Event::Outgoing(Outgoing::Disconnect) => Some(WireEvent::Closed),
        Event::Incoming(_) | Event::Outgoing(_) => None,
    }
}

fn explain(error: &ConnectionError) -> Disconnect {
    use ConnectReturnCode as Code;
    use ConnectionError as E;
    // Handshakes fail deep inside errors of other crates; their texts are what they have in common.
    if let Some(hint) = tls::hint(&error.to_string()) {
        return hint.to_owned().into();
    }
    let (reason, hint) = match error {
        E::ConnectionRefused(Code::RefusedProtocolVersion) => (
            "it does not speak MQTT 3.1.1; set [mqtt] version".to_owned(),
            VersionHint::Foreign,
        ),
        E::ConnectionRefused(Code::BadUserNamePassword | Code::NotAuthorized) => (
            "it refused user and password; set [mqtt] user and password_file".to_owned(),
            VersionHint::Spoken,
        ),
        E::ConnectionRefused(code) => (
            format!("it refused the connection: {code:?}"),
            VersionHint::Spoken,
        ),
        E::NetworkTimeout => (
            "no answer within 5 seconds".to_owned(),
            VersionHint::Nothing,
        ),
        E::Io(error) => (error.to_string(), VersionHint::Nothing),
        E::MqttState(StateError::AwaitPingResp) => (
            "it no longer answers pings".to_owned(),
            VersionHint::Nothing,
        ),
        E::MqttState(StateError::ConnectionAborted) => {
            ("it closed the connection".to_owned(), VersionHint::HungUp)
        }
        E::MqttState(
            StateError::Io(io) | StateError::Deserialization(mqttbytes::Error::Io(io)),
        ) if hung_up(io) => ("it closed the connection".to_owned(), VersionHint::HungUp),
        E::MqttState(StateError::Unsolicited(_)) => (CONFUSED.to_owned(), VersionHint::Confused),
        other => (other.to_string(), VersionHint::Nothing),
    };
    Disconnect { reason, hint }
}
