//! rumqttd with limits for one small machine, on a thread of its own that ends when [`Broker`] is dropped.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::mpsc,
    thread,
    time::Duration,
};

use rumqttd::{ConnectionSettings, LinkType, Router, RouterConfig, Server, ServerSettings};
use tokio::sync::oneshot;

use super::super::{MqttError, connect_options::MAX_PACKET_BYTES};
use super::bounds::{BoundedProtocol, BrokerLimits};

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
    pub(in crate::mqtt) fn start(
        listen: SocketAddr,
        login: Option<(String, String)>,
    ) -> Result<Self, MqttError> {
        let address = pick(listen).map_err(|error| refused(listen, &error))?;
        let (alive, dropped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        thread::Builder::new()
            .name("broker".to_owned())
            .spawn(move || serve(address, login, dropped, &tell))
            .map_err(MqttError::Thread)?;
        match told.recv() {
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

/// The address with a port. rumqttd cannot say which port it got, so port 0 is resolved here.
fn pick(listen: SocketAddr) -> io::Result<SocketAddr> {
    TcpListener::bind(listen)?.local_addr()
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

/// The thread: says through `tell` whether the port was had, then serves until `dropped`.
fn serve(
    address: SocketAddr,
    login: Option<(String, String)>,
    dropped: oneshot::Receiver<()>,
    tell: &mpsc::Sender<io::Result<()>>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return drop(tell.send(Err(error))),
    };
    let router = Router::new(0, router_config()).spawn();
    let mut server = Server::new(
        server_settings(address, login),
        router,
        BoundedProtocol::new(BrokerLimits::default()),
    );
    runtime.block_on(async move {
        let mut serving = std::pin::pin!(server.start(LinkType::Remote));
        // The first poll binds and then waits for clients; it returns early only if it could not.
        let first = tokio::time::timeout(Duration::from_millis(1), &mut serving).await;
        if let Ok(ended) = first {
            return drop(tell.send(Err(cause(ended))));
        }
        let _ = tell.send(Ok(()));
        tokio::select! {
            ended = serving => tracing::error!("the embedded broker ended: {}", cause(ended)),
            _ = dropped => {}
        }
    });
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
