//! Checks whether the page can be opened, who may open it, and what it may show.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use moodring_base::config::Settings;
use moodring_web as web;

use super::{Finding, bad};

/// How long our page may take to answer.
const PAGE_TIMEOUT: Duration = Duration::from_secs(2);

/// The port, and who can reach it.
pub(super) fn page(settings: &Settings) -> Finding {
    let web = &settings.web;
    if !web.enabled {
        return Finding::Note("switched off by [web] enabled = false".into());
    }
    let Some(address) = web.address() else {
        return bad(
            format!("`{}` is no address", web.listen),
            "correct [web] listen",
        );
    };
    let here = format!("http://{address}/");
    let url = match web::page_url(web) {
        Some(url) => format!("{url} for who has the password or the token"),
        None if address.ip().is_loopback() => format!("{here}, from this machine only"),
        None => here,
    };
    match TcpListener::bind(address) {
        Ok(_) => Finding::Good(format!("{url} (moodring does not run)")),
        Err(_) if is_ours(address) => Finding::Good(format!("{url} answers")),
        Err(error) => bad(
            format!("cannot listen at {address}: {error}"),
            "another program has the port, or the address is not this machine's: set [web] listen, such as 127.0.0.1:8081",
        ),
    }
}

/// Whether the camera's picture may leave the memory.
pub(super) fn preview(settings: &Settings) -> Finding {
    let preview = &settings.preview;
    let pictures = match preview.pictures {
        true => "; the page may take single pictures",
        false => "",
    };
    match preview.allowed {
        true => Finding::Note(format!(
            "allowed: who may see the page can watch the camera, for {} s at a time, with a red sign{pictures}",
            preview.limit_s
        )),
        false if preview.pictures => Finding::Note(format!("not allowed{pictures}")),
        false => Finding::Good("not allowed: no picture leaves the memory".into()),
    }
}

/// Whether people are informed.
pub(super) fn notice(settings: &Settings) -> Finding {
    match (settings.notice.acknowledged, settings.web.address()) {
        (true, _) => Finding::Good("somebody confirmed that people are informed".into()),
        (false, Some(at)) if settings.web.enabled => Finding::Note(format!(
            "nobody has confirmed yet that people are informed: open http://{at}/setup, or set [notice] acknowledged = true"
        )),
        (false, _) => Finding::Note(
            "nobody has confirmed yet that people are informed: hang up the notice and set [notice] acknowledged = true".into(),
        ),
    }
}

/// Whether a moodring listens there.
fn is_ours(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut at = address;
        if at.ip().is_unspecified() {
            at.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        let mut stream = TcpStream::connect_timeout(&at, PAGE_TIMEOUT)?;
        stream.set_read_timeout(Some(PAGE_TIMEOUT))?;
        let request = format!("GET /healthz HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.take(4_096).read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(finding: Finding) -> String {
        match finding {
            Finding::Good(text) => format!("good {text}"),
            Finding::Note(text) => format!("note {text}"),
            Finding::Bad(text, mend) => format!("bad {text} / {mend}"),
        }
    }

    #[test]
    fn a_taken_port_has_its_way_out_and_a_free_one_its_address() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = taken.local_addr().unwrap();
        let mut settings = Settings::default();
        settings.web.listen = at.to_string();
        // A server that accepts and stays silent is not ours.
        let stranger = std::thread::spawn(move || drop(taken.accept()));
        let text = text_of(page(&settings));
        assert!(
            text.starts_with("bad") && text.contains("[web] listen"),
            "{text}"
        );
        stranger.join().unwrap();
        let text = text_of(page(&settings));
        assert!(
            text.starts_with("good") && text.contains(&format!("http://{at}/")),
            "{text}"
        );
        settings.web.enabled = false;
        assert!(text_of(page(&settings)).starts_with("note"));
    }

    #[test]
    fn what_may_be_seen_is_reported() {
        let mut settings = Settings::default();
        assert!(text_of(preview(&settings)).starts_with("good"));
        assert!(text_of(notice(&settings)).contains("/setup"));
        settings.preview.allowed = true;
        settings.notice.acknowledged = true;
        assert!(text_of(preview(&settings)).starts_with("note allowed"));
        assert!(text_of(notice(&settings)).starts_with("good"));
    }
}
