//! `[web] proxies`: who a request comes from when a reverse proxy hands it on. Only the listed addresses are believed. Pure:
//! no socket.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use moodring_base::config::parse_network;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The reverse proxies that are believed.
#[derive(Clone, Debug, Default)]
pub(super) struct Proxies(Vec<IpNet>);

/// The client of a request, and how the browser addressed this page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Visitor {
    /// The browser's or program's own address, as far as it can be believed.
    pub(super) address: IpAddr,
    /// The host that the browser asked, where a believed proxy names it.
    pub(super) host: Option<String>,
    /// What the browser speaks, where a believed proxy names it; else HTTP.
    pub(super) scheme: Scheme,
    /// Whether a believed proxy named the address.
    pub(super) forwarding: Forwarding,
}

/// The protocol between the browser and the first proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

/// How a request came here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forwarding {
    /// From the address itself.
    Direct,
    /// Through a believed proxy.
    Forwarded,
}

impl Proxies {
    /// The networks of the settings, which their check has read before.
    pub(super) fn new(networks: &[String]) -> Self {
        Self(networks.iter().filter_map(|n| parse_network(n)).collect())
    }

    /// Whether this address is a proxy whose headers are believed.
    pub(super) fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The visitor of a request from this peer.
    pub(super) fn visitor(&self, peer: IpAddr, headers: &HeaderMap) -> Visitor {
        let peer = peer.to_canonical();
        if !self.has(peer) {
            return Visitor::direct(peer);
        }
        let named = self.rightmost_stranger(headers);
        let forwarding = match named {
            Some(_) => Forwarding::Forwarded,
            None => Forwarding::Direct,
        };
        let https = first(headers, &PROTO).is_some_and(|p| p.eq_ignore_ascii_case("https"));
        Visitor {
            address: named.unwrap_or(peer),
            host: first(headers, &HOST).map(str::to_owned),
            scheme: if https { Scheme::Https } else { Scheme::Http },
            forwarding,
        }
    }

    /// The last address of the chain that is no proxy of ours. Each proxy adds the address that it sees at the end, so what
    /// stands before the first stranger, seen from there, is only what that stranger claims. `None` if the chain ends with
    /// what is no address. With proxies alone: the first of them, which asked by itself.
    fn rightmost_stranger(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let mut known = None;
        for line in headers.get_all(FOR).into_iter().rev() {
            // Text beyond ASCII is none of an address.
            let Ok(line) = line.to_str() else {
                return known;
            };
            for hop in line.rsplit(',') {
                let Some(address) = address(hop) else {
                    return known;
                };
                known = Some(address);
                if !self.has(address) {
                    return known;
                }
            }
        }
        known
    }
}

impl Visitor {
    /// One that came through no believed proxy.
    pub(super) fn direct(address: IpAddr) -> Self {
        Self {
            address: address.to_canonical(),
            host: None,
            scheme: Scheme::Http,
            forwarding: Forwarding::Direct,
        }
    }

    /// Whether it is a program of this machine. A forwarded address proves nothing of the kind.
    pub(super) fn is_of_this_machine(&self) -> bool {
        self.forwarding == Forwarding::Direct && self.address.is_loopback()
    }
}

/// Whether a request has the header of a proxy that handed it on.
pub(super) fn is_handed_on(headers: &HeaderMap) -> bool {
    headers.contains_key(FOR)
}

/// One hop: an address, with or without port, brackets, zone and blanks.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = hop
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let bare = bare.unwrap_or(hop);
    let without_zone = bare.split('%').next().unwrap_or(bare);
    let ip = without_zone.parse::<IpAddr>().ok();
    let ip = ip.or_else(|| hop.parse::<SocketAddr>().ok().map(|at| at.ip()));
    ip.map(|ip| ip.to_canonical())
}

/// The value of the first proxy of a chain: the one that the browser itself reached.
fn first<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?;
    let first = value.split(',').next().unwrap_or_default().trim();
    (!first.is_empty()).then_some(first)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn proxies() -> Proxies {
        let networks = ["127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48"];
        Proxies::new(&networks.map(str::to_owned))
    }

    /// Who asks, by these header lines of this peer.
    fn seen(peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FOR, HeaderValue::from_str(line).unwrap());
        }
        let visitor = proxies().visitor(peer.parse().unwrap(), &headers);
        visitor.address.to_string()
    }

    #[test]
    fn the_rightmost_address_that_is_no_proxy_asks() {
        for (peer, lines, asks) in [
            // No header: the peer itself, also a proxy that looks whether we live.
            ("192.0.2.1", &[][..], "192.0.2.1"),
            ("127.0.0.1", &[], "127.0.0.1"),
            // A stranger's header counts for nothing.
            ("192.0.2.1", &["203.0.113.9"], "192.0.2.1"),
            ("192.0.2.1", &["127.0.0.1"], "192.0.2.1"),
            // One proxy, two proxies.
            ("127.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("127.0.0.1", &["203.0.113.9, 10.1.2.3"], "203.0.113.9"),
            ("::ffff:10.9.9.9", &["203.0.113.9"], "203.0.113.9"),
            // What the guesser put there himself stands further left.
            ("127.0.0.1", &["198.51.100.7, 203.0.113.9"], "203.0.113.9"),
            (
                "127.0.0.1",
                &["127.0.0.1, 203.0.113.9, 10.0.0.2"],
                "203.0.113.9",
            ),
            ("127.0.0.1", &["nonsense, 203.0.113.9"], "203.0.113.9"),
            // In several lines, as one proxy adds to another's.
            ("127.0.0.1", &["198.51.100.7", "203.0.113.9"], "203.0.113.9"),
            (
                "127.0.0.1",
                &["198.51.100.7, 203.0.113.9", "10.0.0.2,10.0.0.3"],
                "203.0.113.9",
            ),
            // IPv6, ports, brackets, zones, blanks, mapped addresses.
            ("127.0.0.1", &["2001:db8:9::1"], "2001:db8:9::1"),
            ("127.0.0.1", &["[2001:db8:9::1]"], "2001:db8:9::1"),
            (
                "127.0.0.1",
                &["[2001:db8:9::1]:4711, 2001:db8:1::5"],
                "2001:db8:9::1",
            ),
            ("2001:db8:1::5", &["203.0.113.9:4711"], "203.0.113.9"),
            ("127.0.0.1", &["\t203.0.113.9  "], "203.0.113.9"),
            ("127.0.0.1", &["fe80::1%eth0"], "fe80::1"),
            ("127.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
            ("127.0.0.1", &["::ffff:10.0.0.4"], "10.0.0.4"),
            // Proxies alone: the first one asked by itself.
            ("127.0.0.1", &["10.0.0.4, 10.0.0.3"], "10.0.0.4"),
        ] {
            assert_eq!(seen(peer, lines), asks, "{peer} {lines:?}");
        }
    }

    #[test]
    fn nonsense_is_charged_to_the_proxy_that_handed_it_on() {
        for nonsense in [
            "",
            ",",
            " ",
            "unknown",
            "_hidden",
            "203.0.113",
            "203.0.113.999",
            "[::1",
            "::1]",
            "[evil]:80",
            "for=203.0.113.9",
            "\"203.0.113.9\"",
            "203.0.113.9;",
            "localhost",
            "0x7f.1",
            "203.0.113.9:port",
            "-1",
        ] {
            assert_eq!(seen("127.0.0.1", &[nonsense]), "127.0.0.1", "{nonsense}");
            let chain = format!("203.0.113.9, {nonsense}, 10.0.0.2");
            assert_eq!(seen("127.0.0.1", &[&chain]), "10.0.0.2", "{nonsense}");
        }
        let mut headers = HeaderMap::new();
        headers.append(FOR, HeaderValue::from_bytes(b"203.0.113.9 \xff").unwrap());
        let peer = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(proxies().visitor(peer, &headers).address, peer);
    }

    #[test]
    fn without_the_setting_nobody_is_believed() {
        let mut headers = HeaderMap::new();
        for (name, value) in [(FOR, "203.0.113.9"), (HOST, "evil"), (PROTO, "https")] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let peer = IpAddr::from([127, 0, 0, 1]);
        let visitor = Proxies::default().visitor(peer, &headers);
        assert_eq!(visitor, Visitor::direct(peer));
        assert!(is_handed_on(&headers) && !is_handed_on(&HeaderMap::new()));
    }

    #[test]
    fn host_and_scheme_are_those_of_the_proxy_next_to_the_browser() {
        let at = |host: &'static str, proto: &'static str| {
            let pairs = [(HOST, host), (PROTO, proto)];
            let headers = pairs.map(|(name, value)| (name, HeaderValue::from_static(value)));
            let headers = HeaderMap::from_iter(headers);
            let visitor = proxies().visitor([127, 0, 0, 1].into(), &headers);
            (visitor.host, visitor.scheme)
        };
        let own = || Some("mood.example".to_owned());
        assert_eq!(at("mood.example", "https"), (own(), Scheme::Https));
        assert_eq!(
            at("mood.example, inner", "HTTPS, http"),
            (own(), Scheme::Https)
        );
        assert_eq!(at("", "http"), (None, Scheme::Http));
        assert_eq!(at(" ", "wss"), (None, Scheme::Http));
    }

    #[test]
    fn a_forwarded_loopback_is_not_this_machine() {
        let peer = IpAddr::from([127, 0, 0, 1]);
        let headers = HeaderMap::from_iter([(FOR, HeaderValue::from_static("127.0.0.1"))]);
        assert!(
            proxies()
                .visitor(peer, &HeaderMap::new())
                .is_of_this_machine()
        );
        assert!(!proxies().visitor(peer, &headers).is_of_this_machine());
    }
}
