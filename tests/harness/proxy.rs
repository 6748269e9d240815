//! A link that can be cut: a TCP proxy between a daemon and its broker. Bytes pass as they are.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// The proxy. It listens as long as the test program runs.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    to: u16,
    open: AtomicBool,
    live: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// A link to this port of the loopback, open.
    ///
    /// # Panics
    /// If no port is free.
    pub fn to(port: u16) -> Self {
        Self::between("127.0.0.1", port)
    }

    /// As [`Proxy::to`], for who comes to this address.
    ///
    /// # Panics
    /// If no port is free there.
    pub fn between(address: &str, port: u16) -> Self {
        let listener = TcpListener::bind((address, 0)).expect("a port is free");
        let shared = Arc::new(Shared {
            to: port,
            open: AtomicBool::new(true),
            live: Mutex::default(),
        });
        let port = listener.local_addr().expect("it listens").port();
        let ours = Arc::clone(&shared);
        thread::spawn(move || listener.incoming().flatten().for_each(|c| ours.join(c)));
        Self { port, shared }
    }

    /// Breaks every connection, at whatever byte it is.
    pub fn cut(&self) {
        let mut live = self
            .shared
            .live
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for stream in live.drain(..) {
            // It may have ended by itself.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Breaks every connection and refuses new ones until [`Proxy::open`].
    pub fn close(&self) {
        self.shared.open.store(false, Ordering::SeqCst);
        self.cut();
    }

    /// Lets connections through again.
    pub fn open(&self) {
        self.shared.open.store(true, Ordering::SeqCst);
    }
}

impl Shared {
    fn join(&self, from: TcpStream) {
        if !self.open.load(Ordering::SeqCst) {
            return;
        }
        let Ok(to) = TcpStream::connect(("127.0.0.1", self.to)) else {
            return;
        };
        let pair = |a: &TcpStream, b: &TcpStream| Some((a.try_clone().ok()?, b.try_clone().ok()?));
        let (Some(there), Some(back), Some(kept)) =
            (pair(&from, &to), pair(&to, &from), pair(&from, &to))
        else {
            return;
        };
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.extend([kept.0, kept.1]);
        // Closed while this one was made.
        if !self.open.load(Ordering::SeqCst) {
            for stream in live.drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        thread::spawn(move || pump(there));
        thread::spawn(move || pump(back));
    }
}

fn pump((mut from, mut to): (TcpStream, TcpStream)) {
    let mut buffer = [0; 4_096];
    while let Ok(bytes) = from.read(&mut buffer) {
        if bytes == 0 || to.write_all(&buffer[..bytes]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
