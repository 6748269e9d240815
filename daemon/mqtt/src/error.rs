//! Errors of `[mqtt]` at the start. What goes wrong later, such as a broker that is away, is a state and no error.

use std::{io, net::SocketAddr, path::PathBuf};

use moodring_base::{exit::Exit, message::NameError};

use super::url::UrlError;

/// A setting that cannot work, or a port that cannot be had. The text names the key and the way out.
#[derive(Debug, thiserror::Error)]
pub enum MqttError {
    /// The broker's address.
    #[error("[mqtt] url cannot be used: {0}")]
    Url(#[from] UrlError),
    /// The first part of topics.
    #[error("[mqtt] prefix {prefix:?} cannot be used: {reason}")]
    Prefix {
        /// As configured.
        prefix: String,
        /// The cause.
        reason: NameError,
    },
    /// The first part of Homie's topics.
    #[error(
        "[mqtt.homie] domain {0:?} cannot be used; it must be one part of a topic, without / + and #"
    )]
    HomieDomain(String),
    /// Seconds between states.
    #[error("[mqtt] interval_s is {0}; it must be from 0.2 to 86400")]
    Interval(f32),
    /// Seconds between pings.
    #[error("[mqtt] keep_alive_s is {0}; it must be from 5 to 3600")]
    KeepAlive(u16),
    /// Ours speaks 3.1.1.
    #[error(
        "[mqtt] version is \"5\", but the embedded broker speaks 3.1.1 alone: set version to \"auto\", or url to a broker \
         such as mosquitto"
    )]
    EmbeddedVersion,
    /// A certificate or key.
    #[error("[mqtt] {key} {path:?} cannot be used: {reason}")]
    Tls {
        /// Which setting.
        key: &'static str,
        /// As configured.
        path: String,
        /// The cause.
        reason: String,
    },
    /// A password without a user: MQTT 3.1.1 has no such thing, and few brokers do.
    #[error("[mqtt] password_file is set but user is not; set both or none")]
    User,
    /// The file with the password.
    #[error(
        "cannot read [mqtt] password_file {path:?}: {reason}. Its first line must be the password"
    )]
    Password {
        /// As configured.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// Not an address.
    #[error(
        "[mqtt] listen {0:?} is not an address and a port, such as 127.0.0.1:1883 or [::1]:1883"
    )]
    Listen(String),
    /// Other machines may see the embedded broker only with a password.
    #[error(
        "[mqtt] listen {0} is open to other machines: set [mqtt] user and password_file, which they then need, too. \
         Or use 127.0.0.1, or a broker such as mosquitto and its address in [mqtt] url"
    )]
    NotLoopback(SocketAddr),
    /// Somebody else has the port.
    #[error(
        "the embedded broker cannot listen on {listen}: the port is in use, perhaps by a broker. \
         Use that one with [mqtt] url = \"mqtt://{listen}\", or set [mqtt] listen to another port"
    )]
    PortInUse {
        /// As configured.
        listen: SocketAddr,
    },
    /// The port cannot be had for another reason.
    #[error(
        "the embedded broker cannot listen on {listen}: {reason}. Set [mqtt] listen to another address"
    )]
    Port {
        /// As configured.
        listen: SocketAddr,
        /// The cause.
        reason: String,
    },
    /// No thread for it.
    #[error(
        "the embedded broker cannot start: {0}. Set [mqtt] url to another broker, or enabled = false"
    )]
    Thread(io::Error),
    /// Built without the feature.
    #[error(
        "this moodring was built without its embedded broker (feature `broker`). \
         Set [mqtt] url to a broker such as mqtt://127.0.0.1:1883, or enabled = false"
    )]
    NoBroker,
}

impl MqttError {
    /// The exit code that goes with it.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Url(_)
            | Self::Prefix { .. }
            | Self::HomieDomain(_)
            | Self::Interval(_)
            | Self::KeepAlive(_)
            | Self::EmbeddedVersion
            | Self::User
            | Self::Password { .. }
            | Self::Tls { .. }
            | Self::Listen(_)
            | Self::NotLoopback(_)
            | Self::NoBroker => Exit::Config,
            Self::PortInUse { .. } | Self::Port { .. } | Self::Thread(_) => Exit::Output,
        }
    }
}
