//! rumqttd with limits for one small machine, on a thread of its own that ends when [`Broker`] is dropped.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::mpsc,
    thread,
    time::Duration,
};

use rumqttd::protocol::Protocol;
use rumqttd::{ConnectionSettings, LinkType, Router, RouterConfig, Server, ServerSettings};
use tokio::sync::oneshot;

use super::super::{MqttError, connect_options::MAX_PACKET_BYTES};
use super::{
    bounds::{BoundedProtocol, BrokerLimits},
    entrance,
};

/// How often it is looked whether messages are still routed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long the connections have to end.
const SHUTDOWN: Duration = Duration::from_secs(1);

/// A running broker.
pub(crate) struct Broker {
    address: SocketAddr,
    /// Dropping it ends the thread.
    _alive: oneshot::Sender<()>,
}

impl Broker {
    /// Starts it. When this returns it listens. Port 0 takes any free port.
    ///
    /// # Errors
    /// [`MqttError`] if the port cannot be had.
    pub(crate) fn start(
        listen: SocketAddr,
        login: Option<(String, String)>,
    ) -> Result<Self, MqttError> {
        let protocol = || BoundedProtocol::new(BrokerLimits::default());
        Self::start_with(listen, login, protocol)
    }

    /// The same with any way to read packets.
    fn start_with<P: Protocol + Clone + Send + 'static>(
        listen: SocketAddr,
        login: Option<(String, String)>,
        protocol: impl Fn() -> P + Send + 'static,
    ) -> Result<Self, MqttError> {
        let listener = TcpListener::bind(listen).map_err(|error| refused(listen, &error))?;
        let address = listener
            .local_addr()
            .map_err(|error| refused(listen, &error))?;
        let (alive, dropped) = oneshot::channel();
        let (started_tx, started_rx) = mpsc::channel();
        thread::Builder::new()
            .name("broker".to_owned())
            .spawn(move || serve(&listener, login, &protocol, dropped, &started_tx))
            .map_err(MqttError::Thread)?;
        match started_rx.recv() {
            Ok(Ok(())) => Ok(Self {
                address,
                _alive: alive,
            }),
            Ok(Err(error)) => Err(refused(address, &error)),
            Err(_) => Err(MqttError::Thread(io::Error::other("its thread ended"))),
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A free port of this machine, for rumqttd behind the entrance: it does not report which port it got.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn refused(listen: SocketAddr, error: &io::Error) -> MqttError {
    if error.kind() == io::ErrorKind::AddrInUse {
        return MqttError::PortInUse { listen };
    }
    MqttError::Port {
        listen,
        reason: error.to_string(),
    }
}

/// How a round of serving ended.
enum RoundEnd {
    /// The owner dropped it.
    Dropped,
    /// The thread that routes messages is gone.
    RouterGone,
    /// It could not begin.
    NotBegun(io::Error),
    /// It ended by itself.
    Ended(io::Error),
}

/// The thread: reports through `started_tx` whether it could begin, then serves until `dropped`. The router is
/// a thread of rumqttd's own; after a panic of it the broker restarts with empty state. A client that connects during the panic blocks
/// its runtime thread for ever; so each restart has a new runtime and leaks the old one.
fn serve<P: Protocol + Clone + Send + 'static>(
    listener: &TcpListener,
    login: Option<(String, String)>,
    protocol: &dyn Fn() -> P,
    mut dropped: oneshot::Receiver<()>,
    started_tx: &mpsc::Sender<io::Result<()>>,
) {
    loop {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("broker-clients")
            .enable_all()
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return report(started_tx, error),
        };
        let round = round(
            listener,
            login.clone(),
            protocol(),
            &mut dropped,
            started_tx,
        );
        match runtime.block_on(round) {
            RoundEnd::Dropped => return runtime.shutdown_timeout(SHUTDOWN),
            RoundEnd::NotBegun(error) => return report(started_tx, error),
            RoundEnd::Ended(error) => return tracing::error!("the embedded broker ended: {error}"),
            RoundEnd::RouterGone => {
                tracing::error!("the embedded broker failed; it begins anew, with nothing kept");
                runtime.shutdown_background();
            }
        }
    }
}

/// Only the first start is waited for; that a later one failed is logged.
fn report(started_tx: &mpsc::Sender<io::Result<()>>, error: io::Error) {
    if let Err(mpsc::SendError(unsent)) = started_tx.send(Err(error)) {
        tracing::error!("the embedded broker cannot begin anew: {unsent:?}");
    }
}

/// Serves until the owner drops the broker, or something ends it.
async fn round<P: Protocol + Clone + Send + 'static>(
    listener: &TcpListener,
    login: Option<(String, String)>,
    protocol: P,
    dropped: &mut oneshot::Receiver<()>,
    started_tx: &mpsc::Sender<io::Result<()>>,
) -> RoundEnd {
    let (clients, inside) = match entrance_to(listener) {
        Ok(entrance) => entrance,
        Err(error) => return RoundEnd::NotBegun(error),
    };
    let router = Router::new(0, router_config()).spawn();
    let routes = router.clone();
    let mut server = Server::new(server_settings(inside, login), router, protocol);
    let mut serving = std::pin::pin!(server.start(LinkType::Remote));
    // The first poll binds and then waits for clients; it returns early only if it could not.
    let first = tokio::time::timeout(Duration::from_millis(1), &mut serving).await;
    if let Ok(ended) = first {
        return RoundEnd::NotBegun(cause(ended));
    }
    let gone = match when_gone(move || routes.is_disconnected()) {
        Ok(gone) => gone,
        Err(error) => return RoundEnd::NotBegun(error),
    };
    // Only the first start is waited for.
    let _ = started_tx.send(Ok(()));
    // A task of the round's runtime, so that a client that blocks its thread blocks nothing else.
    tokio::spawn(entrance::serve(clients, inside));
    tokio::select! {
        ended = serving => RoundEnd::Ended(cause(ended)),
        Ok(()) = gone => RoundEnd::RouterGone,
        _ = dropped => RoundEnd::Dropped,
    }
}

/// The port that clients know, for this round's runtime, and where rumqttd is to listen behind it.
fn entrance_to(listener: &TcpListener) -> io::Result<(tokio::net::TcpListener, SocketAddr)> {
    let clients = listener.try_clone()?;
    clients.set_nonblocking(true)?;
    Ok((tokio::net::TcpListener::from_std(clients)?, free_address()?))
}

/// Tells when `is_gone`. A thread looks, because the runtime's timers stand still while a client waits for a dead router.
fn when_gone(is_gone: impl Fn() -> bool + Send + 'static) -> io::Result<oneshot::Receiver<()>> {
    let (gone, when) = oneshot::channel();
    thread::Builder::new()
        .name("broker-watch".to_owned())
        .spawn(move || {
            while !is_gone() {
                if gone.is_closed() {
                    return;
                }
                thread::sleep(LOOK_EVERY);
            }
            // The round may have ended meanwhile.
            let _ = gone.send(());
        })?;
    Ok(when)
}

fn cause(ended: Result<(), impl std::error::Error>) -> io::Error {
    match ended {
        Ok(()) => io::Error::other("it stopped"),
        Err(error) => {
            // rumqttd does not export its error type; the source is the io::Error of the port.
            let source = error.source().and_then(|s| s.downcast_ref::<io::Error>());
            let kind = source.map_or(io::ErrorKind::Other, io::Error::kind);
            io::Error::new(kind, error.to_string())
        }
    }
}

/// Small segments: rumqttd keeps what it forwarded, per topic, until a segment is full; how many topics there are is bounded.
fn router_config() -> RouterConfig {
    RouterConfig {
        max_connections: 32,
        max_outgoing_packet_count: 200,
        max_segment_size: 64 * 1024,
        max_segment_count: 4,
        ..RouterConfig::default()
    }
}

fn server_settings(listen: SocketAddr, login: Option<(String, String)>) -> ServerSettings {
    ServerSettings {
        name: "broker".to_owned(),
        listen,
        tls: None,
        next_connection_delay_ms: 1,
        connections: ConnectionSettings {
            connection_timeout_ms: 5_000,
            max_payload_size: MAX_PACKET_BYTES,
            max_inflight_count: 100,
            auth: login.map(|login| [login].into()),
            external_auth: None,
            dynamic_filters: true,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpStream,
        time::Instant,
    };

    use moodring_tests::mutator::Mutator;
    use rumqttd::protocol::v4::V4;

    use super::*;
    use crate::fuzz::packets;

    const CONNECT: &[u8] = b"\x10\x10\0\x04MQTT\x04\x02\0\x3C\0\x04hall";
    const SUBSCRIBE: &[u8] = b"\x82\x08\0\x01\0\x03a/#\0";
    /// To `\u{f6}l`: rumqttd 0.20 cuts topics after their first byte.
    const PANICS: &[u8] = b"\x30\x05\0\x03\xC3\xB6l";

    fn local() -> SocketAddr {
        "127.0.0.1:0".parse().unwrap()
    }

    /// Sends this; whether the broker lets us in.
    fn is_let_in(address: SocketAddr, bytes: &[u8]) -> bool {
        let Ok(mut stream) = TcpStream::connect(address) else {
            return false;
        };
        let mut answer = [0; 4];
        stream
            .set_read_timeout(Some(Duration::from_secs(2)))
            .unwrap();
        // A broker that hangs up has answered, too.
        let _ = stream.write_all(bytes);
        stream.read_exact(&mut answer).is_ok() && answer == [0x20, 2, 0, 0]
    }

    fn wait_until_let_in(address: SocketAddr) {
        let end = Instant::now() + Duration::from_secs(30);
        while !is_let_in(address, CONNECT) {
            assert!(Instant::now() < end, "the broker is gone");
            thread::sleep(Duration::from_millis(100));
        }
    }

    #[test]
    fn a_broker_that_panics_begins_anew() {
        let broker = Broker::start_with(local(), None, || V4).unwrap();
        let mut stream = TcpStream::connect(broker.address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream
            .write_all(&[CONNECT, SUBSCRIBE, PANICS].concat())
            .unwrap();
        // Until the end, when the panic is over.
        let mut answers = Vec::new();
        let _ = stream.read_to_end(&mut answers);
        assert!(answers.starts_with(&[0x20, 2, 0, 0]));
        wait_until_let_in(broker.address());
    }

    #[test]
    fn clients_that_come_in_the_moment_of_a_panic_do_not_end_it() {
        let broker = Broker::start_with(local(), None, || V4).unwrap();
        let address = broker.address();
        let mut first = TcpStream::connect(address).unwrap();
        first
            .write_all(&[CONNECT, SUBSCRIBE, PANICS].concat())
            .unwrap();
        // Some of them ask while the router's thread unwinds, and are never answered.
        let crowd: Vec<_> = (0..16)
            .map(|n| {
                thread::spawn(move || {
                    thread::sleep(Duration::from_millis(10 * n));
                    is_let_in(address, CONNECT);
                })
            })
            .collect();
        for client in crowd {
            client.join().unwrap();
        }
        wait_until_let_in(address);
    }

    #[test]
    fn silent_connections_close_the_broker_to_nobody() {
        let broker = Broker::start(local(), None).unwrap();
        let mut silent = Vec::new();
        for round in 0..20 {
            silent.extend((0..30).map(|_| TcpStream::connect(broker.address()).unwrap()));
            assert!(is_let_in(broker.address(), CONNECT), "round {round}");
        }
        // Those that waited longest were hung up on.
        silent[0]
            .set_read_timeout(Some(Duration::from_secs(2)))
            .unwrap();
        assert_eq!(silent[0].read(&mut [0]).unwrap_or(0), 0);
    }

    /// Keep-alive 0: a client that wants no pings, as shell scripts and small boards do.
    #[test]
    fn a_client_that_wants_no_pings_is_let_in() {
        let broker = Broker::start(local(), None).unwrap();
        let no_pings = b"\x10\x10\0\x04MQTT\x04\x02\0\0\0\x04hall";
        assert!(is_let_in(broker.address(), no_pings));
    }

    #[test]
    fn no_clients_bytes_end_the_broker() {
        let broker = Broker::start(local(), None).unwrap();
        let mut inputs = packets();
        inputs.push([CONNECT, SUBSCRIBE, PANICS].concat());
        let mut mutator = Mutator::new(7);
        for round in 0..300 {
            let mut bytes = CONNECT.to_vec();
            bytes.extend(mutator.change(&inputs));
            let mut stream = TcpStream::connect(broker.address()).unwrap();
            let _ = stream.write_all(&bytes);
            if round % 50 == 0 {
                assert!(
                    is_let_in(broker.address(), CONNECT),
                    "{round}: {bytes:02x?}"
                );
            }
        }
        wait_until_let_in(broker.address());
        assert!(is_let_in(
            broker.address(),
            &[CONNECT, SUBSCRIBE, PANICS].concat()
        ));
        assert!(is_let_in(broker.address(), CONNECT), "a topic ended it");
    }
}
