//! The page's files, inside the binary: with their hash as ETag, so that a browser loads each only once, and compressed
//! if it accepts gzip.

use std::{io::Write, sync::LazyLock};

use axum::{
    extract::{Path, rejection::PathRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};

use super::error::ApiError;

/// Name, kind and content of every file. `page/` holds nothing else.
const FILES: &[(&str, &str, &[u8])] = &[
    ("index.html", HTML, include_bytes!("page/index.html")),
    ("login.html", HTML, include_bytes!("page/login.html")),
    ("setup.html", HTML, include_bytes!("page/setup.html")),
    ("notice.html", HTML, include_bytes!("page/notice.html")),
    ("refused.html", HTML, include_bytes!("page/refused.html")),
    ("face.html", HTML, include_bytes!("page/face.html")),
    ("face.css", CSS, include_bytes!("page/face.css")),
    ("face.js", JS, include_bytes!("page/face.js")),
    ("style.css", CSS, include_bytes!("page/style.css")),
    ("app.js", JS, include_bytes!("page/app.js")),
    ("dom.js", JS, include_bytes!("page/dom.js")),
    ("follow.js", JS, include_bytes!("page/follow.js")),
    ("live.js", JS, include_bytes!("page/live.js")),
    ("timeline.js", JS, include_bytes!("page/timeline.js")),
    ("preview.js", JS, include_bytes!("page/preview.js")),
    ("setup.js", JS, include_bytes!("page/setup.js")),
    ("notice.js", JS, include_bytes!("page/notice.js")),
    ("control.js", JS, include_bytes!("page/control.js")),
    ("history.js", JS, include_bytes!("page/history.js")),
    ("photo.js", JS, include_bytes!("page/photo.js")),
    ("login.js", JS, include_bytes!("page/login.js")),
    ("words.js", JS, include_bytes!("page/words.js")),
    (
        "words.json",
        JSON,
        include_bytes!("../../base/src/translations.json"),
    ),
    ("icon.svg", SVG, include_bytes!("page/icon.svg")),
    ("openapi.json", JSON, include_bytes!("page/openapi.json")),
];
const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const JSON: &str = "application/json";

/// A file as it is sent.
struct Asset {
    name: &'static str,
    kind: &'static str,
    plain: &'static [u8],
    gzip: Vec<u8>,
    tag: String,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let make = |&(name, kind, plain): &(&'static str, &'static str, &'static [u8])| Asset {
        name,
        kind,
        plain,
        gzip: gzip(plain),
        tag: format!("\"{:08x}\"", crc32fast::hash(plain)),
    };
    FILES.iter().map(make).collect()
});

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    // Memory takes every byte; if it did not, the plain file would be sent.
    let packed = packer.write_all(plain).and_then(|()| packer.finish());
    packed.unwrap_or_default()
}

/// `GET /assets/{file}`.
pub(super) async fn asset(
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    match name {
        Ok(Path(name)) => send(&name, &headers),
        Err(_) => Err(ApiError::not_found()),
    }
}

/// `GET /`.
pub(super) async fn index(headers: HeaderMap) -> Result<Response, ApiError> {
    send("index.html", &headers)
}

/// `GET /login`.
pub(super) async fn login(headers: HeaderMap) -> Result<Response, ApiError> {
    send("login.html", &headers)
}

/// `GET /setup`.
pub(super) async fn setup(headers: HeaderMap) -> Result<Response, ApiError> {
    send("setup.html", &headers)
}

/// `GET /face`.
pub(super) async fn face(headers: HeaderMap) -> Result<Response, ApiError> {
    send("face.html", &headers)
}

/// `GET /api/v1/openapi.json`.
pub(super) async fn openapi(headers: HeaderMap) -> Result<Response, ApiError> {
    send("openapi.json", &headers)
}

fn send(name: &str, asked: &HeaderMap) -> Result<Response, ApiError> {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    let asset = asset.ok_or_else(ApiError::not_found)?;
    let header_has = |name, part: &str| {
        let value = asked.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value: &str| value.contains(part))
    };
    let headers = [
        (header::CONTENT_TYPE, asset.kind),
        (header::ETAG, &asset.tag),
        // Kept, but asked for by its tag each time: a new version of the daemon shows at once.
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "accept-encoding"),
    ];
    if header_has(header::IF_NONE_MATCH, &asset.tag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    if header_has(header::ACCEPT_ENCODING, "gzip") && !asset.gzip.is_empty() {
        let packed = [(header::CONTENT_ENCODING, "gzip")];
        return Ok((headers, packed, asset.gzip.as_slice()).into_response());
    }
    Ok((headers, asset.plain).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_small_and_whole() {
        let plain: usize = FILES.iter().map(|(_, _, bytes)| bytes.len()).sum();
        let packed: usize = ASSETS.iter().map(|asset| asset.gzip.len()).sum();
        println!("the page: {plain} bytes, {packed} packed");
        // The description of the interface is for programs; the page does not load it.
        let page = plain - include_bytes!("page/openapi.json").len();
        // Two fifths of it are texts in five languages, those of the module for MagicMirror among them.
        assert!(
            page < 160_000 && packed < 64_000,
            "{page} bytes, {packed} packed"
        );
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/page");
        let there = std::fs::read_dir(folder).unwrap().count();
        // The table of texts lies where the daemon reads it, too.
        assert_eq!(there + 1, FILES.len(), "a file of page/ is not served");
    }

    #[test]
    fn nothing_comes_from_elsewhere_and_nothing_stands_inline() {
        for (name, kind, bytes) in FILES {
            let text = std::str::from_utf8(bytes).unwrap();
            let foreign = text.match_indices("://").find(|(at, _)| {
                let rest = &text[*at..];
                // A broker's or camera's address as an example is nothing that a browser fetches.
                !rest.starts_with("://www.w3.org/")
                    && !rest.starts_with("://json-schema.org/")
                    && !["mqtt", "rtsp"]
                        .iter()
                        .any(|scheme| text[..*at].ends_with(scheme))
            });
            assert!(
                foreign.is_none(),
                "{name}: {:?}",
                foreign.map(|(at, _)| &text[at.saturating_sub(20)..at + 20])
            );
            if *kind == HTML {
                for inline in ["style=", "<style", "onclick", "onload", "javascript:"] {
                    assert!(!text.contains(inline), "{name}: {inline}");
                }
                let scripts = text.matches("<script").count();
                assert_eq!(
                    scripts,
                    text.matches("<script type=\"module\" src=\"").count(),
                    "{name}"
                );
            }
        }
    }
}
