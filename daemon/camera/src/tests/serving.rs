//! A server that gives scripted answers, as cameras do that misbehave.

use std::{
    io::{Read, Write},
    net::{Shutdown as Half, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// Answers one request. Gets its number, its head, and the connection; `true` keeps the connection for another.
pub(super) type Script = Arc<dyn Fn(u32, &str, &mut Wire) -> bool + Send + Sync>;

/// The client's connection.
pub(super) struct Wire(TcpStream);

impl Wire {
    /// Sends; a client that hung up is no error. `false` then.
    pub(super) fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).is_ok()
    }

    /// Sends byte by byte.
    pub(super) fn trickle(&mut self, bytes: &[u8], pause: Duration) {
        for byte in bytes {
            if !self.send([*byte]) {
                return;
            }
            std::thread::sleep(pause);
        }
    }

    /// Sends nothing until the client hangs up.
    pub(super) fn stall(&mut self) {
        let _ = self.0.read(&mut [0; 64]);
    }
}

/// A running server; it ends with the test's process, its connections with the script.
pub(super) struct Served {
    pub(super) host: String,
    /// Connections that were accepted.
    pub(super) connections: Arc<AtomicU32>,
    /// Connections that are open.
    pub(super) open: Arc<AtomicU32>,
}

pub(super) fn serve(script: Script) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (connections, open) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let served = Served {
        host,
        connections: Arc::clone(&connections),
        open: Arc::clone(&open),
    };
    let requests = Arc::new(AtomicU32::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut wire = Wire(stream.unwrap());
            connections.fetch_add(1, Ordering::Relaxed);
            open.fetch_add(1, Ordering::Relaxed);
            let (script, open, requests) = (
                Arc::clone(&script),
                Arc::clone(&open),
                Arc::clone(&requests),
            );
            std::thread::spawn(move || {
                while let Some(head) = read_head(&mut wire.0) {
                    let number = requests.fetch_add(1, Ordering::Relaxed);
                    if !script(number, &head, &mut wire) {
                        break;
                    }
                }
                let _ = wire.0.shutdown(Half::Both);
                open.fetch_sub(1, Ordering::Relaxed);
            });
        }
    });
    served
}

fn read_head(stream: &mut TcpStream) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return None,
        }
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

/// An answer with these header lines and its length.
pub(super) fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// One part of a multipart stream.
pub(super) fn part(headers: &str, body: &[u8]) -> Vec<u8> {
    [b"--b\r\n", headers.as_bytes(), b"\r\n", body, b"\r\n"].concat()
}
