//! Answers to single requests: state, metrics, files, pictures, refusals.

use super::*;

#[test]
fn the_state_of_now_is_answered() {
    let page = TestPage::new(|_| {});
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
    let page = TestPage::new(|_| {});
    page.snapshots.send_modify(|s| s.camera = CameraState::Lost);
    let ready = page.get("/readyz");
    assert_eq!(
        (ready.status, ready.text().as_str()),
        (503, "camera lost\n")
    );
}

#[test]
fn not_ready_while_a_worker_is_down() {
    let page = TestPage::new(|_| {});
    page.snapshots
        .send_modify(|s| s.camera = CameraState::Running);
    assert_eq!(page.get("/readyz").status, 200);
    page.health.send_modify(|health| health.down.push("vision"));
    let ready = page.get("/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains("vision"), "{}", ready.text());
    page.health.send_modify(|health| health.down.clear());
    assert_eq!(page.get("/readyz").status, 200);
}

#[test]
fn metrics_are_moodrings() {
    let page = TestPage::new(|_| {});
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
fn every_answer_has_the_security_headers() {
    let page = TestPage::new(|_| {});
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
fn what_is_not_there_is_answered_in_json() {
    let page = TestPage::new(|_| {});
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
    let page = TestPage::new(|_| {});
    let face = page.get("/api/v1/face.png?size=64");
    assert_eq!(face.header("content-type"), "image/png");
    let face = image::load_from_memory(&face.body).unwrap();
    assert_eq!((face.width(), face.height()), (64, 64));
    let happy = image::load_from_memory(&page.get("/api/v1/emoji/happy.png?size=32").body).unwrap();
    assert!(happy.color().has_alpha() && happy.width() == 32);
}

#[test]
fn files_come_packed_and_are_kept_by_their_tag() {
    let page = TestPage::new(|_| {});
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
fn a_taken_port_is_named_with_the_way_out() {
    let mut page = TestPage::new(|_| {});
    let taken = page.at.to_string();
    let error = page.spawn(|s| s.web.listen = taken.clone()).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains(&taken) && error.contains("[web] listen"),
        "{error}"
    );
}
