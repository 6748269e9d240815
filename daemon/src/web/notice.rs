//! The notice for the door: printable, open to everybody who reaches the page, with a QR code that leads to it.

use std::{
    net::{IpAddr, UdpSocket},
    sync::Arc,
};

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use qrcode::{QrCode, render::svg};

use super::device_state::DeviceState;
use crate::config::WebSettings;

/// The sheet; its sentences are those of `deploy/notice.html`, which a test holds it to.
const SHEET: &str = include_str!("page/notice.html");
const NOBODY: &str = "................................................................";
const WAY_OUT: &str = "press the button, or ask us.";
/// The sentence that is true while no picture may leave the memory, and the one that is true else.
const KEPT: &str = "No picture is stored or sent.";
const SHOWN: &str =
    "While a red lamp is lit on its display, others can see the camera's picture; none is stored.";
/// What the code says where the page can be reached by nobody else.
const IN_SHORT: &str = "A camera reads facial expressions here and shows an emoji. Pictures stay in its memory for a \
     moment and are gone. Nobody is recognised. No picture is stored or sent.";

/// `GET /notice`.
pub(super) async fn sheet(State(device): State<Arc<DeviceState>>) -> Response {
    let notice = &device.settings.notice;
    let or = |text: &str, other: &str| escaped(if text.is_empty() { other } else { text });
    let preview = &device.settings.preview;
    let shown = preview.allowed || preview.pictures;
    let pictures = if shown { SHOWN } else { KEPT };
    let short = IN_SHORT.replace(KEPT, pictures);
    let url = page_url(&device.settings.web).map(|url| format!("{url}notice"));
    let says = match (&url, notice.responsible.as_str()) {
        (Some(url), _) => url.clone(),
        (None, "") => short,
        (None, responsible) => format!("{short} Responsible: {responsible}"),
    };
    let page = SHEET
        .replace("{{responsible}}", &or(&notice.responsible, NOBODY))
        .replace("{{way_out}}", &or(&notice.way_out, WAY_OUT))
        .replace("{{code}}", &code(&says))
        .replace("{{url}}", &escaped(url.as_deref().unwrap_or_default()))
        .replace(KEPT, pictures);
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

/// A QR code as inline SVG; nothing for a text that none can hold.
fn code(text: &str) -> String {
    let Ok(code) = QrCode::new(text) else {
        return String::new();
    };
    let svg = code
        .render::<svg::Color<'_>>()
        .min_dimensions(200, 200)
        .build();
    // HTML wants the element without XML's prologue.
    let start = svg.find("<svg").unwrap_or(0);
    svg[start..].replacen("<svg", "<svg role=\"img\" aria-label=\"QR code\"", 1)
}

fn escaped(text: &str) -> String {
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
    let host = match (web.hosts.first(), address.ip()) {
        (Some(name), _) => name.clone(),
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
    fn the_sheet_says_what_the_packaged_notice_says() {
        let packaged = include_str!("../../../deploy/notice.html");
        let plain = |html: &str| html.split_whitespace().collect::<Vec<_>>().join(" ");
        let (sheet, packaged) = (plain(SHEET), plain(packaged));
        let is_paragraph = |part: &&str| part.starts_with('>') || part.starts_with(" class");
        let parts = packaged.split("<p").skip(1).filter(is_paragraph);
        let sentences = parts.filter_map(|part| {
            let text = part.split_once('>')?.1.split("</p>").next()?;
            // What stands before the words that are filled in.
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
        assert!(code("http://192.168.7.9:8080/notice").starts_with("<svg role"));
        assert_eq!(code(&"x".repeat(9_000)), "");
    }
}
