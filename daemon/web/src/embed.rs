//! `[web] embed`: sites that may show the face in a frame and read what it shows. They cannot change anything, and get
//! no picture of the camera and no history.

use axum::http::{HeaderMap, HeaderValue, Method, header};
use moodring_base::config::origin::origin;

/// What such sites may read.
const READ_ONLY: [&str; 6] = [
    "/face",
    "/face.svg",
    "/api/v1/state",
    "/api/v1/events",
    "/api/v1/face.png",
    "/api/v1/face.svg",
];
const EMOJI: &str = "/api/v1/emoji/";

/// The sites, as browsers name them: scheme, host and port.
#[derive(Debug, Default)]
pub(super) struct Embed(Vec<String>);

impl Embed {
    pub(super) fn new(sites: &[String]) -> Self {
        Self(sites.iter().filter_map(|site| origin(site)).collect())
    }

    /// The request's origin if it may read this.
    pub(super) fn reader(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Option<HeaderValue> {
        let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
        if !reads || !is_read_only(path) {
            return None;
        }
        let origin = headers.get(header::ORIGIN)?;
        let named = origin.to_str().ok()?.to_ascii_lowercase();
        self.0.contains(&named).then(|| origin.clone())
    }

    /// Who may frame the face, for `frame-ancestors`.
    pub(super) fn ancestors(&self) -> String {
        match self.0.as_slice() {
            [] => "'none'".into(),
            origins => format!("'self' {}", origins.join(" ")),
        }
    }
}

/// Whether a path shows the face and nothing else.
pub(super) fn is_read_only(path: &str) -> bool {
    READ_ONLY.contains(&path) || path.starts_with(EMOJI)
}

/// Says to a browser that this site may read the answer.
pub(super) fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    let corp = header::HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(corp, HeaderValue::from_static("cross-origin"));
}

/// The answer to a browser that asks beforehand whether it may send a token.
pub(super) const PREFLIGHT: [(header::HeaderName, &str); 3] = [
    (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        "authorization, last-event-id",
    ),
    (header::ACCESS_CONTROL_MAX_AGE, "600"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn from(origin: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        headers
    }

    #[test]
    fn only_listed_sites_read_and_only_the_face() {
        let embed = Embed::new(&["http://Mirror.local:8080/".into()]);
        let may = |method: Method, path: &str, origin: &'static str| {
            embed.reader(&method, path, &from(origin)).is_some()
        };
        let mirror = "http://mirror.local:8080";
        for path in READ_ONLY.into_iter().chain(["/api/v1/emoji/happy.png"]) {
            assert!(may(Method::GET, path, mirror), "{path}");
        }
        assert!(may(Method::OPTIONS, "/api/v1/state", mirror));
        for path in [
            "/",
            "/metrics",
            "/api/v1/preview.mjpeg",
            "/api/v1/history",
            "/api/v1/setup",
        ] {
            assert!(!may(Method::GET, path, mirror), "{path}");
        }
        assert!(!may(Method::POST, "/api/v1/state", mirror));
        for origin in [
            "http://mirror.local",
            "https://mirror.local:8080",
            "null",
            "http://evil",
        ] {
            assert!(!may(Method::GET, "/api/v1/state", origin), "{origin}");
        }
        assert!(
            Embed::default()
                .reader(&Method::GET, "/face", &from("null"))
                .is_none()
        );
    }

    #[test]
    fn frames_are_for_listed_sites() {
        assert_eq!(Embed::default().ancestors(), "'none'");
        let embed = Embed::new(&["http://a".into(), "https://b:1".into()]);
        assert_eq!(embed.ancestors(), "'self' http://a https://b:1");
    }

    #[test]
    fn the_frame_and_the_scripts_of_a_site_agree_however_it_is_written() {
        let embed = Embed::new(&["http://MIRROR.local:80/".into(), "https://b:443".into()]);
        assert_eq!(embed.ancestors(), "'self' http://mirror.local https://b");
        for site in ["http://mirror.local", "https://b"] {
            let reader = embed.reader(&Method::GET, "/api/v1/state", &from(site));
            assert!(reader.is_some(), "{site}");
        }
    }
}
