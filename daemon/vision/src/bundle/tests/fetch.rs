//! Fetches by https from a server in this process, with its own certificate authority.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
};

use super::Maker;
use crate::bundle::{
    BundleError,
    fetch::{Fetcher, is_url},
};

/// A server that gives each connection the answer for its path, then closes.
pub(crate) struct Server {
    port: u16,
    authority: CertificateDer<'static>,
}

impl Server {
    pub(crate) fn new(answers: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let authority = cert.der().clone();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![authority.clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that refuses us is part of the tests.
                let _ = answer(stream, &config, &answers);
            }
        });
        Self { port, authority }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    pub(crate) fn fetcher(&self, patience: Duration) -> Fetcher {
        Fetcher::trusting(std::slice::from_ref(&self.authority), patience)
    }
}

fn answer(
    stream: TcpStream,
    config: &Arc<ServerConfig>,
    answers: &impl Fn(&str) -> Vec<u8>,
) -> std::io::Result<()> {
    let connection = ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default();
    let answer = answers(path);
    if answer.is_empty() {
        // Never: the client gives up.
        thread::sleep(Duration::from_secs(3600));
    }
    stream.write_all(&answer)?;
    stream.conn.send_close_notify();
    stream.flush()
}

/// A page with this text.
pub(crate) fn ok(body: &[u8]) -> Vec<u8> {
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    [answer.as_bytes(), body].concat()
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_bundle_and_its_signature_are_fetched() {
    let maker = Maker::new();
    let signature = maker.sign(b"the bundle");
    let signed = signature.clone();
    let server = Server::new(move |path| match path {
        "/b.zip" => ok(b"the bundle"),
        "/b.zip.minisig" => ok(&signature),
        "/moved.zip" => {
            b"HTTP/1.1 302 Found\r\nLocation: /b.zip\r\nContent-Length: 0\r\n\r\n".to_vec()
        }
        "/moved.zip.minisig" => {
            b"HTTP/1.1 302 Found\r\nLocation: /b.zip.minisig\r\nContent-Length: 0\r\n\r\n".to_vec()
        }
        _ => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
    });
    let fetcher = server.fetcher(LONG);
    let mut seen = Vec::new();
    for name in ["/b.zip", "/moved.zip"] {
        let fetched =
            fetcher.fetch_signed(&server.url(name), |come, length| seen.push((come, length)));
        assert_eq!(fetched.unwrap(), (b"the bundle".to_vec(), signed.clone()));
    }
    assert!(seen.contains(&(10, Some(10))), "{seen:?}");
    let missing = fetcher.fetch_signed(&server.url("/other.zip"), |_, _| ());
    let text = missing.unwrap_err().to_string();
    assert!(
        text.contains("404") && text.contains("/other.zip.minisig"),
        "{text}"
    );
}

#[test]
fn too_much_is_cut_off_whether_it_was_announced_or_not() {
    let server = Server::new(|path| match path {
        "/announced" => ok(&[7; 2000]),
        _ => [
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec(),
            vec![7; 200_000],
        ]
        .concat(),
    });
    let fetcher = server.fetcher(LONG);
    for path in ["/announced", "/endless"] {
        let fetched = fetcher.fetch(&server.url(path), 1000, |_, _| ());
        assert!(
            matches!(fetched, Err(BundleError::TooLarge { limit: 1000, .. })),
            "{fetched:?}"
        );
    }
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let server = Server::new(|_| Vec::new());
    let fetched =
        server
            .fetcher(Duration::from_millis(300))
            .fetch(&server.url("/"), 1000, |_, _| ());
    assert!(fetched.unwrap_err().to_string().contains("timeout"));
}

#[test]
fn only_https_with_a_known_authority_is_trusted() {
    let server = Server::new(|path| match path {
        "/down" => {
            b"HTTP/1.1 302 Found\r\nLocation: http://localhost:9/x\r\nContent-Length: 0\r\n\r\n"
                .to_vec()
        }
        _ => ok(b"x"),
    });
    let other = Server::new(|_| ok(b"x"));
    let text = |fetcher: &Fetcher, url: &str| {
        let fetched = fetcher.fetch(url, 1000, |_, _| ());
        fetched.unwrap_err().to_string()
    };
    let fetcher = server.fetcher(LONG);
    let reason = text(&fetcher, &other.url("/"));
    assert!(reason.to_lowercase().contains("certificate"), "{reason}");
    let reason = text(&fetcher, &server.url("/down"));
    assert!(reason.contains("https"), "{reason}");
    let plain = format!(
        "http://user:secret@localhost:{}/b.zip?token=secret",
        server.port
    );
    let reason = text(&fetcher, &plain);
    assert!(
        reason.contains("only https://") && !reason.contains("secret"),
        "{reason}"
    );
    assert!(is_url(&plain) && !is_url("/tmp/b.zip"));
}
