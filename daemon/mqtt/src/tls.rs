//! TLS to a broker: the trusted certificates, the client's own certificate, and what a failed handshake means.

use std::sync::Arc;

use moodring_base::{
    config::MqttSettings,
    tls::{ServerTrust, TlsError, TrustByName, certificates, read},
};
use rustls::{
    ClientConfig,
    pki_types::{PrivateKeyDer, ServerName, pem::PemObject},
};

use super::MqttError;

/// What TLS connections need.
#[derive(Clone)]
pub(super) struct BrokerTls {
    /// Where a connection goes to the name that the certificate is to have.
    pub(super) config: Arc<ClientConfig>,
    trust: Arc<ServerTrust>,
}

impl BrokerTls {
    /// For a connection to one of the addresses of this name. It sends no name in the handshake (SNI), which brokers behind a shared
    /// address want; so the name itself is tried first. `None` if this is no name.
    pub(super) fn by_address(&self, name: &str) -> Option<Arc<ClientConfig>> {
        let name = ServerName::try_from(name.to_owned()).ok()?;
        let trust = Arc::clone(&self.trust);
        let mut config = (*self.config).clone();
        let verifier = Arc::new(TrustByName { trust, name });
        config.dangerous().set_certificate_verifier(verifier);
        Some(Arc::new(config))
    }
}

/// What TLS connections need, by the settings.
///
/// # Errors
/// [`MqttError::Tls`] that names the setting and the way out.
pub(super) fn config(settings: &MqttSettings) -> Result<BrokerTls, MqttError> {
    let trust = ServerTrust::new(&settings.ca_file, &settings.fingerprint)?;
    let trust = Arc::new(trust);
    let builder = Arc::clone(&trust)
        .client()
        .map_err(|error| fail("url", "", error))?;
    let config = match (settings.cert_file.as_str(), settings.key_file.as_str()) {
        ("", "") => builder.with_no_client_auth(),
        ("", _) => return Err(fail("cert_file", "", "it is needed beside key_file")),
        (_, "") => return Err(fail("key_file", "", "it is needed beside cert_file")),
        (cert, key) => {
            let chain = certificates("cert_file", cert)?;
            let bytes = read("key_file", key)?;
            // What is wrong with a key is not logged in detail: it may hold parts of the key.
            let secret = PrivateKeyDer::from_pem_slice(&bytes)
                .map_err(|_| fail("key_file", key, "it holds no private key in PEM form"))?;
            builder
                .with_client_auth_cert(chain, secret)
                .map_err(|error| fail("cert_file", cert, error))?
        }
    };
    let config = Arc::new(config);
    Ok(BrokerTls { config, trust })
}

impl From<TlsError> for MqttError {
    fn from(error: TlsError) -> Self {
        let TlsError { key, path, reason } = error;
        Self::Tls { key, path, reason }
    }
}

fn fail(key: &'static str, path: &str, reason: impl ToString) -> MqttError {
    TlsError::new(key, path, reason).into()
}

/// What a failed handshake means for people, if the text gives a reason.
pub(super) fn hint(text: &str) -> Option<&'static str> {
    let has = |needles: &[&str]| needles.iter().any(|needle| text.contains(needle));
    if has(&["UnknownIssuer", "BadSignature", "CaUsedAsEndEntity"]) {
        Some(
            "its certificate is not signed by an authority that is trusted here; set [mqtt] ca_file to the authority's \
             certificate, or to the broker's own if it signed that itself",
        )
    } else if has(&["certificate expired", "Expired"]) {
        Some("its certificate has expired, or the clock of this machine is wrong")
    } else if has(&["not valid yet", "NotValidYet"]) {
        Some("its certificate is not valid yet, or the clock of this machine is wrong")
    } else if has(&["not valid for name", "NotValidForName"]) {
        Some("its certificate is for another host name; use that name in [mqtt] url")
    } else if has(&["CertificateRequired", "HandshakeFailure"]) {
        Some("it wants a certificate of this device; set [mqtt] cert_file and key_file")
    } else if has(&["UnknownCA", "BadCertificate", "CertificateUnknown"]) {
        Some("it refused the certificate of this device; check [mqtt] cert_file and key_file")
    } else if has(&["InvalidContentType", "corrupt message"]) {
        Some("it does not speak TLS on this port; use mqtt:// or ws://, or its other port (8883)")
    } else if has(&[
        "invalid peer certificate",
        "InvalidCertificate",
        "BadEncoding",
    ]) {
        Some(
            "its certificate cannot be checked; pin it: set [mqtt] ca_file to the broker's own certificate, or fingerprint",
        )
    } else if has(&["received fatal alert", "AlertReceived"]) {
        Some(
            "it ended the TLS handshake; check what versions of TLS and which certificates it wants",
        )
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_refusal_shows_internals() {
        for text in [
            "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
            "invalid peer certificate: UnknownIssuer",
            "invalid peer certificate: BadEncoding",
            "invalid peer certificate: Other(OtherError(UnsupportedCertVersion))",
            "received fatal alert: ProtocolVersion",
        ] {
            let hint = hint(text).unwrap_or_else(|| panic!("{text}"));
            assert!(!hint.contains("Error") && !hint.contains("::"), "{hint}");
        }
    }
}
