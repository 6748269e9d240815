//! The names by which this device may be addressed, and what a `Host` header must look like.

use std::net::{IpAddr, Ipv6Addr};

use axum::{
    extract::Request,
    http::{StatusCode, header},
};
use moodring_base::config::origin::host_name;

use super::error::ApiError;

/// The names of this device.
#[derive(Debug)]
pub(super) struct Hosts(Vec<String>);

impl Hosts {
    pub(super) fn new(more: &[String]) -> Self {
        // A machine without it knows no domain.
        let resolver = std::fs::read_to_string(RESOLVER).unwrap_or_default();
        Self::of(&moodring_base::files::host_name(), &resolver, more)
    }

    fn of(own: &str, resolver: &str, more: &[String]) -> Self {
        let own = own.trim().to_ascii_lowercase();
        let mut names = vec!["localhost".to_owned()];
        if !own.is_empty() {
            names.push(format!("{own}.local"));
            names.extend(domains(resolver).map(|domain| format!("{own}.{domain}")));
            names.push(own);
        }
        names.extend(more.iter().filter_map(|name| host_name(name)));
        Self(names)
    }

    /// Whether a `Host` header is one of ours. Addresses always are: only a name can be bent to point at us.
    pub(super) fn has(&self, host: &str) -> bool {
        let Some(name) = name(host) else { return false };
        name.parse::<IpAddr>().is_ok() || self.0.contains(&name)
    }
}

/// Where the system notes the network's domain.
const RESOLVER: &str = "/etc/resolv.conf";

/// The network's own domains (resolv.conf(5)), which its router gave: `fritz.box` makes `hall.fritz.box` a name of this device.
fn domains(resolver: &str) -> impl Iterator<Item = String> {
    let lines = resolver.lines().map(|line| {
        let mut fields = line.split_whitespace();
        let is_domain = matches!(fields.next(), Some("search" | "domain"));
        is_domain.then_some(fields)
    });
    lines.flatten().flatten().filter_map(host_name)
}

/// The host without its port, in small letters; `None` for what is no `host[:port]`.
fn name(host: &str) -> Option<String> {
    let (name, rest) = match host.strip_prefix('[') {
        Some(inside) => {
            let (address, rest) = inside.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            (address, rest)
        }
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let port = rest.strip_prefix(':');
    let number =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    if !rest.is_empty() && !port.is_some_and(number) {
        return None;
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    (!name.is_empty()).then(|| name.to_ascii_lowercase())
}

/// The one `Host` of a request that is asked for by its path. Two of them, or a whole address in the first line, are read
/// in different ways by proxies and by us, so they are refused.
///
/// # Errors
/// A [`ApiError`] that names the fault.
pub(super) fn host(request: &Request) -> Result<&str, ApiError> {
    let bad = |text: &str| Err(ApiError::new(StatusCode::BAD_REQUEST, text));
    if request.uri().authority().is_some() || request.uri().scheme().is_some() {
        return bad("the first line must hold a path alone, and the header Host the name");
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), Some(_)) => bad("there is more than one header Host"),
        (host, _) => Ok(host.and_then(|host| host.to_str().ok()).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_own_names_are_ours_and_others_are_not() {
        let hosts = Hosts::new(&["Mirror.example.".into()]);
        for ours in [
            "127.0.0.1:8080",
            "192.168.7.9",
            "[::1]:8080",
            "[fe80::1]",
            "localhost:8080",
            "LOCALHOST",
            "mirror.example:80",
            "mirror.example.:80",
        ] {
            assert!(hosts.has(ours), "{ours}");
        }
        for foreign in [
            "",
            ":80",
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
            "[::1].evil",
            "[::1].evil:80",
            "[::1]evil",
            "[::1",
            "[evil]:80",
            "[localhost]",
            "[]",
            "::1",
            "localhost:evil",
            "localhost:",
            "localhost:+80",
            "localhost:99999",
            "localhost:80:80",
            "evil@localhost",
            "localhost@evil",
            "localhost/evil",
            "localhost..",
            "127.0.0.1 .evil",
            "0x7f.1.evil",
        ] {
            assert!(!hosts.has(foreign), "{foreign}");
        }
    }

    /// A router names devices by its own domain: hall.fritz.box, hall.lan. A public domain of the same host name is another's.
    #[test]
    fn the_name_that_the_router_gives_is_ours() {
        let resolver = "# made by NetworkManager\nsearch fritz.box Home.lan. bad_/name\nnameserver 10.0.0.1\nsearchx evil.example\n";
        let hosts = Hosts::of("Hall\n", resolver, &[]);
        for ours in [
            "hall",
            "hall.local",
            "hall.fritz.box:8080",
            "HALL.home.lan.",
        ] {
            assert!(hosts.has(ours), "{ours}");
        }
        for foreign in [
            "fritz.box",
            "hall.evil.example",
            "hall.lan",
            "other.fritz.box",
        ] {
            assert!(!hosts.has(foreign), "{foreign}");
        }
        assert!(!Hosts::of("", "domain lan\n", &[]).has(".lan"));
        assert!(Hosts::of("a", "domain lan\n", &[]).has("a.lan"));
        assert!(!Hosts::of("a", "search .\n", &[]).has("a.."));
    }

    #[test]
    fn one_host_and_a_path_alone() {
        let ask = |uri: &str, hosts: &[&str]| {
            let request = hosts.iter().fold(Request::get(uri), |request, host| {
                request.header("host", *host)
            });
            host(&request.body(axum::body::Body::empty()).unwrap()).map(str::to_owned)
        };
        assert_eq!(ask("/", &["a:80"]).unwrap(), "a:80");
        assert_eq!(ask("/", &[]).unwrap(), "");
        assert!(ask("/", &["a", "a"]).is_err());
        assert!(ask("http://127.0.0.1/", &["127.0.0.1"]).is_err());
    }
}
