//! The camera's picture: nowhere unless it is allowed and on, gone when it is off, and nobody waits for a slow reader.

use std::time::Instant;

use moodring_base::{
    command::{Command, Switch},
    shutdown::Shutdown,
    worker::Supervisor,
};
use moodring_camera::latest::LentPicture;
use moodring_core::frame::{Frame, Millis, PixelFormat};

use super::*;
use crate::preview::FrameTap;

const SIZE: (u32, u32) = (64, 48);

/// A page whose preview the settings allow, and what feeds it.
fn open(change: impl FnOnce(&mut Settings)) -> (TestPage, FrameTap) {
    let mut settings = Settings::default();
    settings.preview.allowed = true;
    settings.preview.rate = 30.0;
    change(&mut settings);
    let page = TestPage::showing(&settings);
    let supervisor = Supervisor::new().0;
    let shutdown = Shutdown::default();
    page.preview
        .spawn(&settings, &supervisor, shutdown)
        .unwrap();
    let tap = page.preview.tap();
    (page, tap)
}

/// Offers frames of this grey until `done`.
fn feed(tap: &FrameTap, grey: u8, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    let pixels = vec![grey; (SIZE.0 * SIZE.1) as usize];
    let frame = Frame::packed(&pixels, PixelFormat::Grey, SIZE, Millis(1)).unwrap();
    while !done() {
        assert!(Instant::now() < end, "in time");
        tap.offer(&LentPicture::Frame(frame), &Snapshot::default());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Reads what is there, until a whole part of a stream has come; its JPEG.
struct Watcher {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Watcher {
    fn new(page: &TestPage, mode: &str) -> Self {
        let mut stream = page.connect();
        let head = format!(
            "GET /api/v1/preview.mjpeg?mode={mode} HTTP/1.1\r\nHost: {}\r\n\r\n",
            page.at
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(5)))
            .unwrap();
        let bytes = Vec::new();
        Self { stream, bytes }
    }

    /// How many pictures have come by now.
    fn count(&mut self) -> usize {
        let mut chunk = [0; 65_536];
        while let Ok(count @ 1..) = self.stream.read(&mut chunk) {
            self.bytes.extend_from_slice(&chunk[..count]);
        }
        let ends = |w: &&[u8]| *w == b"\xff\xd9\r\n";
        self.bytes.windows(4).filter(ends).count()
    }

    fn has_ended(&mut self) -> bool {
        self.count();
        // The last chunk (RFC 9112, section 7.1); the connection may serve another request.
        self.bytes.ends_with(b"\r\n0\r\n\r\n")
    }
}

#[test]
fn by_default_there_is_nothing_to_see_and_nothing_to_take() {
    let mut page = TestPage::new(|_| {});
    for path in ["/api/v1/preview", "/api/v1/preview.mjpeg"] {
        assert_eq!(page.get(path).status, 404, "{path}");
    }
    let refused = page.get("/api/v1/preview.mjpeg").json();
    let text = refused["error"].as_str().unwrap();
    assert!(text.contains("[preview] allowed"), "{text}");
    let picture = page.ask("POST /api/v1/picture", "", b"");
    assert_eq!(picture.status, 404, "{picture:?}");
    let on = page.ask("POST /api/v1/control/preview", "", b"on");
    assert_eq!(on.status, 400, "{on:?}");
    assert!(page.asked.take().unwrap().try_recv().is_none());
    let controls = &page.get("/api/v1/state").json()["controls"];
    assert_eq!(
        (&controls["preview"], &controls["preview_allowed"]),
        (&"off".into(), &false.into())
    );
}

#[test]
fn a_preview_that_is_allowed_is_not_yet_on() {
    let (mut page, _tap) = open(|_| {});
    assert_eq!(page.get("/api/v1/preview.mjpeg").status, 404);
    page.controls.send_modify(|c| c.preview_allowed = true);
    let on = page.ask("POST /api/v1/control/preview", "", b"on");
    assert_eq!(on.status, 202);
    let mut asked = page.asked.take().unwrap();
    assert_eq!(asked.try_recv(), Some(Command::Preview(Switch::On)));
    page.preview.switch(true);
    assert_eq!(page.get("/api/v1/preview.mjpeg?mode=plain").status, 400);
    assert_eq!(page.get("/api/v1/preview.mjpeg?size=9").status, 400);
}

#[test]
fn a_stream_shows_the_newest_and_ends_with_the_preview() {
    let (page, tap) = open(|_| {});
    page.preview.switch(true);
    let mut watcher = Watcher::new(&page, "boxes");
    feed(&tap, 50, || watcher.count() >= 2);
    let text = String::from_utf8_lossy(&watcher.bytes).into_owned();
    assert!(text.contains("multipart/x-mixed-replace; boundary=moodring-frame"));
    assert!(text.contains("no-store") && text.contains("default-src 'none'"));
    assert!(
        text.contains("x-accel-buffering: no\r\n"),
        "nginx lets it flow"
    );
    let start = watcher.bytes.windows(3).position(|w| w == b"\xff\xd8\xff");
    let jpeg = image::load_from_memory(&watcher.bytes[start.unwrap()..]).unwrap();
    assert_eq!((jpeg.width(), jpeg.height()), SIZE);
    page.preview.switch(false);
    feed(&tap, 50, || watcher.has_ended());
}

#[test]
fn permits_are_counted() {
    let (page, tap) = open(|s| s.preview.streams = 1);
    page.preview.switch(true);
    let mut watcher = Watcher::new(&page, "emoji");
    feed(&tap, 9, || watcher.count() > 0);
    let refused = page.get("/api/v1/preview.mjpeg");
    assert_eq!((refused.status, refused.header("retry-after")), (429, "10"));
}

#[test]
fn a_reader_that_reads_nothing_slows_nobody() {
    let (page, tap) = open(|_| {});
    page.preview.switch(true);
    let mut stuck = Watcher::new(&page, "emoji");
    let mut quick = Watcher::new(&page, "emoji");
    feed(&tap, 9, || quick.count() >= 40);
    assert!(stuck.count() > 0, "it was served, too");
}

#[test]
fn a_picture_goes_to_the_browser_if_the_settings_allow_it() {
    let (page, tap) = open(|s| {
        s.preview.allowed = false;
        s.preview.pictures = true;
    });
    let answer = std::thread::scope(|scope| {
        let asked = scope.spawn(|| page.ask("POST /api/v1/picture", "", b""));
        feed(&tap, 70, || asked.is_finished());
        asked.join().unwrap()
    });
    assert_eq!(answer.header("content-type"), "image/jpeg");
    let name = answer.header("content-disposition");
    assert!(
        name.starts_with("attachment; filename=\"moodring-20"),
        "{name}"
    );
    let picture = image::load_from_memory(&answer.body).unwrap().to_rgb8();
    assert!(picture.get_pixel(9, 9)[0].abs_diff(70) < 4);
    assert_eq!(page.get("/api/v1/preview.mjpeg").status, 404);
}

/// One that sends a picture every few seconds, or a machine that is busy.
#[test]
fn a_slow_camera_is_waited_for() {
    let (page, tap) = open(|s| s.preview.pictures = true);
    page.snapshots
        .send_modify(|s| s.camera = CameraState::Running);
    let answer = std::thread::scope(|scope| {
        let asked = scope.spawn(|| page.ask("POST /api/v1/picture", "", b""));
        std::thread::sleep(std::time::Duration::from_secs(4));
        feed(&tap, 70, || asked.is_finished());
        asked.join().unwrap()
    });
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn without_a_camera_there_is_no_picture_and_a_reason() {
    let (page, _tap) = open(|s| s.preview.pictures = true);
    let answer = page.ask("POST /api/v1/picture", "", b"");
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("camera"), "{}", answer.text());
}
