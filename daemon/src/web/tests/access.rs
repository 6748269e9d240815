//! Who may pass: names, pages of others, tokens, passwords, guesses.

use super::*;

#[test]
fn names_and_pages_of_others_are_refused() {
    let page = TestPage::new(|_| {});
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
fn a_token_opens_and_a_wrong_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "0123456789abcdef0123\n").unwrap();
    let page = TestPage::new(|s| s.web.token_file = file.to_str().unwrap().into());
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
    let page = TestPage::new(|s| s.web.password = hash);
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
    let page = TestPage::new(|s| s.web.password = hash);
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
    let mut page = TestPage::new(|_| {});
    for path in [file.as_path(), folder.path()] {
        let path = path.to_str().unwrap();
        let error = page.spawn(|s| s.web.token_file = path.into()).unwrap_err();
        assert!(error.to_string().contains(path), "{error}");
    }
}
