//! Who may pass: Host and Origin of every request, token or session where the page is locked; headers of every answer.

use std::{net::IpAddr, sync::Arc, time::Instant};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    app_state::{AppState, hold},
    error::ApiError,
};

/// The session's cookie.
pub(super) const COOKIE: &str = "moodring_session";

/// Nothing but our own files, no inline script or style, no frame around us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
     connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
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

/// The names under which this device may be asked for.
#[derive(Debug)]
pub(super) struct Hosts(Vec<String>);

impl Hosts {
    pub(super) fn new(more: &[String]) -> Self {
        let own = crate::files::host_name().to_ascii_lowercase();
        let mut names = vec!["localhost".to_owned()];
        if !own.is_empty() {
            names.push(format!("{own}.local"));
            names.push(own);
        }
        names.extend(more.iter().map(|name| name.to_ascii_lowercase()));
        Self(names)
    }

    /// Whether a `Host` header is one of ours. Addresses always are: only a name can be bent to point at us.
    fn has(&self, host: &str) -> bool {
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.rsplit_once(':').map_or(host, |(name, _)| name),
        };
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        name.parse::<IpAddr>().is_ok() || self.0.contains(&name)
    }
}

/// Lets a request pass or not, and dresses the answer.
pub(super) async fn guard(
    State(app_state): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Response {
    let answer = match refusal(&app_state, &request) {
        None => next.run(request).await,
        Some(answer) => answer,
    };
    app_state.counts.answer(answer.status().as_u16());
    dressed(answer)
}

fn dressed(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    answer
}

/// What is answered to a request that may not pass.
fn refusal(app_state: &AppState, request: &Request) -> Option<Response> {
    let headers = request.headers();
    let host = text(headers, header::HOST);
    if !app_state.hosts.has(host) {
        let why = "this device is not known by that name. Use its address, or add the name to [web] hosts";
        return Some(ApiError::new(StatusCode::MISDIRECTED_REQUEST, why).into_response());
    }
    if let Err(refusal) = same_site(request.method(), headers, host) {
        return Some(refusal.into_response());
    }
    let path = request.uri().path();
    if !app_state.keys.locked() || is_open(path) || is_known(app_state, headers) {
        return None;
    }
    if path == "/" {
        return Some(Redirect::to("/login").into_response());
    }
    let why = "log in at /login, or send the header Authorization: Bearer TOKEN";
    Some(ApiError::new(StatusCode::UNAUTHORIZED, why).into_response())
}

/// What may be seen without a key: whether it lives, the door itself, and the notice that hangs on it.
fn is_open(path: &str) -> bool {
    ["/healthz", "/readyz", "/login", "/notice"].contains(&path) || path.starts_with("/assets/")
}

/// Other sites' pages may not make a browser ask us for anything.
fn same_site(method: &Method, headers: &HeaderMap, host: &str) -> Result<(), ApiError> {
    let refuse = || {
        let why = "another site's page asked for this; open the device's own page";
        Err(ApiError::new(StatusCode::FORBIDDEN, why))
    };
    if let Some(origin) = headers.get(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        let from = origin.split_once("://").map_or("", |(_, from)| from);
        if from.is_empty() || !from.eq_ignore_ascii_case(host) {
            return refuse();
        }
    }
    let app_state = text(headers, HeaderName::from_static("sec-fetch-site"));
    let foreign = app_state == "cross-site" || app_state == "same-site";
    // A link from elsewhere may lead here; everything else may not.
    let link = method == Method::GET
        && text(headers, HeaderName::from_static("sec-fetch-mode")) == "navigate";
    if foreign && !link { refuse() } else { Ok(()) }
}

fn is_known(app_state: &AppState, headers: &HeaderMap) -> bool {
    let token = text(headers, header::AUTHORIZATION);
    let (scheme, token) = token.split_once(' ').unwrap_or_default();
    if scheme.eq_ignore_ascii_case("bearer") && app_state.keys.is_token(token.trim()) {
        return true;
    }
    session(headers).is_some_and(|secret| hold(&app_state.sessions).visit(secret, Instant::now()))
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

fn text(headers: &HeaderMap, name: HeaderName) -> &str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_own_names_are_ours_and_others_are_not() {
        let hosts = Hosts::new(&["Mirror.example".into()]);
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
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
        ] {
            assert!(!hosts.has(foreign), "{foreign}");
        }
    }

    #[test]
    fn other_sites_may_link_and_nothing_more() {
        let ask = |method: &Method, pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            same_site(method, &headers, "10.0.0.1:8080").is_ok()
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
