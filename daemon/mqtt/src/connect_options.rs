//! A broker and how to connect to it, without any library's types. `link/v3.rs` and `link/v5.rs` make packets of it.

use std::{fmt, net::SocketAddr, time::Duration};

use moodring_base::config::MqttVersion;
use rumqttc::{TlsConfiguration, Transport};

use super::{
    tls::BrokerTls,
    url::{BrokerAddress, Scheme},
};

/// The largest packet in either direction. A state with a full room has 6 KiB.
pub(super) const MAX_PACKET_BYTES: usize = 64 * 1024;

/// A broker and how to connect to it. Not `Debug`: it holds the password.
#[derive(Clone)]
pub(super) struct ConnectOptions {
    pub(super) broker: BrokerAddress,
    /// Which of its addresses to connect to; `None`: that which the system takes for the name.
    pub(super) address: Option<SocketAddr>,
    /// Which versions may be spoken with it.
    pub(super) version: MqttVersion,
    pub(super) client_id: String,
    /// User and password.
    pub(super) login: Option<(String, String)>,
    /// Whom to trust; only where the address wants TLS.
    pub(super) tls: Option<BrokerTls>,
    /// Between two pings; five seconds at least, whole ones.
    pub(super) keep_alive: Duration,
    pub(super) will: Option<Will>,
    pub(super) session: SessionKind,
}

/// What the broker publishes when a connection breaks, QoS 1 and retained.
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
    /// What the libraries connect to: of a WebSocket they take a whole URL for it.
    pub(super) fn host(&self) -> String {
        let Some(address) = self.address else {
            return match self.broker.scheme {
                Scheme::Tcp | Scheme::Tls => self.broker.host.clone(),
                Scheme::Ws | Scheme::Wss => self.broker.web_url(),
            };
        };
        // With brackets and zone where there are any.
        let text = address.to_string();
        let host = text
            .rsplit_once(':')
            .map_or(text.as_str(), |(host, _)| host);
        match self.broker.scheme {
            Scheme::Tcp => host.to_owned(),
            // For TLS it is a number, which has no brackets.
            Scheme::Tls => address.ip().to_string(),
            Scheme::Ws | Scheme::Wss => {
                let host = host.to_owned();
                let broker = self.broker.clone();
                BrokerAddress { host, ..broker }.web_url()
            }
        }
    }

    /// The same broker at this address. Its name stays what it is for certificates and for who serves many names: where a library
    /// could not be told so, nothing changes.
    pub(super) fn at(&self, address: Option<SocketAddr>) -> Self {
        let has_zone =
            |address: &SocketAddr| matches!(address, SocketAddr::V6(six) if six.scope_id() != 0);
        let mut at = self.clone();
        at.address =
            address.filter(|address| self.broker.scheme == Scheme::Tcp || !has_zone(address));
        at
    }

    /// The URL and the `Host` that a WebSocket's request must have, where the connection goes to an address.
    pub(super) fn web_name(&self) -> Option<(String, String)> {
        let is_web = matches!(self.broker.scheme, Scheme::Ws | Scheme::Wss);
        (is_web && self.address.is_some()).then(|| (self.broker.web_url(), self.broker.to_string()))
    }

    /// What lies below MQTT.
    pub(super) fn transport(&self) -> Transport {
        match (self.broker.scheme, &self.tls) {
            (Scheme::Tls, Some(tls)) => {
                let by_name = self.address.and_then(|_| tls.by_address(&self.broker.host));
                let config = by_name.unwrap_or_else(|| tls.config.clone());
                Transport::Tls(TlsConfiguration::Rustls(config))
            }
            (Scheme::Wss, Some(tls)) => {
                Transport::Wss(TlsConfiguration::Rustls(tls.config.clone()))
            }
            (Scheme::Ws, _) => Transport::Ws,
            (Scheme::Tcp | Scheme::Tls | Scheme::Wss, _) => Transport::Tcp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings;
    use moodring_base::config::MqttSettings;

    #[test]
    fn another_address_is_connected_to_and_the_name_stays() {
        for (url, address, host) in [
            ("mqtt://broker", "192.0.2.7:1883", "192.0.2.7"),
            ("mqtt://broker", "[2001:db8::7]:1883", "[2001:db8::7]"),
            ("mqtt://broker", "[fe80::7%3]:1883", "[fe80::7%3]"),
            ("mqtts://broker", "192.0.2.7:8883", "192.0.2.7"),
            ("mqtts://broker", "[2001:db8::7]:8883", "2001:db8::7"),
            ("mqtts://broker", "[fe80::7%3]:8883", "broker"),
            ("ws://broker/a", "192.0.2.7:80", "ws://192.0.2.7:80/a"),
            (
                "ws://broker",
                "[2001:db8::7]:80",
                "ws://[2001:db8::7]:80/mqtt",
            ),
            ("wss://broker:9", "192.0.2.7:9", "wss://192.0.2.7:9/mqtt"),
            ("ws://broker", "[fe80::7%3]:80", "ws://broker:80/mqtt"),
        ] {
            let wanted = MqttSettings {
                url: url.into(),
                ..MqttSettings::default()
            };
            let candidates =
                settings::subscriber_options(&wanted, "x", SessionKind::Clean).unwrap();
            let at = candidates[0].at(Some(address.parse().unwrap()));
            assert_eq!(at.host(), host, "{url} {address}");
            assert_eq!(at.broker, candidates[0].broker);
            let named = at.web_name().map(|(url, _)| url);
            let web = url.starts_with("ws") && !address.contains('%');
            assert_eq!(
                named,
                web.then(|| candidates[0].broker.web_url()),
                "{url} {address}"
            );
            assert_eq!(candidates[0].web_name(), None);
        }
    }
}
