//! `[web] embed`: sites that may show the face in a frame and read what it shows. They cannot change anything, and get
//! no picture of the camera and no history.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
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
/// What of that is a picture.
const PICTURES: [&str; 3] = ["/face.svg", "/api/v1/face.png", "/api/v1/face.svg"];

const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// How a page of such a site uses an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// A script of this origin reads it.
    Script(HeaderValue),
    /// It is shown (`<img>`, a background); no script can read it.
    Picture,
}

/// The sites, as browsers name them: scheme, host and port.
#[derive(Debug, Default)]
pub(super) struct Embed(Vec<String>);

impl Embed {
    pub(super) fn new(sites: &[String]) -> Self {
        Self(sites.iter().filter_map(|site| origin(site)).collect())
    }

    /// What the answer to this request is for, if a page of a listed site may have it.
    pub(super) fn reader(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Option<Reader> {
        let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
        if self.0.is_empty() || !reads || !is_read_only(path) {
            return None;
        }
        let Some(origin) = headers.get(header::ORIGIN) else {
            let shown = method != Method::OPTIONS && is_picture(path) && self.shows(headers);
            return shown.then_some(Reader::Picture);
        };
        let named = origin.to_str().ok()?.to_ascii_lowercase();
        let listed = self.0.contains(&named);
        listed.then(|| Reader::Script(origin.clone()))
    }

    /// Whether a browser asks for a picture to show it, on a page that is not known to be another site's. Home Assistant and
    /// MagicMirror keep browsers from naming the page (Referrer-Policy); then it is shown, too: nobody can read it there.
    fn shows(&self, headers: &HeaderMap) -> bool {
        let sent = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        // Browsers send these two to secure addresses only.
        let is_image = sent(FETCH_DEST).is_none_or(|dest| dest == "image");
        let is_shown = sent(FETCH_MODE).is_none_or(|mode| mode == "no-cors");
        let page = sent(header::REFERER).filter(|page| !page.is_empty());
        let is_listed = |page: &str| site_of(page).is_some_and(|site| self.0.contains(&site));
        is_image && is_shown && page.is_none_or(is_listed)
    }

    /// Who may frame the face, for `frame-ancestors`.
    pub(super) fn ancestors(&self) -> String {
        match self.0.as_slice() {
            [] => "'none'".into(),
            origins => format!("'self' {}", origins.join(" ")),
        }
    }
}

/// The origin of a page's address.
fn site_of(page: &str) -> Option<String> {
    let host = page.find("://")? + 3;
    let end = page[host..].find('/').map_or(page.len(), |at| host + at);
    origin(&page[..end])
}

fn is_picture(path: &str) -> bool {
    PICTURES.contains(&path) || path.starts_with(EMOJI)
}

/// Whether a path shows the face and nothing else.
pub(super) fn is_read_only(path: &str) -> bool {
    READ_ONLY.contains(&path) || path.starts_with(EMOJI)
}

/// Sets the headers by which a browser knows what this site may do with the answer.
pub(super) fn allow(headers: &mut HeaderMap, reader: Reader) {
    let differs = match reader {
        Reader::Script(origin) => {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            "origin"
        }
        Reader::Picture => "referer",
    };
    headers.append(header::VARY, HeaderValue::from_static(differs));
    let corp = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(corp, HeaderValue::from_static("cross-origin"));
}

/// The answer to a browser that asks beforehand whether it may send a token.
pub(super) const PREFLIGHT: [(HeaderName, &str); 3] = [
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

    #[test]
    fn pictures_are_shown_where_no_other_site_is_named() {
        let embed = Embed::new(&["http://mirror.local:8080".into()]);
        let reader = |method: Method, path: &str, pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().map(|(name, value)| {
                let value = HeaderValue::from_static(value);
                (HeaderName::from_static(name), value)
            });
            embed.reader(&method, path, &pairs.collect())
        };
        let image = |page: &'static str| {
            let fetch = [("sec-fetch-dest", "image"), ("sec-fetch-mode", "no-cors")];
            [fetch[0], fetch[1], ("referer", page)]
        };
        for path in PICTURES.into_iter().chain(["/api/v1/emoji/happy.png"]) {
            for page in [
                "http://mirror.local:8080/",
                "http://MIRROR.local:8080/a?b",
                "",
            ] {
                let shown = reader(Method::GET, path, &image(page));
                assert_eq!(shown, Some(Reader::Picture), "{path} {page}");
            }
            // To an address without TLS browsers send none of them.
            assert_eq!(reader(Method::GET, path, &[]), Some(Reader::Picture));
            for page in [
                "http://evil/",
                "http://mirror.local:8080.evil/",
                "evil",
                "http://mirror.local/",
            ] {
                assert_eq!(reader(Method::GET, path, &image(page)), None, "{page}");
            }
            for dest in ["script", "object", "empty", "document"] {
                assert_eq!(reader(Method::GET, path, &[("sec-fetch-dest", dest)]), None);
            }
            assert_eq!(reader(Method::GET, path, &[("origin", "null")]), None);
            assert_eq!(reader(Method::OPTIONS, path, &[]), None);
            assert_eq!(reader(Method::POST, path, &[]), None);
        }
        for path in ["/api/v1/state", "/api/v1/events", "/face", "/"] {
            assert_eq!(reader(Method::GET, path, &image("")), None, "{path}");
        }
        let none = Embed::default();
        assert_eq!(
            none.reader(&Method::GET, "/face.svg", &HeaderMap::new()),
            None
        );
    }
}
