//! The thread with the ports: opens them, speaks and listens, and tries again with back-off what is not there.

use std::{
    collections::HashMap,
    io::{self, ErrorKind, Read, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use moodring_core::frame::Millis;
use serialport::{ClearBuffer, SerialPort, TTYPort};
use tokio::sync::watch;

use super::{
    find,
    scene::scene,
    talk::{News, Talk},
};
use crate::{
    clock::Clock,
    config::{SatellitePort, SatelliteSettings},
    mqtt::backoff::Backoff,
    snapshot::Snapshot,
};

/// How often open ports are served.
const TURN: Duration = Duration::from_millis(20);
/// How often to look for the stop flag while there are none.
const IDLE: Duration = Duration::from_millis(100);
/// How often USB is searched.
const SEARCH_MS: u64 = 2_000;
/// How long a satellite may take to accept a frame: at most 60 bytes.
const PATIENCE: Duration = Duration::from_millis(200);

/// Starts the thread; `None` if the settings say that there are no satellites.
///
/// # Errors
/// If the system gives no thread.
pub fn spawn(
    settings: &SatelliteSettings,
    snapshots: watch::Receiver<Snapshot>,
    clock: Clock,
) -> io::Result<Option<Fleet>> {
    if settings.port == SatellitePort::Off {
        return Ok(None);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let crew = Crew {
        settings: settings.clone(),
        snapshots,
        clock,
        links: HashMap::new(),
        searched: None,
    };
    let flag = Arc::clone(&stop);
    let thread = thread::Builder::new()
        .name("satellites".into())
        .spawn(move || crew.serve(&flag))?;
    Ok(Some(Fleet { stop, thread }))
}

/// The running thread.
#[derive(Debug)]
pub struct Fleet {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Fleet {
    /// Closes all ports and waits for the thread's end.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        if self.thread.join().is_err() {
            tracing::error!("the satellites thread panicked");
        }
    }
}

/// What the thread owns.
struct Crew {
    settings: SatelliteSettings,
    snapshots: watch::Receiver<Snapshot>,
    clock: Clock,
    /// By the port's name.
    links: HashMap<String, Link>,
    searched: Option<Millis>,
}

/// A port that is open, or that failed and is tried again.
enum Link {
    Open {
        port: TTYPort,
        talk: Box<Talk>,
        backoff: Backoff,
    },
    Resting {
        until: Millis,
        backoff: Backoff,
    },
}

impl Crew {
    fn serve(mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let now = self.clock.now();
            self.search(now);
            let snapshot = self.snapshots.borrow_and_update().clone();
            let mut any_open = false;
            for (name, link) in &mut self.links {
                if let Link::Open {
                    port,
                    talk,
                    backoff,
                } = link
                {
                    talk.show(scene(&snapshot));
                    any_open = true;
                    if let Err(error) = exchange(name, port, talk, now) {
                        tracing::warn!("lost the satellite at {name}: {error}; looking for it");
                        *link = rest(backoff.clone(), now);
                    }
                }
            }
            thread::sleep(if any_open { TURN } else { IDLE });
        }
    }

    /// Opens what is there and not open.
    fn search(&mut self, now: Millis) {
        let named = matches!(self.settings.port, SatellitePort::Path(_));
        if !named
            && self
                .searched
                .is_some_and(|time| now.since(time) < SEARCH_MS)
        {
            return;
        }
        self.searched = Some(now);
        for name in find::ports(&self.settings) {
            let backoff = match self.links.get(&name) {
                Some(Link::Open { .. }) => continue,
                Some(Link::Resting { until, .. }) if now < *until => continue,
                Some(Link::Resting { backoff, .. }) => Some(backoff.clone()),
                None => None,
            };
            let first = backoff.is_none();
            // The spread is of no use at one's own port.
            let backoff = backoff.unwrap_or_else(|| Backoff::new(0));
            let link = self.open(&name, backoff, first, now);
            self.links.insert(name, link);
        }
    }

    fn open(&self, name: &str, backoff: Backoff, first: bool, now: Millis) -> Link {
        let opened = TTYPort::open(&serialport::new(name, self.settings.baud).timeout(PATIENCE));
        // The 0 ends whatever came over the line before, so that it is no part of the first frame.
        let begin = |mut port: TTYPort| -> serialport::Result<TTYPort> {
            port.clear(ClearBuffer::Input)?;
            port.write_all(&[0])?;
            Ok(port)
        };
        match opened.and_then(begin) {
            Ok(port) => {
                tracing::info!("opened {name} for a satellite");
                let wanted = scene(&self.snapshots.borrow());
                let talk = Box::new(Talk::new(&self.settings.label, wanted, now));
                Link::Open {
                    port,
                    talk,
                    backoff,
                }
            }
            Err(error) => {
                if first {
                    tracing::warn!("no satellite at {name}: {error}; looking for it");
                }
                rest(backoff, now)
            }
        }
    }
}

fn rest(mut backoff: Backoff, now: Millis) -> Link {
    let until = Millis(now.0 + backoff.wait().0);
    Link::Resting { until, backoff }
}

/// Reads what is there and says what is due.
fn exchange(name: &str, port: &mut TTYPort, talk: &mut Talk, now: Millis) -> io::Result<()> {
    let waiting = port.bytes_to_read().map_err(io::Error::from)?;
    if waiting > 0 {
        let mut bytes = [0; 256];
        match port.read(&mut bytes) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => talk.receive(&bytes[..count], now, |news| tell(name, news)),
            Err(error) if error.kind() == ErrorKind::TimedOut => {}
            Err(error) => return Err(error),
        }
    }
    while let Some(frame) = talk.next(now) {
        port.write_all(&frame)?;
    }
    if let Some(news) = talk.silence(now) {
        tell(name, news);
    }
    Ok(())
}

fn tell(name: &str, news: News) {
    match news {
        News::Met(me) => {
            let [major, minor, patch] = me.firmware;
            let (w, h) = (me.width_px, me.height_px);
            tracing::info!(
                "the satellite at {name} runs {major}.{minor}.{patch} and shows {w}x{h}"
            );
        }
        News::Refused(refusal) => tracing::warn!(
            "the satellite at {name} does not understand everything ({refusal:?}): its firmware is older than this program"
        ),
        News::Foreign(version) => tracing::warn!(
            "the satellite at {name} speaks version {version} of the protocol: update this program or its firmware"
        ),
        News::Fault(code) => {
            tracing::warn!("the satellite at {name} reports fault {code}; see its board's README");
        }
        News::Silent => tracing::warn!(
            "the satellite at {name} does not answer; going on. Is it the right port, and RX wired to TX?"
        ),
    }
}
