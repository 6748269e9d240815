//! More cameras at an address: what firmware, proxies and servers do beside the rules. Rows of the table in `http_cases`.

use std::sync::atomic::{AtomicU32, Ordering};

use super::{
    super::jpeg::tests::ramp,
    http_cases::{
        Case,
        Expected::{Refused, Seen},
        JPEG, always, authorization, case, chunk, digest, glued, login, multipart, once, other,
        picture,
    },
    serving::{answer, part},
};

pub(super) fn neighbours() -> Vec<Case> {
    [streams(), snapshots(), heads(), redirects(), logins()]
        .into_iter()
        .flatten()
        .collect()
}

fn head(kind: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n").into_bytes()
}

fn streams() -> Vec<Case> {
    let (a, b) = (picture(), other());
    let (one, two) = (part(JPEG, &a), part(JPEG, &b));
    let both = || Seen(&["16x16", "24x8", "lost"]);
    vec![
        once(
            "a boundary in quotes with spaces",
            both(),
            glued(&[
                &head("multipart/x-mixed-replace; charset=x; boundary=\"a b:c\""),
                b"--a b:c\r\n\r\n",
                &a,
                b"\r\n--a b:c\r\n\r\n",
                &b,
            ]),
        ),
        once(
            "a boundary that has its dashes already",
            both(),
            glued(&[&head("multipart/x-mixed-replace;boundary=--b"), &one, &two]),
        ),
        once(
            "no final boundary and no last line",
            both(),
            multipart(&[one.clone(), two[..two.len() - 2].to_vec()]),
        ),
        once(
            "a final boundary",
            both(),
            multipart(&[one.clone(), two.clone(), b"--b--\r\n".to_vec()]),
        ),
        once(
            "a preamble",
            both(),
            multipart(&[
                b"This is a multipart message.\r\n\r\n".to_vec(),
                one.clone(),
                two.clone(),
            ]),
        ),
        once(
            "empty parts between",
            both(),
            multipart(&[
                part("", b""),
                one.clone(),
                part("Content-Length: 0\r\n", b""),
                two.clone(),
            ]),
        ),
        once(
            "parts of text and sound between",
            both(),
            multipart(&[
                part("Content-Type: text/plain\r\n", b"no signal"),
                one.clone(),
                part("Content-Type: audio/basic\r\n", &[0x7F; 500]),
                two.clone(),
            ]),
        ),
        once(
            "headers of 60 kB in a part",
            both(),
            multipart(&[
                part(&format!("X-Note: {}\r\n{JPEG}", "n".repeat(60_000)), &a),
                two.clone(),
            ]),
        ),
        once(
            "headers of the part in capitals and folded",
            both(),
            multipart(&[
                part("CONTENT-TYPE: IMAGE/JPEG;\r\n charset=none\r\n", &a),
                two.clone(),
            ]),
        ),
        once(
            "sizes that change",
            Seen(&["16x16", "24x8", "16x16", "24x8"]),
            multipart(&[one.clone(), two.clone(), one.clone(), two.clone()]),
        ),
        once(
            "another 12-bit picture between",
            Seen(&["16x16", "bad", "24x8"]),
            {
                let mut deep = a.clone();
                let at = deep.windows(2).position(|w| w == b"\xFF\xC0").unwrap();
                deep[at + 4] = 12;
                multipart(&[one.clone(), part(JPEG, &deep), two.clone()])
            },
        ),
        once(
            "chunks of no number",
            Refused("chunk length"),
            glued(&[
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                &chunk(&one),
                b"zz\r\n",
                &two,
            ]),
        ),
        once("chunks with zeros before their size", both(), {
            let size = |bytes: &[u8]| {
                glued(&[
                    format!("0000{:X}\r\n", bytes.len()).as_bytes(),
                    bytes,
                    b"\r\n",
                ])
            };
            glued(&[
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n",
                &size(&one),
                &size(&two),
                b"0\r\n\r\n",
            ])
        }),
        once(
            "a multipart stream without a part",
            Refused("nothing at all"),
            head("multipart/x-mixed-replace; boundary=b"),
        ),
        once(
            "boundaries only",
            Refused("not with pictures"),
            glued(&[
                &head("multipart/x-mixed-replace; boundary=b"),
                b"--b\r\n\r\n--b\r\n\r\n--b--\r\n",
            ]),
        ),
        once(
            "a playlist",
            Refused("#EXTM3U"),
            glued(&[
                &head("application/vnd.apple.mpegurl"),
                b"#EXTM3U\n#EXT-X-VERSION:3\n",
            ]),
        ),
        once(
            "a film",
            Refused("MP4"),
            glued(&[&head("video/mp4"), b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2"]),
        ),
        once(
            "a transport stream",
            Refused("MPEG"),
            glued(&[
                &head("video/mp2t"),
                &[
                    &[0x47, 0x40, 0, 0x10][..],
                    &[0xFF; 184],
                    &[0x47, 0x40, 0, 0x11],
                ]
                .concat(),
            ]),
        ),
        once(
            "a large picture and small ones",
            Seen(&["640x400", "16x16", "24x8"]),
            multipart(&[part(JPEG, &ramp(640, 400, 0)), one, two]),
        ),
    ]
}

fn snapshots() -> Vec<Case> {
    let a = picture();
    let three = || Seen(&["16x16"; 3]);
    let but_once = |name: &'static str, bytes: Vec<u8>| {
        case(
            name,
            Seen(&["16x16", "bad", "16x16"]),
            move |number, _, wire| {
                wire.send(match number {
                    1 => bytes.clone(),
                    _ => answer("200 OK", JPEG, &picture()),
                })
            },
        )
    };
    vec![
        always(
            "HTTP/1.0 that keeps its connection",
            three(),
            glued(&[
                format!(
                    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: {}\r\n\r\n",
                    a.len()
                )
                .as_bytes(),
                &a,
            ]),
        ),
        always(
            "a status without a reason phrase",
            three(),
            glued(&[
                format!("HTTP/1.1 200\r\nContent-Length: {}\r\n\r\n", a.len()).as_bytes(),
                &a,
            ]),
        ),
        always(
            "an empty line before the picture",
            three(),
            answer("200 OK", JPEG, &glued(&[b"\r\n", &a])),
        ),
        always(
            "declared as compressed, but it is not",
            three(),
            answer("200 OK", "Content-Encoding: gzip\r\n", &a),
        ),
        but_once(
            "not modified once",
            b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec(),
        ),
        but_once(
            "no content once",
            b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
        ),
        but_once(
            "too many requests once",
            answer("429 Slow Down", "Retry-After: 1\r\n", b"slow"),
        ),
        but_once(
            "a page once",
            answer(
                "200 OK",
                "Content-Type: text/html\r\n",
                b"<html>restarting</html>",
            ),
        ),
        but_once(
            "a PNG once",
            answer("200 OK", JPEG, b"\x89PNG\r\n\x1a\n...."),
        ),
    ]
}

fn heads() -> Vec<Case> {
    let a = picture();
    let three = || Seen(&["16x16"; 3]);
    let with = |lines: &[u8]| {
        let length = format!("Content-Length: {}\r\n\r\n", picture().len());
        glued(&[b"HTTP/1.1 200 OK\r\n", lines, length.as_bytes(), &picture()])
    };
    vec![
        always(
            "a head of 30 kB",
            three(),
            with(format!("Set-Cookie: {}\r\n", "c".repeat(30_000)).as_bytes()),
        ),
        always(
            "sixty lines of a head",
            three(),
            with("X-A: b\r\n".repeat(60).as_bytes()),
        ),
        always(
            "letters of an old alphabet",
            three(),
            with(b"Server: Kamera-Ger\xE4t\r\n"),
        ),
        always(
            "an empty header",
            three(),
            with(b"X-Empty:\r\nX-Empty: \r\n"),
        ),
        always(
            "the same length twice",
            three(),
            with(format!("Content-Length: {}\r\n", a.len()).as_bytes()),
        ),
        once(
            "lengths that contradict",
            Refused(""),
            with(b"Content-Length: 3\r\n"),
        ),
        once(
            "a length below nothing",
            Refused(""),
            glued(&[b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", &a]),
        ),
        once(
            "a line that is no header",
            Refused(""),
            with(b"hello world\r\n"),
        ),
        once(
            "another protocol",
            Refused(""),
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n".to_vec(),
        ),
        once(
            "TLS on this port",
            Refused(""),
            b"\x15\x03\x01\0\x02\x02\x16".to_vec(),
        ),
        once("a picture without a head", Refused(""), a),
        once(
            "RTSP on this port",
            Refused(""),
            b"RTSP/1.0 400 Bad Request\r\n\r\n".to_vec(),
        ),
        always(
            "100 Continue ahead of the answer",
            three(),
            glued(&[
                b"HTTP/1.1 100 Continue\r\n\r\n",
                &answer("200 OK", JPEG, &picture()),
            ]),
        ),
    ]
}

fn redirects() -> Vec<Case> {
    let by = |name: &'static str, status: &'static str| {
        case(name, Seen(&["16x16"; 2]), move |_, head, wire| {
            wire.send(match head.starts_with("GET /there ") {
                true => answer("200 OK", JPEG, &picture()),
                false => answer(status, "Location: /there\r\n", b"moved"),
            })
        })
    };
    vec![
        by("moved for good", "301 Moved Permanently"),
        by("see other", "303 See Other"),
        by("moved for good, same method", "308 Permanent Redirect"),
        case(
            "two pages that send to each other",
            Refused("more than 5 times"),
            |_, head, wire| {
                let to = if head.starts_with("GET /a ") {
                    "/b"
                } else {
                    "/a"
                };
                wire.send(answer("302 Found", &format!("Location: {to}\r\n"), b""))
            },
        ),
        once(
            "a redirect to a file",
            Refused("file"),
            answer("302 Found", "Location: file:///etc/passwd\r\n", b""),
        ),
        once(
            "a redirect to nothing",
            Refused(""),
            answer("302 Found", "Location: \r\n", b""),
        ),
        once(
            "a redirect to no port",
            Refused(""),
            answer("302 Found", "Location: http://127.0.0.1:99999/\r\n", b""),
        ),
    ]
}

fn logins() -> Vec<Case> {
    let ann = "ann:p%40ss@";
    let seen = || Seen(&["16x16"; 2]);
    // By Digest only: who sends the password in the clear has lost.
    let never_basic = |name: &'static str, challenge: &'static str| {
        login(name, ann, seen(), move |number, head, wire| {
            assert!(
                !authorization(head).is_some_and(|a| a.starts_with("Basic")),
                "{name}: Digest was there"
            );
            digest(challenge, false)(number, head, wire)
        })
    };
    vec![
        never_basic(
            "several questions in one line",
            "WWW-Authenticate: Basic realm=\"cam\", Digest realm=\"cam\", nonce=\"NONCE\", qop=\"auth\"",
        ),
        never_basic(
            "Digest first, Basic in the same line",
            "WWW-Authenticate: Digest realm=\"cam\", nonce=\"NONCE\", qop=\"auth\", Basic realm=\"cam\"",
        ),
        never_basic(
            "a realm with Digest in its text",
            "WWW-Authenticate: Basic realm=\"not digest here\", Digest realm=\"cam\", nonce=\"NONCE\"",
        ),
        never_basic(
            "kinds nobody knows, then Digest",
            "WWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM TlRMTVNTUAAB\r\nWWW-Authenticate: Digest realm=\"cam\", nonce=\"NONCE\"",
        ),
        never_basic(
            "Digest by a sum nobody knows, then by one that is known",
            "WWW-Authenticate: Digest realm=\"cam\", nonce=\"NONCE\", algorithm=FOO-1\r\nWWW-Authenticate: Digest realm=\"cam\", nonce=\"NONCE\", algorithm=MD5",
        ),
        never_basic(
            "Digest with all that it may have",
            "WWW-Authenticate: Digest realm=\"cam\", domain=\"/\", nonce=\"NONCE\", opaque=\"o\", stale=false, algorithm=MD5, qop=\"auth,auth-int\", charset=UTF-8",
        ),
        never_basic(
            "Digest in small letters, without quotes",
            "www-authenticate: digest realm=\"cam\",nonce=\"NONCE\",algorithm=md5",
        ),
        login("a nonce that grows stale", ann, Seen(&["16x16"; 4]), {
            let asked = AtomicU32::new(0);
            move |number, head, wire| {
                // Every third request is refused with `stale=true`.
                if number > 0 && asked.fetch_add(1, Ordering::Relaxed) % 3 == 2 {
                    return wire.send(answer("401 No",
                        "WWW-Authenticate: Digest realm=\"cam\", nonce=\"n\", qop=\"auth\", stale=true\r\n", b""));
                }
                digest(
                    "WWW-Authenticate: Digest realm=\"cam\", nonce=\"NONCE\", qop=\"auth\"",
                    false,
                )(number, head, wire)
            }
        }),
        login(
            "a redirect, then Digest",
            ann,
            seen(),
            |number, head, wire| {
                if !head.starts_with("GET /there") {
                    return wire.send(answer("302 Found", "Location: /there?x=1\r\n", b""));
                }
                digest(
                    "WWW-Authenticate: Digest realm=\"cam\", nonce=\"NONCE\", qop=\"auth\"",
                    false,
                )(number, head, wire)
            },
        ),
        login(
            "a user without a password",
            "ann:@",
            seen(),
            |_, head, wire| {
                wire.send(match authorization(head) == Some("Basic YW5uOg==") {
                    true => answer("200 OK", JPEG, &picture()),
                    false => answer("401 No", "WWW-Authenticate: basic\r\n", b""),
                })
            },
        ),
        // A report at motionEye: the password must not be sent in the clear instead.
        login(
            "Digest without a nonce",
            ann,
            Refused("cannot be answered"),
            |_, head, wire| {
                assert!(authorization(head).is_none(), "{head}");
                wire.send(answer(
                    "401 No",
                    "WWW-Authenticate: Digest realm=\"x\"\r\n",
                    b"",
                ))
            },
        ),
        // A report at Motion: proxies hang up after each answer.
        login(
            "Digest over a new connection each time",
            ann,
            seen(),
            |number, head, wire| {
                digest(
                    "Connection: close\r\nWWW-Authenticate: Digest realm=\"cam\", nonce=\"NONCE\", qop=\"auth\"",
                    false,
                )(number, head, wire);
                false
            },
        ),
        login(
            "a kind nobody knows, alone",
            ann,
            Refused("another user or password"),
            |_, _, wire| {
                wire.send(answer(
                    "401 No",
                    "WWW-Authenticate: Bearer realm=\"x\"\r\n",
                    b"",
                ))
            },
        ),
    ]
}
