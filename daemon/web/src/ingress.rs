//! `[web] ingress`: Home Assistant's Supervisor shows the page below a prefix and has checked who asks. Only the listed
//! addresses are believed, and only where they name the prefix.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, StatusCode};

use super::error::ApiError;

/// The header that holds the prefix.
const PREFIX: HeaderName = HeaderName::from_static("x-ingress-path");
const LONGEST: usize = 200;

/// The proxies that are believed.
#[derive(Debug, Default)]
pub(super) struct Ingress(Vec<IpAddr>);

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// A browser or program itself.
    Direct,
    /// The proxy, for a user that it knows.
    Proxied,
    /// The proxy itself.
    Proxy,
}

impl Ingress {
    pub(super) fn new(addresses: &[IpAddr]) -> Self {
        Self(addresses.iter().map(IpAddr::to_canonical).collect())
    }

    /// Whether this is such a proxy.
    pub(super) fn has(&self, peer: IpAddr) -> bool {
        self.0.contains(&peer.to_canonical())
    }

    /// Whether there is such a proxy.
    pub(super) fn is_used(&self) -> bool {
        !self.0.is_empty()
    }

    /// The sender of a request.
    ///
    /// # Errors
    /// A [`ApiError`] if the proxy's prefix is none.
    pub(super) fn sender(&self, peer: IpAddr, headers: &HeaderMap) -> Result<Sender, ApiError> {
        if !self.has(peer) {
            return Ok(Sender::Direct);
        }
        let mut prefixes = headers.get_all(PREFIX).iter();
        match (prefixes.next(), prefixes.next()) {
            (None, _) => Ok(Sender::Proxy),
            (Some(prefix), None) if prefix.to_str().is_ok_and(is_prefix) => Ok(Sender::Proxied),
            _ => {
                let text = "the header X-Ingress-Path holds no path";
                Err(ApiError::new(StatusCode::BAD_REQUEST, text))
            }
        }
    }
}

/// Segments of letters, digits and `._~-`, each behind a slash.
fn is_prefix(text: &str) -> bool {
    let segment = |part: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._~-".contains(&b);
        !part.is_empty() && part.bytes().all(plain)
    };
    text.len() <= LONGEST
        && text
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(segment))
}

/// Whether the browser's origin is the page that the proxy shows: its host, whatever the scheme.
pub(super) fn is_own_origin(origin: &str, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let from = origin.split_once("://").map_or("", |(_, from)| from);
    let names = [text("host"), text("x-forwarded-host")];
    !from.is_empty()
        && names
            .into_iter()
            .flatten()
            .any(|name| name.eq_ignore_ascii_case(from))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn with(prefix: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(PREFIX, HeaderValue::from_static(prefix))])
    }

    #[test]
    fn only_listed_peers_are_believed() {
        let proxy: IpAddr = [172, 30, 32, 2].into();
        let ingress = Ingress::new(&[proxy]);
        let good = with("/api/hassio_ingress/aB_-9");
        assert_eq!(ingress.sender(proxy, &good), Ok(Sender::Proxied));
        assert_eq!(ingress.sender(proxy, &HeaderMap::new()), Ok(Sender::Proxy));
        let mapped: IpAddr = "::ffff:172.30.32.2".parse().unwrap();
        assert_eq!(ingress.sender(mapped, &good), Ok(Sender::Proxied));
        let other: IpAddr = [172, 30, 32, 3].into();
        assert_eq!(ingress.sender(other, &good), Ok(Sender::Direct));
        assert_eq!(Ingress::default().sender(proxy, &good), Ok(Sender::Direct));
    }

    #[test]
    fn a_prefix_is_a_path_and_comes_once() {
        let proxy: IpAddr = [172, 30, 32, 2].into();
        let ingress = Ingress::new(&[proxy]);
        for bad in [
            "", "/", "a", "//evil", "/a/", "/a b", "/a\"", "/a?b", "/%2e",
        ] {
            assert!(ingress.sender(proxy, &with(bad)).is_err(), "{bad}");
        }
        let mut twice = with("/a");
        twice.append(PREFIX, HeaderValue::from_static("/a"));
        assert!(ingress.sender(proxy, &twice).is_err());
    }

    #[test]
    fn the_origin_is_the_proxys_page() {
        let headers = HeaderMap::from_iter([
            (
                HeaderName::from_static("host"),
                HeaderValue::from_static("ha.local:8123"),
            ),
            (
                HeaderName::from_static("x-forwarded-host"),
                HeaderValue::from_static("x.duckdns.org"),
            ),
        ]);
        assert!(is_own_origin("https://ha.local:8123", &headers));
        assert!(is_own_origin("https://x.duckdns.org", &headers));
        for foreign in ["null", "", "https://evil", "https://ha.local"] {
            assert!(!is_own_origin(foreign, &headers), "{foreign}");
        }
    }
}
