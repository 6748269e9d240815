//! A broker and how to connect to it, without any library's types. `link/v3.rs` and `link/v5.rs` make packets of it.

use std::{fmt, sync::Arc, time::Duration};

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
