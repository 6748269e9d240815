//! Who may pass: Host and Origin of every request, token or session where the page is locked; headers of every answer.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Instant,
};

use axum::{
    extract::{ConnectInfo, Query, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    access_state::AccessState,
    embed::{self, PREFLIGHT, Reader},
    error::ApiError,
    hosts,
    ingress::{self, Sender},
    login,
    proxies::{self, Visitor},
    refusal::Refusal,
    server::Peer,
    sync::lock,
};

/// The page's own files.
const ASSETS: &str = "/assets/";

/// The session's cookie.
pub(super) const COOKIE: &str = "moodring_session";

/// Nothing but our own files, no inline script or style. `frame-ancestors` is appended for each answer.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
     connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=()",
    ),
];

/// The middleware: lets a request pass or refuses it, and sets the security headers of the answer.
pub(super) async fn authorize(
    State(access): State<Arc<AccessState>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = peer(&request);
    let visitor = access.proxies.visitor(peer, request.headers());
    warn_of_unlisted_proxy(&access, peer, request.headers());
    let passed = authorize_request(&access, &request, peer, &visitor)
        .map_err(|refusal| refusal.answer(&request));
    let is_face = embed::is_read_only(request.uri().path());
    request.extensions_mut().insert(visitor.clone());
    let (frame, reader, answer) = match passed {
        Ok(pass) if pass.reader.is_some() && request.method() == Method::OPTIONS => {
            let answer = (StatusCode::NO_CONTENT, PREFLIGHT).into_response();
            (pass.frame, pass.reader, answer)
        }
        Ok(pass) => {
            let answer = next.run(request).await;
            let answer = with_session_cookie(answer, pass.session.as_deref(), &visitor);
            (pass.frame, pass.reader, answer)
        }
        Err(answer) => (FrameAncestors::Nobody, None, answer),
    };
    access.answers.add(answer.status().as_u16());
    let ancestors = match frame {
        FrameAncestors::Proxy => "'self'".into(),
        FrameAncestors::Nobody if is_face => access.embed.ancestors(),
        FrameAncestors::Nobody => "'none'".into(),
    };
    with_security_headers(answer, &ancestors, reader)
}

/// Who is at the other end of the connection.
fn peer(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<Peer>>();
    peer.map_or(
        IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        |ConnectInfo(Peer(from))| from.ip(),
    )
}

/// Behind a proxy that nobody listed all visitors are one, and one guesser locks all of them out: logged once a run.
fn warn_of_unlisted_proxy(access: &AccessState, peer: IpAddr, headers: &HeaderMap) {
    let believed = access.proxies.has(peer) || access.ingress.has(peer);
    if access.keys.is_required() && !believed && proxies::is_handed_on(headers) {
        access.unlisted.call_once(|| {
            tracing::warn!(
                "{peer} hands on requests of others (X-Forwarded-For) but is not in [web] proxies: if it is your reverse \
                 proxy, add it there; until then all its visitors count as one, also for wrong passwords"
            );
        });
    }
}

/// The answer with the session's cookie, which now lasts as long as the session.
fn with_session_cookie(mut answer: Response, session: Option<&str>, visitor: &Visitor) -> Response {
    if let Some(secret) = session
        && !answer.headers().contains_key(header::SET_COOKIE)
        && let Some((name, value)) = login::cookie(secret, visitor.scheme)
    {
        answer.headers_mut().insert(name, value);
    }
    answer
}

/// A request that may pass.
struct Pass {
    frame: FrameAncestors,
    /// The secret of the session that let it pass.
    session: Option<String>,
    /// What another site's page may do with the answer.
    reader: Option<Reader>,
}

impl Pass {
    fn new(frame: FrameAncestors, reader: Option<Reader>) -> Self {
        Self {
            frame,
            session: None,
            reader,
        }
    }
}

/// Who may show the answer in a frame, besides `[web] embed`.
#[derive(Clone, Copy)]
enum FrameAncestors {
    Nobody,
    /// The page of the proxy that it came through.
    Proxy,
}

fn with_security_headers(
    mut answer: Response,
    ancestors: &str,
    reader: Option<Reader>,
) -> Response {
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Names of sites were checked with the settings: they are header text.
    if let Ok(policy) = format!("{POLICY}; frame-ancestors {ancestors}").parse() {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    // The older header knows nobody and the own page alone.
    let older = match ancestors {
        "'none'" => Some("DENY"),
        "'self'" => Some("SAMEORIGIN"),
        _ => None,
    };
    if let Some(older) = older {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static(older));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if let Some(reader) = reader {
        embed::allow(headers, reader);
    }
    answer
}

/// What a request may do, or why not.
fn authorize_request(
    access: &AccessState,
    request: &Request,
    peer: IpAddr,
    visitor: &Visitor,
) -> Result<Pass, Refusal> {
    let (headers, path) = (request.headers(), request.uri().path());
    let host = hosts::host(request)?;
    let host = visitor.host.as_deref().unwrap_or(host);
    let sender = access.ingress.sender(peer, headers)?;
    if sender == Sender::Proxied {
        let own = |origin: &str| ingress::is_own_origin(origin, headers);
        same_site(request.method(), headers, own)?;
        return Ok(Pass::new(FrameAncestors::Proxy, None));
    }
    if ["/healthz", "/readyz"].contains(&path) && sender == Sender::Proxy {
        return Ok(Pass::new(FrameAncestors::Nobody, None));
    }
    if !access.hosts.has(host) {
        let why = "this device is not known by that name. Use its address, or add the name to [web] hosts";
        return Err(ApiError::new(StatusCode::MISDIRECTED_REQUEST, why).into());
    }
    let reader = access.embed.reader(request.method(), path, headers);
    // The page's own files hold nothing of this device. A proxy that sends its own name as Host would else stop scripts alone.
    if reader.is_none() && !path.starts_with(ASSETS) {
        let own = |origin: &str| {
            let from = origin.split_once("://").map_or("", |(_, from)| from);
            !from.is_empty() && from.eq_ignore_ascii_case(host)
        };
        same_site(request.method(), headers, own)?;
    }
    let mut pass = Pass::new(FrameAncestors::Nobody, reader);
    // A browser sends no token when it asks whether it may send one.
    let preflight = pass.reader.is_some() && request.method() == Method::OPTIONS;
    if preflight || is_open(path) {
        return Ok(pass);
    }
    if access.keys.is_required() {
        pass.session = open_session(access, headers);
        if pass.session.is_some() || has_token(access, request) {
            return Ok(pass);
        }
    } else if may_enter_unlocked(access, sender, visitor) {
        return Ok(pass);
    }
    if sender == Sender::Proxy || !access.keys.is_required() {
        let why =
            "this page is for Home Assistant alone (web.ingress); open it there, or set a password";
        return Err(ApiError::new(StatusCode::FORBIDDEN, why).into());
    }
    if ["/", "/setup"].contains(&path) {
        return Err(Refusal::Login);
    }
    let why = "log in at /login, or send the header Authorization: Bearer TOKEN";
    Err(ApiError::new(StatusCode::UNAUTHORIZED, why).into())
}

/// Whether a request may pass where no password or token is set: behind Home Assistant, which checks who asks, the port
/// itself is for this machine alone.
fn may_enter_unlocked(access: &AccessState, sender: Sender, visitor: &Visitor) -> bool {
    sender == Sender::Direct && (!access.ingress.is_used() || visitor.is_of_this_machine())
}

/// Whether the token came along, in the header or for the face in the address.
fn has_token(access: &AccessState, request: &Request) -> bool {
    let token = header_text(request.headers(), header::AUTHORIZATION);
    let (scheme, token) = token.split_once(' ').unwrap_or_default();
    let bearer = scheme.eq_ignore_ascii_case("bearer") && access.keys.is_token(token.trim());
    bearer || has_query_token(access, request)
}

/// A frame and a browser without a keyboard can send no header: for the face alone, the token may stand in the address.
fn has_query_token(access: &AccessState, request: &Request) -> bool {
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    if !reads || !embed::is_read_only(request.uri().path()) {
        return false;
    }
    let Ok(Query(query)) = Query::<QueryToken>::try_from_uri(request.uri()) else {
        return false;
    };
    // A plus in an address is a space; a token in base64 may hold one, and no token holds a space.
    access.keys.is_token(&query.token.replace(' ', "+"))
}

#[derive(Deserialize)]
struct QueryToken {
    token: String,
}

/// What may be seen without a password or token: health, the login page and its files, and the printed notice.
fn is_open(path: &str) -> bool {
    ["/healthz", "/readyz", "/login", "/notice"].contains(&path) || path.starts_with(ASSETS)
}

/// Other sites' pages may not make a browser ask us for anything. `own`: whether an origin is this page's.
fn same_site(
    method: &Method,
    headers: &HeaderMap,
    own: impl Fn(&str) -> bool,
) -> Result<(), ApiError> {
    let refuse = || {
        let why = "another site's page asked for this; open the device's own page";
        Err(ApiError::new(StatusCode::FORBIDDEN, why))
    };
    for origin in headers.get_all(header::ORIGIN) {
        if !own(origin.to_str().unwrap_or_default()) {
            return refuse();
        }
    }
    let site = header_text(headers, HeaderName::from_static("sec-fetch-site"));
    let foreign = site == "cross-site" || site == "same-site";
    // A link from elsewhere may lead here, and a frame may be asked for (the answer's headers name who may frame);
    // everything else may not.
    let link = method == Method::GET
        && header_text(headers, HeaderName::from_static("sec-fetch-mode")) == "navigate";
    if foreign && !link { refuse() } else { Ok(()) }
}

/// The secret of the session that is open for this visitor; the visit prolongs it.
fn open_session(access: &AccessState, headers: &HeaderMap) -> Option<String> {
    let secret = session(headers)?;
    let open = lock(&access.sessions).visit(secret, Instant::now());
    open.then(|| secret.to_owned())
}

/// The session's secret out of the cookies.
pub(super) fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let mut pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}

fn header_text(headers: &HeaderMap, name: HeaderName) -> &str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_sites_may_link_and_nothing_more() {
        let ask = |method: &Method, pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            let own = |origin: &str| origin == "http://10.0.0.1:8080";
            same_site(method, &headers, own).is_ok()
        };
        let post = Method::POST;
        assert!(ask(&post, &[]));
        assert!(ask(
            &post,
            &[
                ("origin", "http://10.0.0.1:8080"),
                ("sec-fetch-site", "same-origin")
            ]
        ));
        for origin in ["http://evil.example", "null", "http://10.0.0.1:8081", ""] {
            assert!(!ask(&post, &[("origin", origin)]), "{origin}");
        }
        assert!(!ask(
            &post,
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate")
            ]
        ));
        let link = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
        ];
        assert!(ask(&Method::GET, &link));
        assert!(!ask(
            &Method::GET,
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "no-cors")
            ]
        ));
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(
            "cookie",
            HeaderValue::from_static("a=b; moodring_session=xyz; c"),
        );
        assert_eq!(session(&headers), Some("xyz"));
        assert_eq!(session(&HeaderMap::new()), None);
    }
}
