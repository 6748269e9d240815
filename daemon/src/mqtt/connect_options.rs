//! A broker and how to connect to it, without any library's types. `link/v3.rs` and `link/v5.rs` make packets of it.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use rumqttc::{TlsConfiguration, Transport};
use rustls::ClientConfig;

use super::url::{BrokerAddress, Scheme};
use crate::config::MqttVersion;

/// The largest packet in either direction. A state with a full room has 6 KiB.
pub(super) const MAX_PACKET_BYTES: usize = 64 * 1024;

/// A broker and how to connect to it. Not `Debug`: it holds the password.
#[derive(Clone)]
pub(super) struct ConnectOptions {
    pub(super) broker: BrokerAddress,
    /// Which versions may be spoken with it.
    pub(super) version: MqttVersion,
    pub(super) client_id: String,
    /// User and password.
    pub(super) login: Option<(String, String)>,
    /// Whom to trust; only where the address wants TLS.
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// Between two pings; five seconds at least, whole ones.
    pub(super) keep_alive: Duration,
    pub(super) will: Option<Will>,
    pub(super) session: SessionKind,
}

/// What the broker says when a connection breaks, QoS 1 and retained.
#[derive(Clone)]
pub(super) struct Will {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
}

/// What a broker keeps for a client that is away: its subscriptions, and what comes for them with QoS 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionKind {
    /// Nothing.
    Clean,
    /// All of it for so long after a connection of this run broke. Only MQTT 5 knows an end; by 3.1.1 nothing is kept.
    Brief(Duration),
    /// All of it, also for the next run of the same name; until it is forgotten by a clean connection.
    Lasting,
}

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V3,
    V5,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V3 => "MQTT 3.1.1",
            Self::V5 => "MQTT 5",
        })
    }
}

impl ConnectOptions {
    /// What the libraries call the host: of a WebSocket they take the whole address for it.
    pub(super) fn host(&self) -> String {
        match self.broker.scheme {
            Scheme::Tcp | Scheme::Tls => self.broker.host.clone(),
            Scheme::Ws | Scheme::Wss => self.broker.web_url(),
        }
    }

    /// The same broker at this address, where nothing but the connection depends on its name: a certificate is for the name.
    pub(super) fn at(&self, address: Option<SocketAddr>) -> Self {
        let mut at = self.clone();
        if let (Some(address), Scheme::Tcp) = (address, self.broker.scheme) {
            // With brackets and zone where there are any.
            let text = address.to_string();
            at.broker.host = text
                .rsplit_once(':')
                .map_or(text.clone(), |(host, _)| host.to_owned());
        }
        at
    }

    /// What lies below MQTT.
    pub(super) fn transport(&self) -> Transport {
        match (self.broker.scheme, self.tls.clone()) {
            (Scheme::Tls, Some(tls)) => Transport::Tls(TlsConfiguration::Rustls(tls)),
            (Scheme::Wss, Some(tls)) => Transport::Wss(TlsConfiguration::Rustls(tls)),
            (Scheme::Ws, _) => Transport::Ws,
            (Scheme::Tcp | Scheme::Tls | Scheme::Wss, _) => Transport::Tcp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::MqttSettings, mqtt::settings};

    #[test]
    fn another_address_is_taken_only_where_no_certificate_wants_the_name() {
        for (url, address, host) in [
            ("mqtt://broker", "192.0.2.7:1883", "192.0.2.7"),
            ("mqtt://broker", "[2001:db8::7]:1883", "[2001:db8::7]"),
            ("mqtt://broker", "[fe80::7%3]:1883", "[fe80::7%3]"),
            ("mqtts://broker", "192.0.2.7:8883", "broker"),
        ] {
            let wanted = MqttSettings {
                url: url.into(),
                ..MqttSettings::default()
            };
            let ways = settings::reader(&wanted, "x", SessionKind::Clean).unwrap();
            let at = ways[0].at(Some(address.parse().unwrap()));
            assert_eq!(
                (at.broker.host.as_str(), at.broker.port),
                (host, ways[0].broker.port)
            );
            assert_eq!(ways[0].at(None).broker, ways[0].broker);
        }
    }
}
