//! What cameras at an address do, and what must come of it: one row of the table for each case.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use digest_auth::{AuthContext, AuthorizationHeader};

use super::{
    super::{
        http::HttpCamera,
        jpeg::tests::{TWO_COMPONENTS, ramp, with_orientation},
        stream_thread::Overflow,
        *,
    },
    fixtures,
    http_neighbours::neighbours,
    outcomes,
    serving::{Script, Wire, answer, part, serve},
};

const TIMEOUT: Duration = Duration::from_millis(400);
const PAUSE: Duration = Duration::from_millis(20);
const MULTIPART: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n";
pub(super) const JPEG: &str = "Content-Type: image/jpeg\r\n";

/// What must come of a camera.
pub(super) enum Expected {
    /// These outcomes, in order.
    Seen(&'static [&'static str]),
    /// It is not opened, and the error has this in it.
    Refused(&'static str),
}
use Expected::{Refused, Seen};

/// A camera's name, its answers, the address's login, and what must come of it.
pub(super) struct Case(&'static str, Script, &'static str, Expected);

pub(super) fn case(
    name: &'static str,
    want: Expected,
    script: impl Fn(u32, &str, &mut Wire) -> bool + Send + Sync + 'static,
) -> Case {
    Case(name, Arc::new(script), "", want)
}

/// The same with a login in the address.
pub(super) fn login(
    name: &'static str,
    login: &'static str,
    want: Expected,
    script: impl Fn(u32, &str, &mut Wire) -> bool + Send + Sync + 'static,
) -> Case {
    Case(name, Arc::new(script), login, want)
}

/// One answer to every request.
pub(super) fn always(name: &'static str, want: Expected, bytes: Vec<u8>) -> Case {
    case(name, want, move |_, _, wire| wire.send(&bytes))
}

/// One answer to every request, then the end of the connection.
pub(super) fn once(name: &'static str, want: Expected, bytes: Vec<u8>) -> Case {
    case(name, want, move |_, _, wire| {
        wire.send(&bytes);
        false
    })
}

fn context() -> Context {
    let mut context = Context::for_tests(false);
    (context.timeout, context.snapshot) = (TIMEOUT, PAUSE);
    // A test must see every frame.
    context.overflow = Overflow::Every;
    context
}

pub(super) fn picture() -> Vec<u8> {
    ramp(16, 16, 0)
}

pub(super) fn other() -> Vec<u8> {
    ramp(24, 8, 0)
}

fn fixture(text: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(text).unwrap()
}

pub(super) fn glued(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A stream of parts.
pub(super) fn multipart(parts: &[Vec<u8>]) -> Vec<u8> {
    glued(&[MULTIPART.as_bytes(), &parts.concat()])
}

pub(super) fn chunk(bytes: &[u8]) -> Vec<u8> {
    glued(&[format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"])
}

pub(super) fn authorization(head: &str) -> Option<&str> {
    let line = head
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with("authorization:"))?;
    Some(line.split_once(':')?.1.trim())
}

/// A camera that asks for Digest: a right answer is a picture, everything else the question.
pub(super) fn digest(
    challenge: &'static str,
    each: bool,
) -> impl Fn(u32, &str, &mut Wire) -> bool + Send + Sync {
    move |number, head, wire| {
        let nonce = if each {
            format!("n{}", number / 2)
        } else {
            "n".into()
        };
        let challenge = challenge.replace("NONCE", &nonce);
        let given = authorization(head).and_then(|text| AuthorizationHeader::parse(text).ok());
        let is_right = given.is_some_and(|given| {
            let path = head.split(' ').nth(1).unwrap();
            let mut context = AuthContext::new("ann", "p@ss", path);
            if let Some(cnonce) = &given.cnonce {
                context.set_custom_cnonce(cnonce.clone());
            }
            let mut right = given.clone();
            right.digest(&context);
            given.uri == path && given.nonce == nonce && right.response == given.response
        });
        if is_right {
            wire.send(answer("200 OK", JPEG, &picture()))
        } else {
            wire.send(answer("401 No", &format!("{challenge}\r\n"), b""))
        }
    }
}

fn streams() -> Vec<Case> {
    let (a, b) = (picture(), other());
    let plain = part("Content-Type: image/jpeg\r\n", &a);
    vec![
        once("a stream with boundary", Seen(&["16x16", "24x8", "lost"]), multipart(&[plain.clone(), part(JPEG, &b)])),
        once("parts without headers", Seen(&["16x16", "24x8", "lost"]), multipart(&[part("", &a), part("", &b)])),
        once("lengths of parts that lie", Seen(&["16x16", "24x8", "lost"]),
            multipart(&[part("Content-Length: 9\r\n", &a), part("Content-Length: 999999\r\n", &b)])),
        once("another boundary than announced", Seen(&["16x16", "16x16", "lost"]),
            glued(&[b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=\"--zzz\"\r\n\r\n", &plain, &plain])),
        once("a boundary without a name", Seen(&["16x16", "16x16", "lost"]),
            glued(&[b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=\r\n\r\n", &plain, &plain])),
        once("lines that end with LF", Seen(&["16x16", "24x8", "lost"]),
            glued(&[b"HTTP/1.1 200 OK\nContent-Type: multipart/x-mixed-replace; boundary=b\n\n--b\nContent-Type: image/jpeg\n\n", &a, b"\n--b\n\n", &b])),
        once("bare JPEGs without a type", Seen(&["16x16", "24x8", "lost"]), glued(&[b"HTTP/1.0 200 OK\r\n\r\n", &a, &b])),
        once("bare JPEGs as bytes", Seen(&["16x16", "24x8", "lost"]),
            glued(&[b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nConnection: close\r\n\r\n", &a, &b])),
        once("bare JPEGs with junk between", Seen(&["16x16", "24x8", "lost"]),
            glued(&[b"HTTP/1.1 200 OK\r\n\r\nhello", &a, b"\xFF\xD8junk\0\0", &b])),
        once("a stream that calls itself a page", Seen(&["16x16", "16x16", "lost"]),
            glued(&[b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", &plain, &plain])),
        once("tiny chunks", Seen(&["16x16", "24x8", "lost"]), {
            let body = glued(&[&plain, &part(JPEG, &b)]);
            let chunks: Vec<u8> = body.chunks(7).flat_map(chunk).collect();
            glued(&[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &chunks, b"0\r\n\r\n"])
        }),
        once("chunks that break off", Seen(&["16x16", "lost"]),
            glued(&[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &chunk(&a), b"fff\r\n", &b[..50]])),
        once("a picture cut by the next", Seen(&["16x16", "bad", "16x16", "16x16"]),
            multipart(&[plain.clone(), part(JPEG, &a[..200]), plain.clone(), plain.clone()])),
        once("a picture cut and mended", Seen(&["16x16", "bad", "16x16", "24x8"]),
            multipart(&[plain.clone(), part(JPEG, &glued(&[&a[..a.len() * 3 / 4], b"\xFF\xD9"])), plain.clone(), part(JPEG, &b)])),
        once("a picture that panics a decoder", Seen(&["bad", "16x16", "24x8"]),
            multipart(&[part(JPEG, TWO_COMPONENTS), plain.clone(), part(JPEG, &b)])),
        once("pictures on their side", Seen(&["8x24", "8x24"]),
            multipart(&[part(JPEG, &with_orientation(&b, 6)), part(JPEG, &with_orientation(&b, 5))])),
        once("a thumbnail inside", Seen(&["24x8", "24x8"]), {
            let inner = glued(&[b"\xFF\xE2", &((a.len() + 2) as u16).to_be_bytes(), &a]);
            let outer = glued(&[&b[..2], &inner, &b[2..]]);
            multipart(&[part(JPEG, &outer), part(JPEG, &outer)])
        }),
        once("progressive pictures", Seen(&["32x24", "32x24"]),
            multipart(&[part(JPEG, &fixture(fixtures::PROGRESSIVE)), part(JPEG, &fixture(fixtures::GREY_PROGRESSIVE))])),
        once("pictures of inks, and with restarts", Seen(&["32x24", "32x24"]),
            multipart(&[part(JPEG, &fixture(fixtures::CMYK)), part(JPEG, &fixture(fixtures::RESTARTS))])),
        once("YUV4MPEG2", Seen(&["4x2", "4x2", "lost"]),
            glued(&[b"HTTP/1.1 200 OK\r\n\r\nYUV4MPEG2 W4 H2 F30:1\nFRAME\n", &[9; 12], b"FRAME\n", &[9; 12]])),
        case("a stall after a picture", Seen(&["16x16", "lost"]), move |_, _, wire| {
            wire.send(multipart(&[part(JPEG, &picture())]));
            wire.stall();
            false
        }),
        case("a stall inside the second picture", Seen(&["16x16", "lost"]), move |_, _, wire| {
            wire.send(multipart(&[part(JPEG, &picture()), picture()[..100].to_vec()]));
            wire.stall();
            false
        }),
    ]
}

fn snapshots() -> Vec<Case> {
    let a = picture();
    let three = || Seen(&["16x16"; 3]);
    let old = |kind: &str| glued(&[b"HTTP/1.0 200 OK\r\n", kind.as_bytes(), b"\r\n", &picture()]);
    vec![
        always("a snapshot", three(), answer("200 OK", JPEG, &a)),
        always(
            "a snapshot without a type",
            three(),
            answer("200 OK", "", &a),
        ),
        always(
            "a snapshot as bytes",
            three(),
            answer("200 OK", "Content-Type: application/octet-stream\r\n", &a),
        ),
        always(
            "a snapshot that calls itself a page",
            three(),
            answer("200 OK", "Content-Type: text/html\r\n", &a),
        ),
        always(
            "a snapshot that calls itself JSON",
            three(),
            answer("200 OK", "Content-Type: application/json\r\n", &a),
        ),
        always(
            "a snapshot in capitals",
            three(),
            answer("200 OK", "CONTENT-TYPE: IMAGE/JPG\r\n", &a),
        ),
        always(
            "a part of the content",
            three(),
            answer("206 Partial", JPEG, &a),
        ),
        once("a snapshot without length", three(), old(JPEG)),
        once("a snapshot without length and type", three(), old("")),
        once(
            "a connection that is closed each time",
            three(),
            answer("200 OK", "Connection: close\r\n", &a),
        ),
        once(
            "a connection that is closed unannounced",
            three(),
            answer("200 OK", JPEG, &a),
        ),
        always(
            "a snapshot in one chunk",
            three(),
            glued(&[
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                &chunk(&a),
                b"0\r\n\r\n",
            ]),
        ),
        always("chunks with extensions and a trailer", three(), {
            let size = format!("{:X};a=b\r\n", a.len());
            glued(&[
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                size.as_bytes(),
                &a,
                b"\r\n0\r\nX-Sum: 1\r\n\r\n",
            ])
        }),
        once(
            "one part of a stream each time",
            three(),
            multipart(&[part(JPEG, &a)]),
        ),
        always(
            "a motion photo",
            three(),
            answer("200 OK", JPEG, &glued(&[&a, &[0x55; 200_000]])),
        ),
        always(
            "a snapshot on its side",
            Seen(&["8x24"; 2]),
            answer("200 OK", JPEG, &with_orientation(&other(), 6)),
        ),
        case(
            "one that fails once",
            Seen(&["16x16", "bad", "16x16"]),
            move |number, _, wire| {
                wire.send(match number {
                    1 => answer("503 Busy", "", b"busy"),
                    _ => answer("200 OK", JPEG, &picture()),
                })
            },
        ),
        case(
            "one that is cut once",
            Seen(&["16x16", "bad", "16x16"]),
            move |number, _, wire| {
                wire.send(match number {
                    1 => answer("200 OK", JPEG, &picture()[..100]),
                    _ => answer("200 OK", JPEG, &picture()),
                })
            },
        ),
        case(
            "one that is empty once",
            Seen(&["16x16", "bad", "16x16"]),
            move |number, _, wire| {
                wire.send(match number {
                    1 => answer("200 OK", JPEG, b""),
                    _ => answer("200 OK", JPEG, &picture()),
                })
            },
        ),
        case(
            "a length that is too long",
            Seen(&["16x16", "bad"]),
            move |number, _, wire| {
                let body = picture();
                wire.send(match number {
                    0 => answer("200 OK", JPEG, &body),
                    _ => glued(&[
                        b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n",
                        &body[..body.len() / 2],
                    ]),
                });
                number == 0
            },
        ),
    ]
}

fn refusals() -> Vec<Case> {
    let status = |status: &str| answer(status, "", b"no");
    vec![
        once(
            "no content",
            Refused("nothing at all"),
            b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
        ),
        once(
            "an empty answer",
            Refused("nothing at all"),
            answer("200 OK", JPEG, b""),
        ),
        once("not found", Refused("404"), status("404 Not Found")),
        once("an error of the server", Refused("500"), status("500 Oops")),
        once(
            "an answer by no HTTP",
            Refused(""),
            b"ICY nonsense\r\n\r\n".to_vec(),
        ),
        once("no answer at all", Refused(""), vec![]),
        once(
            "a head without end",
            Refused(""),
            glued(&[b"HTTP/1.1 200 OK\r\nX: ", &vec![b'a'; 300_000]]),
        ),
        once(
            "a page",
            Refused("web page"),
            answer(
                "200 OK",
                "Content-Type: text/html\r\n",
                b"<!DOCTYPE html><html>",
            ),
        ),
        once(
            "JSON",
            Refused("JSON"),
            answer("200 OK", "", b"{\"error\":1}"),
        ),
        once(
            "a PNG",
            Refused("PNG"),
            answer(
                "200 OK",
                "Content-Type: image/png\r\n",
                b"\x89PNG\r\n\x1a\nxx",
            ),
        ),
        once(
            "a stream of PNGs",
            Refused("image/png"),
            glued(&[
                MULTIPART.as_bytes(),
                &part("Content-Type: image/png\r\n", b"\x89PNG"),
            ]),
        ),
        once(
            "H.264",
            Refused("H.264"),
            answer("200 OK", "", b"\0\0\0\x01\x67\x42\0\x1f"),
        ),
        once(
            "something compressed",
            Refused("gzip"),
            answer("200 OK", "Content-Encoding: gzip\r\n", b"\x1f\x8b\x08\0xyz"),
        ),
        case("endless noise", Refused("bytes of 0x90"), |_, _, wire| {
            wire.send("HTTP/1.1 200 OK\r\nContent-Type: video/x\r\n\r\n");
            while wire.send([0x90; 4096]) {}
            false
        }),
        once(
            "a picture that is cut",
            Refused("no whole picture"),
            answer("200 OK", JPEG, &picture()[..150]),
        ),
        case("silence", Refused(""), |_, _, wire| {
            wire.stall();
            false
        }),
        case("a head that trickles", Refused(""), |_, _, wire| {
            wire.trickle(MULTIPART.as_bytes(), Duration::from_millis(50));
            false
        }),
        case("a picture that trickles", Refused(""), |_, _, wire| {
            wire.send("HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n");
            wire.trickle(&picture(), Duration::from_millis(50));
            false
        }),
        once(
            "a redirect without a place",
            Refused("302"),
            status("302 Found"),
        ),
        once(
            "a redirect to itself",
            Refused("more than 5 times"),
            answer("302 Found", "Location: /x\r\n", b""),
        ),
        once(
            "a redirect to RTSP",
            Refused("rtsp://cam/x; use that address"),
            answer("302 Found", "Location: rtsp://cam/x\r\n", b""),
        ),
        once(
            "a redirect to nowhere",
            Refused("ftp"),
            answer("302 Found", "Location: ftp://cam/\r\n", b""),
        ),
        once(
            "a login that nobody gave",
            Refused("user:password@HOST"),
            answer("401 No", "WWW-Authenticate: Basic realm=\"x\"\r\n", b""),
        ),
        once(
            "something forbidden",
            Refused("user:password@HOST"),
            status("403 Forbidden"),
        ),
    ]
}

fn logins() -> Vec<Case> {
    let basic = |head: &str| authorization(head) == Some("Basic YW5uOnBAc3M=");
    vec![
        login(
            "Basic",
            "ann:p%40ss@",
            Seen(&["16x16"; 2]),
            move |number, head, wire| {
                assert!(
                    number > 0 || authorization(head).is_none(),
                    "nobody asked yet"
                );
                wire.send(match basic(head) {
                    true => answer("200 OK", JPEG, &picture()),
                    false => answer("401 No", "WWW-Authenticate: Basic realm=\"x\"\r\n", b""),
                })
            },
        ),
        login(
            "a question without a scheme",
            "ann:p%40ss@",
            Seen(&["16x16"; 2]),
            move |_, head, wire| {
                wire.send(match basic(head) {
                    true => answer("200 OK", JPEG, &picture()),
                    false => answer("401 No", "", b""),
                })
            },
        ),
        login(
            "forbidden until the login is sent",
            "ann:p%40ss@",
            Seen(&["16x16"; 2]),
            move |_, head, wire| {
                wire.send(match basic(head) {
                    true => answer("200 OK", JPEG, &picture()),
                    false => answer("403 No", "", b""),
                })
            },
        ),
        login(
            "a wrong password",
            "ann:wrong@",
            Refused("another user or password"),
            |_, _, wire| {
                wire.send(answer(
                    "401 No",
                    "WWW-Authenticate: Basic realm=\"x\"\r\n",
                    b"",
                ))
            },
        ),
        login(
            "a wrong password by Digest",
            "ann:wrong@",
            Refused("another user or password"),
            digest(
                "WWW-Authenticate: Digest realm=\"cam\", nonce=\"NONCE\", qop=\"auth\"",
                false,
            ),
        ),
        login(
            "Digest",
            "ann:p%40ss@",
            Seen(&["16x16"; 3]),
            digest(
                "WWW-Authenticate: Digest realm=\"cam\", nonce=\"NONCE\", qop=\"auth\", algorithm=MD5",
                false,
            ),
        ),
        login(
            "Digest by SHA-256",
            "ann:p%40ss@",
            Seen(&["16x16"; 3]),
            digest(
                "WWW-Authenticate: Digest realm=\"cam\", nonce=\"NONCE\", qop=\"auth\", algorithm=SHA-256",
                false,
            ),
        ),
        login(
            "Digest of 1997",
            "ann:p%40ss@",
            Seen(&["16x16"; 3]),
            digest(
                "WWW-Authenticate: Digest realm=\"cam\", nonce=\"NONCE\"",
                false,
            ),
        ),
        login(
            "Digest with a nonce for each",
            "ann:p%40ss@",
            Seen(&["16x16"; 3]),
            digest(
                "WWW-Authenticate: Digest realm=\"cam\", nonce=\"NONCE\", qop=\"auth\", stale=true",
                true,
            ),
        ),
        login(
            "Digest beside Basic",
            "ann:p%40ss@",
            Seen(&["16x16"; 2]),
            |number, head, wire| {
                assert!(
                    !authorization(head).is_some_and(|a| a.starts_with("Basic")),
                    "Digest was there"
                );
                digest(
                    "WWW-Authenticate: Basic realm=\"cam\"\r\nWWW-Authenticate: Digest realm=\"cam\", nonce=\"NONCE\"",
                    false,
                )(number, head, wire)
            },
        ),
        login(
            "a redirect on the same host",
            "ann:p%40ss@",
            Seen(&["16x16"; 2]),
            move |_, head, wire| {
                wire.send(match head.starts_with("GET /moved") {
                    true if basic(head) => answer("200 OK", JPEG, &picture()),
                    true => answer("401 No", "WWW-Authenticate: Basic realm=\"x\"\r\n", b""),
                    false => answer("307 Moved", "Location: moved?a=b\r\n", b""),
                })
            },
        ),
    ]
}

#[test]
fn every_behaviour_comes_to_its_right_end() {
    let cases: Vec<Case> = [streams(), snapshots(), refusals(), logins(), neighbours()]
        .into_iter()
        .flatten()
        .collect();
    assert!(cases.len() >= 130, "{}", cases.len());
    let mut wrong = Vec::new();
    for Case(name, script, login, want) in cases {
        let served = serve(script);
        let address = format!("http://{login}{}/x", served.host).parse().unwrap();
        match (HttpCamera::open(&address, context()), want) {
            (Ok(mut camera), Seen(want)) => {
                let seen = outcomes(&mut camera, want.len());
                if seen != want {
                    wrong.push(format!("{name}: {seen:?}, not {want:?}"));
                }
            }
            (Err(error), Refused(part)) => {
                let text = error.to_string();
                if !text.contains(part) || text.contains("p@ss") || text.contains("wrong@") {
                    wrong.push(format!("{name}: {text}"));
                }
            }
            (Err(error), Seen(_)) => wrong.push(format!("{name}: {error}")),
            (Ok(_), Refused(_)) => wrong.push(format!("{name}: opened")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_login_is_not_taken_to_another_host() {
    let thief = serve(Arc::new(|_, head: &str, wire: &mut Wire| {
        assert!(authorization(head).is_none(), "{head}");
        wire.send(answer(
            "401 No",
            "WWW-Authenticate: Basic realm=\"x\"\r\n",
            b"",
        ))
    }));
    let location = format!("Location: http://{}/y\r\n", thief.host);
    let served = serve(Arc::new(move |_, _: &str, wire: &mut Wire| {
        wire.send(answer("302 Found", &location, b""))
    }));
    let address = format!("http://ann:p%40ss@{}/x", served.host)
        .parse()
        .unwrap();
    let error = HttpCamera::open(&address, context())
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("another host") && !error.contains("p@ss"),
        "{error}"
    );
}

#[test]
fn snapshots_are_asked_for_gently_and_over_one_connection() {
    let served = serve(Arc::new(|_, _: &str, wire: &mut Wire| {
        wire.send(answer("200 OK", JPEG, &picture()))
    }));
    let mut context = context();
    context.snapshot = Duration::from_millis(100);
    let address = format!("http://{}/x", served.host).parse().unwrap();
    let begin = std::time::Instant::now();
    let mut camera = HttpCamera::open(&address, context).unwrap();
    assert_eq!(outcomes(&mut camera, 4), ["16x16"; 4]);
    assert!(
        begin.elapsed() >= Duration::from_millis(300),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(served.connections.load(Ordering::Relaxed), 1);
}

/// Each second request of a connection finds it closed, as with servers that close after an answer without saying so.
#[test]
fn a_kept_connection_that_the_server_closes_costs_no_picture() {
    let served = serve(Arc::new(|number, _: &str, wire: &mut Wire| {
        number.is_multiple_of(2) && wire.send(answer("200 OK", JPEG, &picture()))
    }));
    let mut context = context();
    context.snapshot = Duration::from_millis(20);
    let address = format!("http://{}/x", served.host).parse().unwrap();
    let mut camera = HttpCamera::open(&address, context).unwrap();
    assert_eq!(outcomes(&mut camera, 4), ["16x16"; 4]);
    assert_eq!(served.connections.load(Ordering::Relaxed), 4);
}

#[test]
fn a_dropped_camera_hangs_up_at_once() {
    let served = serve(Arc::new(|_, _: &str, wire: &mut Wire| {
        wire.send("HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n");
        wire.send(picture());
        wire.stall();
        false
    }));
    let mut context = context();
    context.timeout = Duration::from_secs(30);
    let address = format!("http://{}/x", served.host).parse().unwrap();
    let camera = HttpCamera::open(&address, context).unwrap();
    drop(camera);
    let due = std::time::Instant::now() + Duration::from_secs(10);
    while served.open.load(Ordering::Relaxed) > 0 {
        assert!(
            std::time::Instant::now() < due,
            "the connection is still there"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_error_of_a_closed_port_names_it() {
    let free = moodring_tests::bench::free_port();
    let address = format!("http://127.0.0.1:{free}/").parse().unwrap();
    let error = HttpCamera::open(&address, context())
        .err()
        .unwrap()
        .to_string();
    assert!(error.to_lowercase().contains("refused"), "{error}");
}
