//! The thread that owns the serial ports: opens them, sends and receives, and tries again with back-off.

use std::{
    collections::HashMap,
    io::{self, ErrorKind, Read, Write},
    path::Path,
    thread::JoinHandle,
    time::Duration,
};

use moodring_base::{
    clock::Clock,
    config::{SatellitePort, SatelliteSettings},
    shutdown::Shutdown,
    snapshot::Snapshot,
    worker::Supervisor,
};
use moodring_core::frame::Millis;
use moodring_mqtt::backoff::Backoff;
use serialport::{ClearBuffer, SerialPort, TTYPort};
use tokio::sync::watch;

use super::{
    discovery,
    port_check::port_trouble,
    scene::scene,
    session::{SatelliteSession, SessionEvent},
};

/// How often open ports are served.
const SERVE_INTERVAL: Duration = Duration::from_millis(20);
/// How often to read the stop flag while no port is open.
const IDLE_INTERVAL: Duration = Duration::from_millis(100);
/// How often to search USB.
const SEARCH_MS: u64 = 2_000;
/// How long a satellite may take to accept a frame of at most 60 bytes.
const WRITE_TIMEOUT: Duration = Duration::from_millis(200);

/// Starts the thread; `None` if the settings switch satellites off.
///
/// # Errors
/// The system refused a thread.
pub fn spawn(
    settings: &SatelliteSettings,
    snapshots: watch::Receiver<Snapshot>,
    clock: Clock,
    supervisor: &Supervisor,
) -> io::Result<Option<PortThread>> {
    if settings.port == SatellitePort::Off {
        return Ok(None);
    }
    let stop = Shutdown::default();
    let mut worker = PortWorker {
        settings: settings.clone(),
        snapshots,
        clock,
        links: HashMap::new(),
        searched: None,
    };
    let asked = stop.clone();
    let thread = supervisor.spawn("satellites", stop.clone(), move || {
        // Ports that were open at a panic are opened anew.
        worker.links.clear();
        worker.serve(&asked);
    })?;
    Ok(Some(PortThread { stop, thread }))
}

/// The running thread.
#[derive(Debug)]
pub struct PortThread {
    stop: Shutdown,
    thread: JoinHandle<()>,
}

impl PortThread {
    /// Closes all ports and waits for the thread.
    pub fn stop(self) {
        self.stop.begin();
        if self.thread.join().is_err() {
            tracing::error!("the satellites thread panicked");
        }
    }
}

/// What the thread owns.
struct PortWorker {
    settings: SatelliteSettings,
    snapshots: watch::Receiver<Snapshot>,
    clock: Clock,
    /// By the port's name.
    links: HashMap<String, PortLink>,
    searched: Option<Millis>,
}

/// A port that is open, or that failed and will be tried again.
enum PortLink {
    Open {
        port: TTYPort,
        session: Box<SatelliteSession>,
        backoff: Backoff,
    },
    Resting {
        until: Millis,
        backoff: Backoff,
    },
}

impl PortWorker {
    fn serve(&mut self, stop: &Shutdown) {
        while !stop.has_begun() {
            let now = self.clock.now();
            self.search(now);
            let snapshot = self.snapshots.borrow_and_update().clone();
            let mut any_open = false;
            for (name, link) in &mut self.links {
                if let PortLink::Open {
                    port,
                    session,
                    backoff,
                } = link
                {
                    session.show(scene(&snapshot));
                    any_open = true;
                    if let Err(error) = exchange(name, port, session, now) {
                        tracing::warn!("lost the satellite at {name}: {error}; looking for it");
                        *link = rest(backoff.clone(), now);
                    }
                }
            }
            stop.sleep(if any_open {
                SERVE_INTERVAL
            } else {
                IDLE_INTERVAL
            });
        }
    }

    /// Opens the ports that exist and are not open.
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
        for name in discovery::ports(&self.settings) {
            let backoff = match self.links.get(&name) {
                Some(PortLink::Open { .. }) => continue,
                Some(PortLink::Resting { until, .. }) if now < *until => continue,
                Some(PortLink::Resting { backoff, .. }) => Some(backoff.clone()),
                None => None,
            };
            let first = backoff.is_none();
            // One's own port needs no random spread.
            let backoff = backoff.unwrap_or_else(|| Backoff::new(0));
            let link = self.open(&name, backoff, first, now);
            self.links.insert(name, link);
        }
    }

    fn open(&self, name: &str, backoff: Backoff, first: bool, now: Millis) -> PortLink {
        let opened =
            TTYPort::open(&serialport::new(name, self.settings.baud).timeout(WRITE_TIMEOUT));
        // The 0 ends whatever came over the line before, so that it is not taken for the start of the first frame.
        let begin = |mut port: TTYPort| -> serialport::Result<TTYPort> {
            port.clear(ClearBuffer::Input)?;
            port.write_all(&[0])?;
            Ok(port)
        };
        match opened.and_then(begin) {
            Ok(port) => {
                tracing::info!("opened {name} for a satellite");
                let wanted = scene(&self.snapshots.borrow());
                let session = Box::new(SatelliteSession::new(&self.settings.label, wanted, now));
                PortLink::Open {
                    port,
                    session,
                    backoff,
                }
            }
            Err(error) => {
                if first {
                    let mend = port_trouble(Path::new(name)).map(|(_, mend)| format!(" ({mend})"));
                    let mend = mend.unwrap_or_default();
                    tracing::warn!("no satellite at {name}: {error}{mend}; looking for it");
                }
                rest(backoff, now)
            }
        }
    }
}

fn rest(mut backoff: Backoff, now: Millis) -> PortLink {
    let until = Millis(now.0 + backoff.wait(Backoff::CAP_MS).0);
    PortLink::Resting { until, backoff }
}

/// Reads what has arrived and sends what is due.
fn exchange(
    name: &str,
    port: &mut TTYPort,
    session: &mut SatelliteSession,
    now: Millis,
) -> io::Result<()> {
    let waiting = port.bytes_to_read().map_err(io::Error::from)?;
    if waiting > 0 {
        let mut bytes = [0; 256];
        match port.read(&mut bytes) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => session.receive(&bytes[..count], now, |events| log(name, events)),
            Err(error) if error.kind() == ErrorKind::TimedOut => {}
            Err(error) => return Err(error),
        }
    }
    while let Some(frame) = session.next(now) {
        port.write_all(&frame)?;
    }
    if let Some(events) = session.silence(now) {
        log(name, events);
    }
    Ok(())
}

fn log(name: &str, events: SessionEvent) {
    match events {
        SessionEvent::Met(me) => {
            let [major, minor, patch] = me.firmware;
            let (w, h) = (me.width_px, me.height_px);
            tracing::info!(
                "the satellite at {name} runs {major}.{minor}.{patch} and shows {w}x{h}"
            );
        }
        SessionEvent::Refused(refusal) => tracing::warn!(
            "the satellite at {name} does not understand everything ({refusal:?}): its firmware is older than this program"
        ),
        SessionEvent::Foreign(version) => tracing::warn!(
            "the satellite at {name} speaks version {version} of the protocol: update this program or its firmware"
        ),
        SessionEvent::Fault(code) => {
            tracing::warn!("the satellite at {name} reports fault {code}; see its board's README");
        }
        SessionEvent::Silent => tracing::warn!(
            "the satellite at {name} does not answer; going on. Is it the right port, and RX wired to TX?"
        ),
    }
}
