//! The page from inside: the whole server on a free port of the loopback, and what strangers may send it.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use proptest::prelude::*;
use serde_json::Value;
use tokio::sync::watch;

use super::*;
use crate::{
    message::{DeviceName, RunId},
    snapshot::CameraState,
    store::{Class, Draft, Place},
};

mod uploads;

const LIMIT: Duration = Duration::from_secs(60);

/// A running page and the ends of what feeds it.
struct Page {
    web: Option<Web>,
    at: SocketAddr,
    snapshots: watch::Sender<Snapshot>,
    store: Store,
    camera: watch::Sender<CameraStatus>,
    broker: watch::Sender<BrokerState>,
    controls: watch::Sender<controls::Controls>,
    asked: Option<command::Receiver>,
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Page {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let mut page = Self {
            web: None,
            at: ([127, 0, 0, 1], 0).into(),
            snapshots: watch::Sender::default(),
            store: Store::open(Place::Memory, crate::store::Bounds::default()).unwrap(),
            camera: watch::Sender::default(),
            broker: watch::Sender::new(BrokerState::Online),
            controls: watch::Sender::default(),
            asked: None,
        };
        let web = page.spawn(change).unwrap().unwrap();
        page.at = web.address();
        page.web = Some(web);
        page
    }

    /// One more server on the same feeds.
    fn spawn(&mut self, change: impl FnOnce(&mut Settings)) -> Result<Option<Web>, WebError> {
        let mut settings = Settings::default();
        settings.web.listen = "127.0.0.1:0".into();
        change(&mut settings);
        let (commands, asked) = command::channel();
        self.asked = Some(asked);
        let inputs = Inputs {
            who: Identity {
                device: DeviceName::new("hall").unwrap(),
                run: RunId::new(7),
            },
            clock: Clock::start(),
            snapshots: self.snapshots.subscribe(),
            store: self.store.clone(),
            camera: self.camera.subscribe(),
            broker: self.broker.subscribe(),
            source: "test".into(),
            commands,
            controls: self.controls.subscribe(),
        };
        spawn(&settings, inputs)
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        // Head and body go in two writes; else each request of a long talk would wait 40 ms for the head's receipt.
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

impl Drop for Page {
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
        Self {
            status: status.unwrap(),
            head,
            body: bytes[end + 4..].to_vec(),
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

#[test]
fn the_state_of_now_is_told() {
    let page = Page::new(|_| {});
    page.snapshots.send_modify(|s| {
        s.camera = CameraState::Running;
        s.frame_px = (640, 480);
    });
    let state = page.get("/api/v1/state");
    assert_eq!(state.header("content-type"), "application/json");
    let state = state.json();
    assert_eq!(state["device"], "hall");
    assert_eq!(state["camera"], "running");
    assert_eq!(state["broker"], "online");
    assert_eq!(state["frame_px"][0], 640);
    assert_eq!(page.get("/readyz").status, 200);
    assert_eq!(page.get("/healthz").text(), "ok\n");
}

#[test]
fn not_ready_while_the_camera_is_lost() {
    let page = Page::new(|_| {});
    page.snapshots.send_modify(|s| s.camera = CameraState::Lost);
    let ready = page.get("/readyz");
    assert_eq!(
        (ready.status, ready.text().as_str()),
        (503, "camera lost\n")
    );
}

#[test]
fn metrics_are_moodrings() {
    let page = Page::new(|_| {});
    page.get("/nothing");
    let text = page.get("/metrics").text();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        assert!(line.starts_with("moodring_"), "{line}");
        let value = line.rsplit_once(' ').unwrap().1;
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    assert!(
        text.contains("moodring_http_answers_total{status=\"4xx\"} 1"),
        "{text}"
    );
    assert!(text.contains("moodring_mood{mood=\"nobody\"} 1"), "{text}");
}

#[test]
fn every_answer_is_dressed() {
    let page = Page::new(|_| {});
    for path in [
        "/",
        "/api/v1/state",
        "/nothing",
        "/assets/app.js",
        "/api/v1/face.png",
    ] {
        let answer = page.get(path);
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{path}"
        );
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
    }
}

#[test]
fn names_and_pages_of_others_are_refused() {
    let page = Page::new(|_| {});
    let rebound = page.ask("GET /api/v1/state", "Host: evil.example\r\n", b"");
    assert_eq!(rebound.status, 421, "{rebound:?}");
    assert!(rebound.json()["error"].as_str().unwrap().contains("hosts"));
    let forged = page.ask(
        "POST /api/v1/analyze",
        "Origin: http://evil.example\r\n",
        b"x",
    );
    assert_eq!(forged.status, 403);
    let own = format!("Origin: http://{}\r\n", page.at);
    assert_eq!(page.ask("POST /api/v1/analyze", &own, b"x").status, 415);
}

#[test]
fn what_is_not_there_says_so_in_json() {
    let page = Page::new(|_| {});
    for (line, status) in [
        ("GET /nothing", 404),
        ("GET /assets/../config.toml", 404),
        ("GET /assets/%2e%2e%2fconfig.toml", 404),
        ("GET /assets/%ff", 404),
        ("DELETE /api/v1/state", 405),
        ("GET /api/v1/analyze", 405),
        ("GET /api/v1/timeline?hours=99", 400),
        ("GET /api/v1/timeline?hours=x", 400),
        ("GET /api/v1/timeline?days=1", 400),
        ("GET /api/v1/face.png?size=9999", 400),
        ("GET /api/v1/emoji/joy.png", 404),
        ("GET /api/v1/emoji/happy", 404),
        ("GET /api/v1/emoji/%ff.png", 400),
        ("GET /api/v1/emoji/happy.png?theme=x", 400),
        ("GET /api/v1/events?recent=-1", 400),
        ("POST /login", 400),
    ] {
        let answer = page.ask(line, "", b"");
        assert_eq!(answer.status, status, "{line}: {answer:?}");
        assert!(answer.json()["error"].is_string(), "{line}");
    }
}

#[test]
fn pictures_are_our_own_faces() {
    let page = Page::new(|_| {});
    let face = page.get("/api/v1/face.png?size=64");
    assert_eq!(face.header("content-type"), "image/png");
    let face = image::load_from_memory(&face.body).unwrap();
    assert_eq!((face.width(), face.height()), (64, 64));
    let happy = image::load_from_memory(&page.get("/api/v1/emoji/happy.png?size=32").body).unwrap();
    assert!(happy.color().has_alpha() && happy.width() == 32);
}

#[test]
fn files_come_packed_and_are_kept_by_their_tag() {
    let page = Page::new(|_| {});
    let plain = page.get("/assets/style.css");
    let packed = page.ask(
        "GET /assets/style.css",
        "Accept-Encoding: gzip, br\r\n",
        b"",
    );
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.body.len() * 2 < plain.body.len());
    let tag = format!("If-None-Match: {}\r\n", plain.header("etag"));
    let kept = page.ask("GET /assets/style.css", &tag, b"");
    assert_eq!((kept.status, kept.body.len()), (304, 0));
}

#[test]
fn a_token_opens_and_a_wrong_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "0123456789abcdef0123\n").unwrap();
    let page = Page::new(|s| s.web.token_file = file.to_str().unwrap().into());
    let with = |token: &str| {
        let header = format!("Authorization: Bearer {token}\r\n");
        page.ask("GET /api/v1/state", &header, b"").status
    };
    assert_eq!(with("0123456789abcdef0123"), 200);
    for wrong in ["", "0123456789abcdef0124", "0123456789abcdef012", "Bearer"] {
        assert_eq!(with(wrong), 401, "{wrong}");
    }
    assert_eq!(page.get("/healthz").status, 200);
    let front = page.get("/");
    assert_eq!((front.status, front.header("location")), (303, "/login"));
    assert_eq!(page.get("/login").status, 200);
    for path in [
        "/metrics",
        "/api/v1/events",
        "/api/v1/face.png",
        "/api/v1/emoji/happy.png",
        "/api/v1/timeline",
        "/api/v1/openapi.json",
        "/nothing",
    ] {
        assert_eq!(page.get(path).status, 401, "{path}");
    }
    assert_eq!(page.ask("POST /api/v1/analyze", "", b"x").status, 401);
}

#[test]
fn a_password_opens_a_session_until_one_leaves() {
    let hash = hash_password("correct horse").unwrap();
    let page = Page::new(|s| s.web.password = hash);
    let enter = |password: &str| {
        let body = serde_json::json!({ "password": password }).to_string();
        page.ask("POST /login", "", body.as_bytes())
    };
    assert_eq!(enter("wrong horse").status, 401);
    let inside = enter("correct horse");
    assert_eq!(inside.status, 204, "{inside:?}");
    let cookie = inside.header("set-cookie").to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    let look = || page.ask("GET /api/v1/state", &cookie, b"").status;
    assert_eq!(look(), 200);
    assert_eq!(page.ask("POST /logout", &cookie, b"").status, 204);
    assert_eq!(look(), 401);
}

#[test]
fn who_guesses_has_to_wait() {
    let hash = hash_password("correct horse").unwrap();
    let page = Page::new(|s| s.web.password = hash);
    let guess = || page.ask("POST /login", "", br#"{"password":"12345678"}"#);
    let answers: Vec<_> = (0..6).map(|_| guess().status).collect();
    assert_eq!(answers, [401, 401, 401, 401, 401, 429]);
    let wait: u32 = guess().header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    // The right one does not help either: else one could go on guessing.
    let right = page.ask("POST /login", "", br#"{"password":"correct horse"}"#);
    assert_eq!(right.status, 429);
}

#[test]
fn a_token_file_that_is_no_good_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "short").unwrap();
    let mut page = Page::new(|_| {});
    for path in [file.as_path(), folder.path()] {
        let path = path.to_str().unwrap();
        let error = page.spawn(|s| s.web.token_file = path.into()).unwrap_err();
        assert!(error.to_string().contains(path), "{error}");
    }
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

fn live(page: &Page, query: &str, headers: &str) -> TcpStream {
    let mut stream = page.connect();
    let head = format!(
        "GET /api/v1/events{query} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n",
        page.at
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn appeared(page: &Page, track: u32) {
    let payload = format!("{{\"seq\":{track},\"kind\":\"appeared\",\"track\":{track}}}");
    page.store.append(Draft {
        device: "hall".into(),
        run: 7,
        seq: track.into(),
        time_ms: journal::unix_ms(std::time::SystemTime::now()) as i64,
        class: Class::Event,
        kind: "appeared",
        payload: payload.into(),
        wanted: false,
    });
}

#[test]
fn the_history_is_told_taken_away_and_deleted() {
    let page = Page::new(|_| {});
    appeared(&page, 1);
    let minute = (journal::unix_ms(std::time::SystemTime::now()) / 60_000) as i64;
    page.store.add_moods(vec![crate::store::history::MoodSpan {
        minute,
        mood: moodring_core::mood::Mood::Uncertain,
        ms: 1_500,
    }]);
    let history = page.get("/api/v1/history?days=2").json();
    let buckets = history["buckets"].as_array().unwrap();
    assert_eq!(buckets.len(), 1, "{history}");
    assert_eq!(
        (&buckets[0][1], &buckets[0][2]),
        (&"uncertain".into(), &1.5.into())
    );
    let start = buckets[0][0].as_i64().unwrap();
    assert_eq!(
        start,
        minute * 60 / 3_600 * 3_600,
        "whole hours of the clock"
    );
    let csv = page.get("/api/v1/history.csv").text();
    assert!(
        csv.starts_with("hour,mood,seconds\n20") && csv.ends_with(",uncertain,1.5\n"),
        "{csv}"
    );
    let events = page.get("/api/v1/history/events");
    assert_eq!(
        events.text(),
        "{\"seq\":1,\"kind\":\"appeared\",\"track\":1}\n"
    );
    for wrong in ["0", "4000", "x", "-1"] {
        assert_eq!(
            page.get(&format!("/api/v1/history?days={wrong}")).status,
            400
        );
    }
    assert_eq!(page.ask("DELETE /api/v1/history", "", b"").status, 204);
    assert_eq!(
        page.get("/api/v1/history").json()["buckets"],
        serde_json::json!([])
    );
    assert_eq!(page.get("/api/v1/history/events").text(), "");
}

#[test]
fn a_live_view_tells_states_events_and_faces() {
    let page = Page::new(|_| {});
    let mut stream = live(&page, "?face=true", "");
    read_until(&mut stream, "event: state\ndata: {\"schema\"");
    appeared(&page, 41);
    let text = read_until(&mut stream, "\"track\":41");
    assert!(text.contains("id: 0000000000000007-41\n"), "{text}");
    read_until(&mut stream, "event: face\ndata: iVBOR");
}

#[test]
fn who_comes_back_misses_nothing() {
    let page = Page::new(|_| {});
    let mut first = live(&page, "", "");
    read_until(&mut first, "event: state");
    for track in 1..=3 {
        appeared(&page, track);
        read_until(&mut first, &format!("\"track\":{track}"));
    }
    drop(first);
    let mut back = live(&page, "", "Last-Event-ID: 0000000000000007-1\r\n");
    let text = read_until(&mut back, "event: state");
    assert!(!text.contains("\"track\":1}"), "{text}");
    assert!(
        text.contains("\"track\":2}") && text.contains("\"track\":3}"),
        "{text}"
    );
    let mut fresh = live(&page, "?recent=1", "");
    let text = read_until(&mut fresh, "event: state");
    assert!(
        text.contains("\"track\":3}") && !text.contains("\"track\":2}"),
        "{text}"
    );
}

#[test]
fn live_views_are_counted_and_seats_come_free() {
    let page = Page::new(|s| s.web.streams = 2);
    let mut views: Vec<_> = (0..2).map(|_| live(&page, "", "")).collect();
    for view in &mut views {
        read_until(view, "event: state");
    }
    let refused = page.get("/api/v1/events");
    assert_eq!(refused.status, 429, "{refused:?}");
    assert_eq!(refused.header("retry-after"), "10");
    drop(views.pop());
    let end = std::time::Instant::now() + LIMIT;
    loop {
        let mut again = live(&page, "", "");
        let mut first = [0; 12];
        again.read_exact(&mut first).unwrap();
        if &first == b"HTTP/1.1 200" {
            break;
        }
        assert!(std::time::Instant::now() < end, "the seat stays taken");
    }
}

#[test]
fn a_stop_ends_live_views_too() {
    let mut page = Page::new(|_| {});
    let mut view = live(&page, "", "");
    read_until(&mut view, "event: state");
    page.web.take().unwrap().stop();
    let mut rest = Vec::new();
    let _ = view.read_to_end(&mut rest);
    assert!(TcpStream::connect(page.at).is_err());
}

#[test]
fn a_taken_port_is_named_with_the_way_out() {
    let mut page = Page::new(|_| {});
    let taken = page.at.to_string();
    let error = page.spawn(|s| s.web.listen = taken.clone()).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains(&taken) && error.contains("[web] listen"),
        "{error}"
    );
}

#[test]
fn knobs_give_the_commands_that_mqtt_gives() {
    use crate::command::{Command, Switch};
    let mut page = Page::new(|_| {});
    let set = |thing: &str, text: &str| {
        let line = format!("POST /api/v1/control/{thing}");
        page.ask(&line, "", text.as_bytes()).status
    };
    assert_eq!(set("camera", "off"), 202);
    assert_eq!(set("sensitivity", "70"), 202);
    for (thing, text, status) in [
        ("camera", "perhaps", 400),
        ("camera", "", 400),
        ("sensitivity", "101", 400),
        ("brightness", "50", 400), // there is no display
        ("picture", "take", 400),  // the settings allow none
        ("volume", "50", 404),
    ] {
        assert_eq!(set(thing, text), status, "{thing} {text}");
    }
    assert_eq!(set("camera", &"x".repeat(100_000)), 413);
    let mut asked = page.asked.take().unwrap();
    assert_eq!(asked.try_recv(), Ok(Command::Camera(Switch::Off)));
    assert_eq!(asked.try_recv(), Ok(Command::Sensitivity(70)));
    assert!(asked.try_recv().is_err());
    page.controls.send_modify(|c| c.sensitivity = 70);
    let state = page.get("/api/v1/state").json();
    assert_eq!(state["controls"]["sensitivity"], 70);
    assert_eq!(state["controls"]["camera"], "off");
}
