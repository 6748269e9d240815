//! The page from inside: the whole server on a free port of the loopback, and what strangers may send it.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use moodring_base::{
    message::{DeviceName, RunId},
    snapshot::CameraState,
};
use moodring_store::{EventClass, EventDraft, StoreLocation};
use proptest::prelude::*;
use serde_json::Value;
use tokio::sync::watch;

use super::*;

mod access;
mod answers;
mod control_requests;
mod preview;
mod setup;
mod uploads;
mod views;

const LIMIT: Duration = Duration::from_secs(60);

/// A running page and the ends of what feeds it.
struct TestPage {
    web: Option<Web>,
    at: SocketAddr,
    snapshots: watch::Sender<Snapshot>,
    store: Store,
    camera: watch::Sender<CameraStatus>,
    broker: watch::Sender<BrokerState>,
    controls: watch::Sender<controls::Controls>,
    preview: Preview,
    health: watch::Sender<Health>,
    file: Option<std::path::PathBuf>,
    asked: Option<command::CommandReceiver>,
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl TestPage {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::default();
        change(&mut settings);
        Self::showing(&settings)
    }

    /// The page of these settings, but for the port.
    fn showing(settings: &Settings) -> Self {
        let mut page = Self {
            web: None,
            at: ([127, 0, 0, 1], 0).into(),
            snapshots: watch::Sender::default(),
            store: Store::open(
                StoreLocation::Memory,
                moodring_store::StoreLimits::default(),
            )
            .unwrap(),
            camera: watch::Sender::default(),
            broker: watch::Sender::new(BrokerState::Online),
            controls: watch::Sender::default(),
            preview: Preview::new(&settings.preview, Clock::start()),
            health: watch::Sender::default(),
            file: None,
            asked: None,
        };
        let web = page.spawn(|s| {
            *s = Settings {
                web: moodring_base::config::WebSettings {
                    listen: s.web.listen.clone(),
                    ..settings.web.clone()
                },
                ..settings.clone()
            };
        });
        let web = web.unwrap().unwrap();
        page.at = web.address();
        page.web = Some(web);
        page
    }

    /// One more server on the same feeds.
    fn spawn(&mut self, change: impl FnOnce(&mut Settings)) -> Result<Option<Web>, WebError> {
        let mut settings = Settings::default();
        settings.web.listen = "127.0.0.1:0".into();
        change(&mut settings);
        let (commands, asked) = command::channel("test");
        self.asked = Some(asked);
        let inputs = Inputs {
            identity: Identity::new(DeviceName::new("hall").unwrap(), RunId::new(7)),
            clock: Clock::start(),
            snapshots: self.snapshots.subscribe(),
            store: self.store.clone(),
            camera: self.camera.subscribe(),
            broker: self.broker.subscribe(),
            source: "test".into(),
            file: self.file.clone(),
            commands,
            controls: self.controls.subscribe(),
            preview: self.preview.clone(),
            health: self.health.subscribe(),
        };
        spawn(&settings, inputs)
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        // Head and body go in two writes; else each request of a long connection would wait 40 ms for the head's receipt.
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Sends a request with these header lines and this body, and reads the answer to its end.
    fn ask(&self, line: &str, headers: &str, body: &[u8]) -> Answer {
        let mut stream = self.connect();
        let host = match headers.to_ascii_lowercase().contains("host:") {
            true => String::new(),
            false => format!("Host: {}\r\n", self.at),
        };
        let head = format!(
            "{line} HTTP/1.1\r\n{host}{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // A server that refuses early may close before it has read everything.
        let _ = stream.write_all(body);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        Answer::parse(&bytes)
    }

    fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), "", b"")
    }
}

impl Drop for TestPage {
    fn drop(&mut self) {
        if let Some(web) = self.web.take() {
            web.stop();
        }
    }
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let body = &bytes[end + 4..];
        let chunked = head
            .to_ascii_lowercase()
            .contains("transfer-encoding: chunked");
        Self {
            status: status.unwrap(),
            head,
            body: if chunked { joined(body) } else { body.to_vec() },
        }
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    }
}

/// The chunks of a body put together.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = chunks.windows(2).position(|w| w == b"\r\n") {
        let size = std::str::from_utf8(&chunks[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let Some(chunk) = chunks[end + 2..].get(..size).filter(|_| size > 0) else {
            break;
        };
        body.extend(chunk);
        chunks = &chunks[end + 2 + size + 2..];
    }
    body
}

/// Reads a live view until a text comes.
fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let (mut text, mut chunk) = (String::new(), [0; 4096]);
    let end = std::time::Instant::now() + LIMIT;
    while !text.contains(wanted) {
        assert!(std::time::Instant::now() < end, "no {wanted}: {text}");
        let count = stream.read(&mut chunk).unwrap();
        assert!(count > 0, "it ended before {wanted}: {text}");
        text += &String::from_utf8_lossy(&chunk[..count]);
    }
    text
}

fn live(page: &TestPage, query: &str, headers: &str) -> TcpStream {
    let mut stream = page.connect();
    let head = format!(
        "GET /api/v1/events{query} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n",
        page.at
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn appeared(page: &TestPage, track: u32) {
    let payload = format!("{{\"seq\":{track},\"kind\":\"appeared\",\"track\":{track}}}");
    page.store.append(EventDraft {
        device: "hall".into(),
        run: 7,
        seq: track.into(),
        time_ms: recent_events::unix_ms(std::time::SystemTime::now()) as i64,
        class: EventClass::Event,
        kind: "appeared",
        payload: payload.into(),
        wanted: false,
    });
}
