//! The parsers that run before every handler, for the fuzz targets: a request's first lines, as the checks for access read them.

use std::net::IpAddr;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue},
};

use super::{access, hosts, ingress, proxies};

/// A head of a request: the path, then one header a line.
pub fn head(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let mut request = Request::builder().uri(lines.next().unwrap_or_default());
    for line in lines {
        let at = line
            .iter()
            .position(|byte| *byte == b':')
            .unwrap_or(line.len());
        let (name, value) = line.split_at(at);
        let value = value.get(1..).unwrap_or_default();
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            request = request.header(name, value);
        }
    }
    let Ok(request) = request.body(Body::empty()) else {
        return;
    };
    let known = hosts::Hosts::new(&["moodring.local".to_owned()]);
    if let Ok(host) = hosts::host(&request)
        && known.has(host)
    {
        assert!(!host.contains("evil"), "{host}");
    }
    _ = access::session(request.headers());
    for origin in request.headers().get_all("origin") {
        _ = ingress::is_own_origin(origin.to_str().unwrap_or_default(), request.headers());
    }
    let peer = IpAddr::from([172, 30, 32, 2]);
    _ = ingress::Ingress::new(&[peer]).sender(peer, request.headers());
    let believed = proxies::Proxies::new(&["172.30.32.2".to_owned(), "10.0.0.0/8".to_owned()]);
    let visitor = believed.visitor(peer, request.headers());
    assert_eq!(visitor.address, visitor.address.to_canonical());
    let stranger = IpAddr::from([192, 0, 2, 1]);
    let visitor = believed.visitor(stranger, request.headers());
    assert_eq!(visitor, proxies::Visitor::direct(stranger));
}
