//! `mqtt://host:port`, read strictly: what is not understood is refused, not guessed.

/// Where a broker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Name or number; IPv6 numbers keep their brackets, as resolvers want them.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Why an address cannot be used, and the way out. Never repeats the address: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not `mqtt://`.
    #[error("it must begin with mqtt://, such as mqtt://192.168.1.10:1883")]
    Scheme,
    /// TLS or WebSocket.
    #[error(
        "mqtts:// comes with TLS support, which this version lacks; use mqtt:// inside your own network"
    )]
    Tls,
    /// `user:password@host`.
    #[error("it must not hold a user or a password: set [mqtt] user and password_file instead")]
    Login,
    /// No host.
    #[error("it has no host, such as mqtt://192.168.1.10:1883")]
    Host,
    /// Not 1 to 65535.
    #[error("its port must be a number from 1 to 65535 (1883 if it is left out)")]
    Port,
    /// A path, a query or a fragment.
    #[error("nothing may follow the port; topics are set with [mqtt] prefix")]
    Rest,
}

/// MQTT's port without TLS.
pub const DEFAULT_PORT: u16 = 1883;

/// Reads `mqtt://host` or `mqtt://host:port`.
///
/// # Errors
/// [`UrlError`] if it is anything else.
pub fn parse(url: &str) -> Result<Address, UrlError> {
    let (scheme, rest) = url.trim().split_once("://").ok_or(UrlError::Scheme)?;
    match scheme.to_ascii_lowercase().as_str() {
        "mqtt" | "tcp" => {}
        "mqtts" | "ssl" | "wss" => return Err(UrlError::Tls),
        _ => return Err(UrlError::Scheme),
    }
    if rest.contains('@') {
        return Err(UrlError::Login);
    }
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['/', '?', '#']) {
        return Err(UrlError::Rest);
    }
    let (host, port) = split_port(authority)?;
    let port = port.map_or(Ok(DEFAULT_PORT), read_port)?;
    if !is_host(host) {
        return Err(UrlError::Host);
    }
    Ok(Address {
        host: host.to_owned(),
        port,
    })
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), UrlError> {
    if !authority.starts_with('[') {
        return Ok(match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        });
    }
    let end = authority.find(']').ok_or(UrlError::Host)? + 1;
    let (host, rest) = authority.split_at(end);
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err(UrlError::Port),
    }
}

fn read_port(text: &str) -> Result<u16, UrlError> {
    // `str::parse` takes a plus sign; addresses do not.
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(UrlError::Port);
    }
    text.parse().ok().filter(|&p| p != 0).ok_or(UrlError::Port)
}

fn is_host(host: &str) -> bool {
    let bracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    match bracketed {
        Some(inside) => inside.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
            !host.is_empty() && host.chars().all(plain)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(url: &str) -> String {
        parse(url).unwrap().to_string()
    }

    #[test]
    fn hosts_and_ports() {
        assert_eq!(good("mqtt://broker"), "broker:1883");
        assert_eq!(good("mqtt://192.168.1.10:8883/"), "192.168.1.10:8883");
        assert_eq!(good(" MQTT://pi-5.local:1"), "pi-5.local:1");
        assert_eq!(good("mqtt://[::1]"), "[::1]:1883");
        assert_eq!(good("mqtt://[fe80::1]:9"), "[fe80::1]:9");
    }

    #[test]
    fn what_is_refused_and_why() {
        for (url, why) in [
            ("", UrlError::Scheme),
            ("broker:1883", UrlError::Scheme),
            ("http://broker", UrlError::Scheme),
            ("mqtts://broker", UrlError::Tls),
            ("mqtt://me:secret@broker", UrlError::Login),
            ("mqtt://", UrlError::Host),
            ("mqtt://:1883", UrlError::Host),
            ("mqtt://a b", UrlError::Host),
            ("mqtt://[::zz]", UrlError::Host),
            ("mqtt://[::1", UrlError::Host),
            ("mqtt://[::1]x", UrlError::Port),
            ("mqtt://broker:", UrlError::Port),
            ("mqtt://broker:0", UrlError::Port),
            ("mqtt://broker:+1", UrlError::Port),
            ("mqtt://broker:65536", UrlError::Port),
            ("mqtt://broker/topic", UrlError::Rest),
            ("mqtt://broker?x=1", UrlError::Rest),
        ] {
            assert_eq!(parse(url), Err(why), "{url}");
        }
    }
}
