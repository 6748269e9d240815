//! `mqtt://host:port` and the other schemes, read strictly: what is not understood is refused, not guessed.

/// How a broker is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// MQTT on TCP, in the clear: `mqtt://`.
    Tcp,
    /// MQTT in TLS: `mqtts://`.
    Tls,
    /// MQTT in a WebSocket, in the clear: `ws://`.
    Ws,
    /// MQTT in a WebSocket in TLS: `wss://`.
    Wss,
}

impl Scheme {
    /// Whether certificates are needed.
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }

    const fn is_web(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }

    const fn port(self) -> u16 {
        match self {
            Self::Tcp => DEFAULT_PORT,
            Self::Tls => 8883,
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }
}

/// Where a broker is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BrokerAddress {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Name or number; IPv6 numbers keep their brackets, as resolvers want them.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// A WebSocket's path, with its slash; empty otherwise.
    pub path: String,
}

impl BrokerAddress {
    /// What a WebSocket client connects to.
    pub fn web_url(&self) -> String {
        let scheme = if self.scheme == Scheme::Wss {
            "wss"
        } else {
            "ws"
        };
        format!("{scheme}://{self}{}", self.path)
    }
}

impl std::fmt::Display for BrokerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Why an address cannot be used, and the way out. Never repeats the address: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a known scheme.
    #[error(
        "it must begin with mqtt://, mqtts:// (TLS), ws:// or wss:// (WebSocket), such as mqtt://192.168.1.10:1883"
    )]
    Scheme,
    /// Certificates are for names.
    #[error(
        "with mqtts:// and wss:// it needs the broker's name, as its certificate has it, not an IPv6 number"
    )]
    Number,
    /// `user:password@host`.
    #[error("it must not hold a user or a password: set [mqtt] user and password_file instead")]
    Login,
    /// No host.
    #[error("it has no host, such as mqtt://192.168.1.10:1883")]
    Host,
    /// Not 1 to 65535.
    #[error(
        "its port must be a number from 1 to 65535 (if it is left out: 1883, or 8883 with TLS)"
    )]
    Port,
    /// A path, a query or a fragment.
    #[error(
        "nothing may follow the port, but a path after ws:// and wss://; topics are set with [mqtt] prefix"
    )]
    Rest,
}

/// MQTT's port without TLS.
pub const DEFAULT_PORT: u16 = 1883;

/// Reads one or more addresses, parted by commas or spaces: the first that can be reached is used.
///
/// # Errors
/// [`UrlError`] if one of them is none; [`UrlError::Scheme`] if there is none at all.
pub fn parse_all(urls: &str) -> Result<Vec<BrokerAddress>, UrlError> {
    let parts = urls.split([',', ' ', '\t', '\n']);
    let all: Vec<_> = parts
        .filter(|p| !p.is_empty())
        .map(parse)
        .collect::<Result<_, _>>()?;
    if all.is_empty() {
        return Err(UrlError::Scheme);
    }
    Ok(all)
}

/// Reads `mqtt://host` or `mqtt://host:port`; `mqtts`, `ws` and `wss` likewise, the last two with a path (`/mqtt` if it
/// is left out).
///
/// # Errors
/// [`UrlError`] if it is anything else.
pub fn parse(url: &str) -> Result<BrokerAddress, UrlError> {
    let (scheme, rest) = url.trim().split_once("://").ok_or(UrlError::Scheme)?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "mqtt" | "tcp" => Scheme::Tcp,
        "mqtts" | "ssl" | "tls" => Scheme::Tls,
        "ws" => Scheme::Ws,
        "wss" => Scheme::Wss,
        _ => return Err(UrlError::Scheme),
    };
    if rest.contains('@') {
        return Err(UrlError::Login);
    }
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let path = match (scheme.is_web(), path) {
        (true, "" | "/") => "/mqtt",
        (true, path) if is_path(path) => path,
        (false, "" | "/") => "",
        _ => return Err(UrlError::Rest),
    };
    if authority.contains(['?', '#']) {
        return Err(UrlError::Rest);
    }
    let (host, port) = split_port(authority)?;
    let port = port.map_or(Ok(scheme.port()), read_port)?;
    if !is_host(host) {
        return Err(UrlError::Host);
    }
    if scheme.is_secure() && host.starts_with('[') {
        return Err(UrlError::Number);
    }
    Ok(BrokerAddress {
        scheme,
        host: host.to_owned(),
        port,
        path: path.to_owned(),
    })
}

fn is_path(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'.');
    path.bytes().all(plain)
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
    fn ways_to_speak_and_their_ports() {
        assert_eq!(good("mqtts://broker"), "broker:8883");
        for (url, web) in [
            ("ws://broker", "ws://broker:80/mqtt"),
            ("wss://broker/", "wss://broker:443/mqtt"),
            ("WS://broker:8083/my/path", "ws://broker:8083/my/path"),
        ] {
            assert_eq!(parse(url).unwrap().web_url(), web);
        }
        assert!(parse("wss://broker").unwrap().scheme.is_secure());
    }

    #[test]
    fn several_brokers() {
        let all = parse_all("mqtts://a, mqtt://b:2 ,").unwrap();
        let all: Vec<_> = all.iter().map(ToString::to_string).collect();
        assert_eq!(all, ["a:8883", "b:2"]);
        assert_eq!(parse_all(" ,"), Err(UrlError::Scheme));
        assert_eq!(parse_all("mqtt://a, b"), Err(UrlError::Scheme));
    }

    #[test]
    fn what_is_refused_and_why() {
        for (url, why) in [
            ("", UrlError::Scheme),
            ("broker:1883", UrlError::Scheme),
            ("http://broker", UrlError::Scheme),
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
            ("ws://broker/a?token=x", UrlError::Rest),
            ("mqtts://[::1]", UrlError::Number),
        ] {
            assert_eq!(parse(url), Err(why), "{url}");
        }
    }
}
