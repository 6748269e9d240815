//! The embedded broker: rumqttd on a loopback address, elsewhere with a password, MQTT 3.1.1, nothing kept on disk.

use std::net::{IpAddr, SocketAddr};

use super::MqttError;

#[cfg(feature = "broker")]
mod bounds;
#[cfg(feature = "broker")]
mod embedded;
#[cfg(feature = "broker")]
mod entrance;
#[cfg(feature = "broker")]
pub(super) use bounds::read;
#[cfg(feature = "broker")]
pub(super) use embedded::Broker;

/// Where it is to listen. With a `login` (user and password) everybody needs it, on this machine too.
///
/// # Errors
/// [`MqttError`] if `listen` is no address, or is seen by other machines and there is no password.
pub(super) fn address(
    listen: &str,
    login: Option<&(String, String)>,
) -> Result<SocketAddr, MqttError> {
    let has_password = login.is_some_and(|(_, password)| !password.is_empty());
    match loopback(listen) {
        Err(MqttError::NotLoopback(address)) if has_password => Ok(address),
        other => other,
    }
}

fn loopback(listen: &str) -> Result<SocketAddr, MqttError> {
    let text = listen.trim();
    // `localhost` means the first loopback address; other names may mean anything.
    let text = match text.strip_prefix("localhost:") {
        Some(port) => &format!("127.0.0.1:{port}"),
        None => text,
    };
    let address: SocketAddr = text
        .parse()
        .map_err(|_| MqttError::Listen(listen.to_owned()))?;
    let is_loopback = match address.ip() {
        IpAddr::V4(v4) => v4.is_loopback(),
        IpAddr::V6(v6) => v6.is_loopback(),
    };
    if is_loopback {
        Ok(address)
    } else {
        Err(MqttError::NotLoopback(address))
    }
}

/// A placeholder in builds without the feature `broker`; it cannot be constructed.
#[cfg(not(feature = "broker"))]
pub(super) enum Broker {}

#[cfg(not(feature = "broker"))]
impl Broker {
    pub(super) fn start(
        _address: SocketAddr,
        _login: Option<(String, String)>,
    ) -> Result<Self, MqttError> {
        Err(MqttError::NoBroker)
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_accepted() {
        for good in [
            "127.0.0.1:1883",
            "127.9.9.9:0",
            "[::1]:1883",
            "localhost:1883",
        ] {
            assert!(loopback(good).is_ok(), "{good}");
        }
        for bad in [
            "0.0.0.0:1883",
            "[::]:1883",
            "192.168.1.4:1883",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert!(
                matches!(loopback(bad), Err(MqttError::NotLoopback(_))),
                "{bad}"
            );
        }
        for bad in [
            "",
            "1883",
            ":1883",
            "127.0.0.1",
            "broker:1883",
            "127.0.0.1:99999",
        ] {
            let error = loopback(bad).unwrap_err().to_string();
            assert!(error.contains("127.0.0.1:1883"), "{error}");
        }
    }
}
