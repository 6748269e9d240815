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
    assert_eq!((front.status, front.header("location")), (303, "login"));
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

/// Sends these bytes and reads the answer to its end; nothing if it hangs up without one.
fn raw(page: &TestPage, bytes: &[u8]) -> Option<Answer> {
    let mut stream = page.connect();
    // A server that refuses early may close before it has read everything.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    (!answer.is_empty()).then(|| Answer::parse(&answer))
}

#[test]
fn heads_that_can_be_read_in_two_ways_are_refused() {
    let page = TestPage::new(|_| {});
    let at = page.at;
    for (status, head) in [
        (
            400,
            format!("GET /api/v1/state HTTP/1.1\r\nHost: {at}\r\nHost: {at}\r\n"),
        ),
        (
            400,
            format!("GET /api/v1/state HTTP/1.1\r\nHost: {at}\r\nHost: evil.example\r\n"),
        ),
        (
            400,
            format!("GET http://{at}/api/v1/state HTTP/1.1\r\nHost: {at}\r\n"),
        ),
        (
            400,
            format!("GET http://evil.example/ HTTP/1.1\r\nHost: {at}\r\n"),
        ),
        (
            421,
            "GET /api/v1/state HTTP/1.1\r\nHost: [::1].evil\r\n".into(),
        ),
        (
            421,
            "GET /api/v1/state HTTP/1.1\r\nHost: [::1].evil:80\r\n".into(),
        ),
        (
            421,
            "GET /api/v1/state HTTP/1.1\r\nHost: evil@127.0.0.1\r\n".into(),
        ),
        (421, "GET /api/v1/state HTTP/1.1\r\n".into()),
        (200, format!("GET /api/v1/state HTTP/1.1\r\nHost: {at}\r\n")),
    ] {
        let answer = raw(&page, format!("{head}Connection: close\r\n\r\n").as_bytes());
        assert_eq!(answer.map(|a| a.status), Some(status), "{head}");
    }
}

#[test]
fn a_head_has_sixteen_kilobytes() {
    let page = TestPage::new(|_| {});
    let padded = |bytes: usize| {
        let fill = "x".repeat(bytes);
        let head = format!(
            "GET /healthz HTTP/1.1\r\nHost: {}\r\nX: {fill}\r\nConnection: close\r\n\r\n",
            page.at
        );
        raw(&page, head.as_bytes()).map(|answer| answer.status)
    };
    assert_eq!(padded(8_000), Some(200));
    // The connection may be closed before all of it was read.
    assert!([Some(431), None].contains(&padded(20_000)));
    assert!([Some(431), None].contains(&padded(400_000)));
    let query = format!(
        "GET /?{} HTTP/1.1\r\nHost: {}\r\n\r\n",
        "q=1&".repeat(20_000),
        page.at
    );
    let giant = raw(&page, query.as_bytes()).map(|answer| answer.status);
    assert!([Some(414), Some(431), None].contains(&giant), "{giant:?}");
    assert_eq!(page.get("/healthz").status, 200);
}

#[test]
fn silent_and_dribbling_visitors_close_the_page_to_nobody() {
    moodring_base::process_limits::raise_open_files();
    let page = TestPage::new(|_| {});
    let heads = [
        "",
        "GET / HT",
        "POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n1",
    ];
    let _crowd: Vec<_> = (0..1_300)
        .map(|i| {
            let mut stream = page.connect();
            // Who was made to leave cannot be written to.
            let _ = stream.write_all(heads[i % heads.len()].as_bytes());
            stream
        })
        .collect();
    let begun = std::time::Instant::now();
    assert_eq!(page.get("/healthz").status, 200);
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_body_that_stalls_is_cut() {
    let page = TestPage::new(|_| {});
    let head = format!(
        "POST /api/v1/analyze HTTP/1.1\r\nHost: {}\r\nContent-Length: 1000\r\n\r\nabc",
        page.at
    );
    let begun = std::time::Instant::now();
    let _ = raw(&page, head.as_bytes());
    assert!(
        begun.elapsed() < Duration::from_secs(9),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn requests_behind_each_other_are_answered_in_order() {
    let page = TestPage::new(|_| {});
    let one = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", page.at);
    let last = format!(
        "HEAD /readyz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        page.at
    );
    let answer = raw(&page, (one.repeat(50) + &last).as_bytes()).unwrap();
    let text = format!("{}\r\n\r\n{}", answer.head, answer.text());
    assert_eq!(text.matches("HTTP/1.1 ").count(), 51, "{text}");
}

#[test]
fn options_and_unknown_methods_are_refused() {
    let page = TestPage::new(|_| {});
    for method in ["OPTIONS", "TRACE", "PUT", "BREW"] {
        let answer = page.ask(&format!("{method} /api/v1/state"), "", b"");
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    assert_eq!(page.ask("HEAD /api/v1/state", "", b"").body.len(), 0);
}

#[test]
fn home_assistants_proxy_is_believed_and_nobody_else() {
    let hash = hash_password("correct horse").unwrap();
    let proxied = TestPage::new(|s| {
        s.web.password = hash.clone();
        s.web.ingress = vec![[127, 0, 0, 1].into()];
    });
    let ingress = "Host: ha.local:8123\r\nX-Ingress-Path: /api/hassio_ingress/tok-1\r\nX-Forwarded-For: 10.0.0.9\r\n";
    let inside = proxied.ask("GET /api/v1/state", ingress, b"");
    assert_eq!(inside.status, 200, "{inside:?}");
    assert_eq!(inside.header("x-frame-options"), "SAMEORIGIN");
    assert!(
        inside
            .header("content-security-policy")
            .ends_with("frame-ancestors 'self'")
    );
    let own = format!("{ingress}Origin: https://ha.local:8123\r\n");
    assert_eq!(proxied.ask("POST /api/v1/analyze", &own, b"x").status, 415);
    let foreign = format!("{ingress}Origin: https://evil.example\r\n");
    assert_eq!(
        proxied.ask("POST /api/v1/analyze", &foreign, b"x").status,
        403
    );
    for bad in ["", "/a b", "//", "/a\u{e9}"] {
        let header = format!("X-Ingress-Path: {bad}\r\n");
        assert_eq!(
            proxied.ask("GET /api/v1/state", &header, b"").status,
            400,
            "{bad}"
        );
    }
    assert_eq!(
        proxied.get("/api/v1/state").status,
        403,
        "the proxy itself is nobody's user"
    );
    let watched = proxied.ask("GET /readyz", "Host: any\r\n", b"").status;
    assert!([200, 503].contains(&watched), "{watched}");
    let other = TestPage::new(|s| {
        s.web.password = hash;
        s.web.ingress = vec![[172, 30, 32, 2].into()];
    });
    let header = "X-Ingress-Path: /api/hassio_ingress/tok-1\r\n";
    assert_eq!(other.ask("GET /api/v1/state", header, b"").status, 401);
    let direct = other.get("/login");
    assert_eq!(direct.header("x-frame-options"), "DENY");
}

#[test]
fn listed_sites_may_show_the_face_and_read_it_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "0123456789abcdef0123\n").unwrap();
    let page = TestPage::new(|s| {
        s.web.embed = vec!["http://mirror.local:8080".into()];
        s.web.token_file = file.to_str().unwrap().into();
    });
    let from = |origin: &str| {
        format!("Origin: {origin}\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\n")
    };
    let (mirror, evil) = (
        from("http://mirror.local:8080"),
        from("http://evil.example"),
    );
    let token = "?token=0123456789abcdef0123";
    let state = page.ask(&format!("GET /api/v1/state{token}"), &mirror, b"");
    assert_eq!(state.status, 200, "{state:?}");
    assert_eq!(
        state.header("access-control-allow-origin"),
        "http://mirror.local:8080"
    );
    assert_eq!(state.header("access-control-allow-credentials"), "");
    assert_eq!(
        page.ask("GET /api/v1/state?token=0123", &mirror, b"")
            .status,
        401
    );
    assert_eq!(
        page.ask(&format!("GET /api/v1/state{token}"), &evil, b"")
            .status,
        403
    );
    for path in ["/metrics", "/api/v1/history", "/"] {
        let asked = format!("GET {path}{token}");
        assert_eq!(page.ask(&asked, &mirror, b"").status, 403, "{path}");
        assert_ne!(page.get(&format!("{path}{token}")).status, 200, "{path}");
    }
    let before = page.ask("OPTIONS /api/v1/state", &mirror, b"");
    assert_eq!(
        (before.status, before.header("access-control-allow-methods")),
        (204, "GET, HEAD")
    );
    assert_eq!(page.ask("OPTIONS /api/v1/state", &evil, b"").status, 403);
    let face = page.get(&format!("/face{token}"));
    assert_eq!((face.status, face.header("x-frame-options")), (200, ""));
    assert!(
        face.header("content-security-policy")
            .ends_with("frame-ancestors 'self' http://mirror.local:8080")
    );
    assert_eq!(page.get("/login").header("x-frame-options"), "DENY");
}

/// `<img src="http://hall.local:8080/face.svg">` on a listed site: such a request names no origin.
#[test]
fn listed_sites_may_show_the_face_as_a_picture() {
    let page = TestPage::new(|s| s.web.embed = vec!["http://mirror.local:8080".into()]);
    let from = |page: &str| {
        format!(
            "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n{page}"
        )
    };
    let corp = |answer: &Answer| answer.header("cross-origin-resource-policy").to_owned();
    for path in ["/face.svg", "/api/v1/face.png", "/api/v1/emoji/happy.svg"] {
        let asked = format!("GET {path}");
        for site in ["", "Referer: http://mirror.local:8080/\r\n"] {
            let shown = page.ask(&asked, &from(site), b"");
            assert_eq!((shown.status, corp(&shown)), (200, "cross-origin".into()));
            assert_eq!(shown.header("access-control-allow-origin"), "", "{path}");
        }
        let evil = page.ask(&asked, &from("Referer: http://evil.example/\r\n"), b"");
        assert_eq!(evil.status, 403, "{path}");
        // Without TLS browsers send fewer headers; then they refuse by ours.
        let evil = page.ask(&asked, "Referer: http://evil.example/\r\n", b"");
        assert_eq!(corp(&evil), "same-origin", "{path}");
    }
    let state = page.ask("GET /api/v1/state", &from(""), b"");
    assert_eq!(state.status, 403);
    let closed = TestPage::new(|_| {});
    assert_eq!(closed.ask("GET /face.svg", &from(""), b"").status, 403);
    assert_eq!(corp(&closed.get("/face.svg")), "same-origin");
}

#[test]
fn people_read_a_sentence_where_programs_read_json() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "ab+cd/ef==ab+cd/ef==\n").unwrap();
    let page = TestPage::new(|s| s.web.token_file = file.to_str().unwrap().into());
    for asked in ["/face", "/face?token=0123456789abcdef0123", "/face?token="] {
        let sheet = page.ask(&format!("GET {asked}"), "Accept-Language: de\r\n", b"");
        let text = String::from_utf8(sheet.body.clone()).unwrap();
        assert_eq!(sheet.status, 401, "{asked}");
        assert!(
            sheet.header("content-type").starts_with("text/html"),
            "{asked}"
        );
        assert!(
            text.contains("Token in der Adresse") && !text.contains('{'),
            "{text}"
        );
        assert_eq!(sheet.header("cache-control"), "no-store");
    }
    // Tokens hold what base64 holds, written plainly or as browsers write it.
    for token in [
        "ab+cd/ef==ab+cd/ef==",
        "ab%2Bcd%2Fef%3D%3Dab%2Bcd%2Fef%3D%3D",
        "ab+cd%2fef==ab+cd/ef%3d%3d",
    ] {
        assert_eq!(
            page.get(&format!("/face?token={token}")).status,
            200,
            "{token}"
        );
        assert_eq!(
            page.get(&format!("/api/v1/state?token={token}")).status,
            200,
            "{token}"
        );
    }
    let program = page.get("/face.svg?token=wrong");
    assert_eq!(
        (program.status, program.header("content-type")),
        (401, "application/json")
    );
    let setup = page.get("/setup");
    assert_eq!((setup.status, setup.header("location")), (303, "login"));
    let rebound = page.ask("GET /login", "Host: evil<b>.example\r\n", b"");
    assert_eq!(rebound.status, 421);
    let text = String::from_utf8(rebound.body).unwrap();
    assert!(
        text.contains("[web] hosts") && !text.contains("<b>"),
        "{text}"
    );
}

/// One header line a hop, as a proxy at the loopback hands a request on.
fn forwarded(chain: &str) -> String {
    format!("X-Forwarded-For: {chain}\r\n")
}

const WRONG: &[u8] = br#"{"password":"12345678"}"#;
const RIGHT: &[u8] = br#"{"password":"correct horse"}"#;

#[test]
fn behind_a_proxy_a_guesser_locks_the_owner_out_only_where_it_is_not_listed() {
    let hash = hash_password("correct horse").unwrap();
    for (proxies, owner) in [
        (&[][..], 429),
        (&["192.0.2.1"], 429),
        (&["127.0.0.1"], 204),
        (&["10.0.0.0/8", "127.0.0.0/8"], 204),
    ] {
        let page = TestPage::new(|s| {
            s.web.password = hash.clone();
            s.web.proxies = proxies.iter().map(|&p| p.into()).collect();
        });
        // What stands to the left is what the guesser made up.
        let guess = |i: u8| forwarded(&format!("203.0.113.{i}, 198.51.100.7"));
        for i in 0..8 {
            let _ = page.ask("POST /login", &guess(i), WRONG);
        }
        let guesser = page.ask("POST /login", &guess(9), RIGHT).status;
        assert_eq!(guesser, 429, "{proxies:?}");
        let inside = page.ask("POST /login", &forwarded("203.0.113.9"), RIGHT);
        assert_eq!(inside.status, owner, "{proxies:?}");
    }
}

#[test]
fn a_proxy_with_tls_gets_a_secure_cookie_and_its_own_page_may_ask() {
    let hash = hash_password("correct horse").unwrap();
    let page = |proxies: &[&str]| {
        TestPage::new(|s| {
            s.web.password = hash.clone();
            s.web.hosts = vec!["mood.example".into()];
            s.web.proxies = proxies.iter().map(|&p| p.into()).collect();
        })
    };
    // As nginx does by default: the page's own address as Host, and the browser's name beside it.
    let head = "Host: 127.0.0.1:8080\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: mood.example\r\n\
                Origin: https://mood.example\r\nSec-Fetch-Site: same-origin\r\n";
    let listed = page(&["127.0.0.1"]);
    let inside = listed.ask("POST /login", head, RIGHT);
    assert_eq!(inside.status, 204, "{inside:?}");
    assert!(
        inside.header("set-cookie").ends_with("; Secure"),
        "{inside:?}"
    );
    let other = head.replace("Host: mood.example", "Host: evil.example");
    assert_eq!(listed.ask("POST /login", &other, RIGHT).status, 421);
    let foreign = head.replace("https://mood", "https://evil");
    assert_eq!(listed.ask("POST /login", &foreign, RIGHT).status, 403);
    let plain = head.replace("Proto: https", "Proto: http");
    let inside = listed.ask("POST /login", &plain, RIGHT);
    assert!(
        !inside.header("set-cookie").contains("Secure"),
        "{inside:?}"
    );
    // Who is not listed is no proxy: neither its host nor its scheme is believed.
    let unlisted = page(&[]);
    assert_eq!(unlisted.ask("POST /login", head, RIGHT).status, 403);
    let inside = unlisted.ask("POST /login", "X-Forwarded-Proto: https\r\n", RIGHT);
    assert!(
        !inside.header("set-cookie").contains("Secure"),
        "{inside:?}"
    );
}

#[test]
fn scripts_load_behind_a_proxy_that_sends_its_own_name() {
    let page = TestPage::new(|_| {});
    let foreign = "Origin: http://mood.example\r\nSec-Fetch-Site: same-origin\r\n";
    assert_eq!(page.ask("GET /assets/app.js", foreign, b"").status, 200);
    assert_eq!(page.ask("POST /api/v1/analyze", foreign, b"x").status, 403);
    let embedded = page.get("/assets/app.js");
    assert_eq!(
        embedded.header("cross-origin-resource-policy"),
        "same-origin"
    );
}

#[test]
fn the_cookie_lasts_as_long_as_the_session_and_as_documented() {
    let hash = hash_password("correct horse").unwrap();
    let page = TestPage::new(|s| s.web.password = hash);
    let seconds = credentials::SESSION.as_secs();
    let age = format!("Max-Age={seconds}");
    let cookie = page
        .ask("POST /login", "", RIGHT)
        .header("set-cookie")
        .to_owned();
    assert!(cookie.contains(&age), "{cookie}");
    let own = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    // Each visit prolongs both; the end takes both.
    assert_eq!(
        page.ask("GET /api/v1/state", &own, b"")
            .header("set-cookie"),
        cookie
    );
    assert!(
        page.ask("POST /logout", &own, b"")
            .header("set-cookie")
            .contains("Max-Age=0")
    );
    assert_eq!(
        page.ask("GET /api/v1/state", &own, b"")
            .header("set-cookie"),
        ""
    );
    let security = include_str!("../../../../deploy/security.md");
    let promise = format!(
        "sessions that end {} hours after the last visit",
        seconds / 3600
    );
    assert!(security.contains(&promise), "{promise}");
}

#[test]
fn what_a_proxy_forwards_is_not_this_machine() {
    let page = TestPage::new(|s| {
        s.web.ingress = vec![[172, 30, 32, 2].into()];
        s.web.proxies = vec!["127.0.0.1".into()];
    });
    assert_eq!(page.get("/api/v1/state").status, 200);
    for chain in ["203.0.113.9", "127.0.0.1", "203.0.113.9, 127.0.0.1"] {
        let asked = page.ask("GET /api/v1/state", &forwarded(chain), b"");
        assert_eq!(asked.status, 403, "{chain}");
    }
}
