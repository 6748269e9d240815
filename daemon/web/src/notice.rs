//! The printed notice about the camera: open to everybody who reaches the page, with a QR code that leads to it.

use std::{
    net::{IpAddr, UdpSocket},
    sync::Arc,
};

use axum::{
    extract::State,
    http::{HeaderMap, Uri, header},
    response::{IntoResponse, Response},
};
use moodring_base::{
    config::{WebSettings, origin::host_name},
    translations::{self, Language},
};
use qrcode::{QrCode, render::svg};

use super::device_state::DeviceState;

/// The sheet; its sentences are those of `deploy/notice.html`, which a test holds it to.
const SHEET: &str = include_str!("page/notice.html");
const NOBODY: &str = "................................................................";
/// `GET /notice`.
pub(super) async fn sheet(
    State(device): State<Arc<DeviceState>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let language = language(&uri, &headers);
    let notice = &device.settings.notice;
    let or = |text: &str, other: &str| escaped(if text.is_empty() { other } else { text });
    let preview = &device.settings.preview;
    let shown = preview.allowed || preview.pictures;
    // The code holds this text where the page can be reached by nobody else.
    let text = |key| translations::text(language, key);
    let pictures = if shown { "notice.shown" } else { "notice.kept" };
    let short = format!("{}. {}", text("notice.title"), text(pictures));
    let url = page_url(&device.settings.web).map(|url| format!("{url}notice"));
    let code_text = match (&url, notice.responsible.as_str()) {
        (Some(url), _) => url.clone(),
        (None, "") => short,
        (None, responsible) => format!("{short} {} {responsible}", text("notice.responsible")),
    };
    let page = translated(SHEET, language, shown)
        .replace("{{responsible}}", &or(&notice.responsible, NOBODY))
        .replace(
            "{{way_out}}",
            &or(&notice.way_out, text("notice.wayout.usual")),
        )
        .replace("{{code}}", &code(&code_text, text("notice.code")))
        .replace("{{url}}", &escaped(url.as_deref().unwrap_or_default()));
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

/// The language in the address (`?lang=de`), else the browser's.
pub(super) fn language(uri: &Uri, headers: &HeaderMap) -> Language {
    let asked = uri.query().unwrap_or_default().split('&');
    let asked = asked.filter_map(|pair| pair.strip_prefix("lang="));
    let accepted = headers.get(header::ACCEPT_LANGUAGE);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    asked
        .filter_map(Language::from_tag)
        .next()
        .unwrap_or_else(|| Language::from_accepted(accepted.unwrap_or_default()))
}

/// The sheet with its English sentences replaced; `shown`: others may see the camera's picture.
fn translated(sheet: &str, language: Language, shown: bool) -> String {
    let pictures = if shown { "notice.shown" } else { "notice.kept" };
    let mut page = sheet.replace("lang=\"en\"", &format!("lang=\"{}\"", language.tag()));
    page = page.replace(
        translations::text(Language::En, "notice.kept"),
        translations::text(language, pictures),
    );
    if language == Language::En {
        return page;
    }
    // Their English text holds marks and line breaks, so they are found by their ends.
    for (from, to, key) in [
        ("<p>It shows", "</p>", "notice.what"),
        ("This notice follows", "</p>", "notice.law"),
    ] {
        if let Some(start) = page.find(from)
            && let Some(length) = page[start..].find(to)
        {
            let opening = if from.starts_with("<p>") { "<p>" } else { "" };
            let text = format!("{opening}{}", translations::text(language, key));
            page.replace_range(start..start + length, &text);
        }
    }
    for key in [
        "notice.title",
        "notice.wayout",
        "notice.responsible",
        "page.print",
    ] {
        page = page.replace(
            translations::text(Language::En, key),
            translations::text(language, key),
        );
    }
    page
}

/// A QR code as inline SVG; nothing for a text that none can hold.
fn code(text: &str, label: &str) -> String {
    let Ok(code) = QrCode::new(text) else {
        return String::new();
    };
    let svg = code
        .render::<svg::Color<'_>>()
        .min_dimensions(200, 200)
        .build();
    // HTML wants the element without XML's prologue.
    let start = svg.find("<svg").unwrap_or(0);
    let opening = format!("<svg role=\"img\" aria-label=\"{}\"", escaped(label));
    svg[start..].replacen("<svg", &opening, 1)
}

pub(super) fn escaped(text: &str) -> String {
    let one = |c: char| match c {
        '&' => "&amp;".into(),
        '<' => "&lt;".into(),
        '>' => "&gt;".into(),
        '"' => "&quot;".into(),
        '\'' => "&#39;".into(),
        c => c.to_string(),
    };
    text.chars().map(one).collect::<String>()
}

/// Where others reach the page; `None` if it listens on this machine alone, or not at all. Asks the routing table which
/// address this machine has; sends nothing.
pub fn page_url(web: &WebSettings) -> Option<String> {
    let address = web.address().filter(|_| web.enabled)?;
    if address.ip().is_loopback() {
        return None;
    }
    let named = web.hosts.first().and_then(|name| host_name(name));
    let host = match (named, address.ip()) {
        (Some(name), _) => name,
        (None, ip) if ip.is_unspecified() => own_address()?.to_string(),
        (None, IpAddr::V6(ip)) => format!("[{ip}]"),
        (None, ip) => ip.to_string(),
    };
    Some(format!("http://{host}:{}/", address.port()))
}

/// This machine's address on the way out.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // A test network (RFC 5737): connecting a UDP socket only looks at routes.
    socket.connect("192.0.2.1:9").ok()?;
    let own = socket.local_addr().ok()?.ip();
    (!own.is_unspecified()).then_some(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notice_is_in_the_browsers_language_and_nothing_stays_english() {
        for language in Language::ALL {
            let page = translated(SHEET, language, false);
            let english = [
                "feel",
                "Pictures stay",
                "Responsible:",
                "This notice follows",
                "Print<",
                "<title>A camera",
            ];
            for text in english {
                assert_eq!(
                    page.contains(text),
                    language == Language::En,
                    "{language:?}: {text}"
                );
            }
            for key in [
                "notice.title",
                "notice.kept",
                "notice.wayout",
                "notice.responsible",
                "page.print",
            ] {
                assert!(
                    page.contains(translations::text(language, key)),
                    "{language:?}: {key}"
                );
            }
            assert!(
                page.contains("AI Act") || page.contains("50(3)"),
                "{language:?}"
            );
            assert!(page.contains("{{way_out}}") && page.contains("{{responsible}}"));
        }
        let shown = translated(SHEET, Language::De, true);
        assert!(shown.contains("rote Lampe") && !shown.contains("Kein Bild"));
        let ask = |uri: &str, accept: &str| {
            let header = (header::ACCEPT_LANGUAGE, accept.parse().unwrap());
            language(&uri.parse().unwrap(), &HeaderMap::from_iter([header]))
        };
        assert_eq!(ask("/notice", "de-AT, en"), Language::De);
        assert_eq!(ask("/notice?lang=fr", "de"), Language::Fr);
    }

    fn web(listen: &str, hosts: &[&str]) -> WebSettings {
        WebSettings {
            listen: listen.into(),
            hosts: hosts.iter().map(|&host| host.into()).collect(),
            ..WebSettings::default()
        }
    }

    #[test]
    fn only_a_page_on_the_network_has_an_address_for_others() {
        assert_eq!(page_url(&web("127.0.0.1:8080", &[])), None);
        assert_eq!(page_url(&web("[::1]:8080", &["mirror.lan"])), None);
        let url = page_url(&web("192.168.7.9:80", &[]));
        assert_eq!(url.as_deref(), Some("http://192.168.7.9:80/"));
        let url = page_url(&web("[fd00::7]:8080", &[]));
        assert_eq!(url.as_deref(), Some("http://[fd00::7]:8080/"));
        let url = page_url(&web("0.0.0.0:8080", &["mirror.lan"]));
        assert_eq!(url.as_deref(), Some("http://mirror.lan:8080/"));
        let mut off = web("192.168.7.9:80", &[]);
        off.enabled = false;
        assert_eq!(page_url(&off), None);
    }

    #[test]
    fn the_sheet_has_the_sentences_of_the_packaged_notice() {
        let packaged = include_str!("../../../deploy/notice.html");
        let plain = |html: &str| html.split_whitespace().collect::<Vec<_>>().join(" ");
        let (sheet, packaged) = (plain(SHEET), plain(packaged));
        let is_paragraph = |part: &&str| part.starts_with('>') || part.starts_with(" class");
        let parts = packaged.split("<p").skip(1).filter(is_paragraph);
        let sentences = parts.filter_map(|part| {
            let text = part.split_once('>')?.1.split("</p>").next()?;
            // What stands before the texts that are filled in.
            text.split("<span").next()
        });
        let sentences: Vec<&str> = sentences.filter(|text| text.len() > 12).collect();
        assert!(sentences.len() >= 3, "{packaged}");
        for sentence in sentences {
            assert!(sheet.contains(sentence), "{sentence}");
        }
    }

    #[test]
    fn what_somebody_typed_is_text() {
        assert_eq!(
            escaped("<b>\"A & B's\""),
            "&lt;b&gt;&quot;A &amp; B&#39;s&quot;"
        );
        assert!(code("http://192.168.7.9:8080/notice", "QR").starts_with("<svg role"));
        assert_eq!(code(&"x".repeat(9_000), "QR"), "");
    }
}
