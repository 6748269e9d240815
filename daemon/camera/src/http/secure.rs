//! TLS to a camera. ureq's own connector trusts only what an authority signed; most cameras sign their certificate themselves,
//! for no name at all, so the very certificate may be named in the settings.

use std::{
    io::{Read, Write},
    sync::Arc,
};

use moodring_base::tls::ServerTrust;
use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};
use ureq::{
    Agent, Error,
    config::Config,
    unversioned::{
        resolver::DefaultResolver,
        transport::{
            Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, TcpConnector,
            Transport, TransportAdapter,
        },
    },
};

use super::super::address::Scheme;

/// Whose certificates a camera's connections take, as in the settings `[camera] ca_file` and `fingerprint`.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustSettings {
    /// A PEM file; empty: the system's authorities.
    pub(crate) ca_file: String,
    /// SHA-256 of the only certificate to trust; empty: `ca_file` counts.
    pub(crate) fingerprint: String,
}

/// An agent whose connections trust the certificates of the settings.
///
/// # Errors
/// If the authorities cannot be read.
pub(super) fn agent(
    config: Config,
    scheme: Scheme,
    trust: &TrustSettings,
) -> Result<Agent, String> {
    let tls = ServerTrust::new(&trust.ca_file, &trust.fingerprint)
        .map_err(|error| format!("[camera] {error}"))
        .and_then(|trust| Arc::new(trust).client().map_err(|error| error.to_string()));
    let tls = match tls {
        Ok(builder) => Some(Arc::new(builder.with_no_client_auth())),
        // Over plain HTTP nobody needs the system's authorities, unless it redirects.
        Err(_) if scheme == Scheme::Http && trust.ca_file.is_empty() => None,
        Err(error) => return Err(error),
    };
    let connector = TcpConnector::default().chain(TlsConnector { tls });
    Ok(Agent::with_parts(
        config,
        connector,
        DefaultResolver::default(),
    ))
}

/// Puts TLS over a connection to an `https` address.
#[derive(Debug)]
struct TlsConnector {
    /// None if nothing can be trusted here.
    tls: Option<Arc<ClientConfig>>,
}

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, TlsTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(transport) = chained else {
            return Err(Error::ConnectionFailed);
        };
        if !details.needs_tls() {
            return Ok(Some(Either::A(transport)));
        }
        let tls = self.tls.clone().ok_or(Error::Tls(
            "this system has no certificates: install ca-certificates",
        ))?;
        let host = details.uri.host().unwrap_or_default();
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|_| Error::Tls("the address's host is no name that a certificate can have"))?;
        let mut connection = ClientConnection::new(tls, name)?;
        let mut socket = TransportAdapter::new(transport.boxed(), details.current_time.clone());
        socket.set_timeout(details.timeout);
        connection.complete_io(&mut socket)?;
        let config = details.config;
        Ok(Some(Either::B(TlsTransport {
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
            stream: StreamOwned::new(connection, socket),
        })))
    }
}

/// A connection through TLS, as ureq's own.
struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl std::fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsTransport").finish_non_exhaustive()
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.get_mut().set_timeout(timeout);
        let output = &self.buffers.output()[..amount];
        Ok(self.stream.write_all(output)?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.get_mut().set_timeout(timeout);
        let input = self.buffers.input_append_buf();
        let amount = self.stream.read(input)?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}
