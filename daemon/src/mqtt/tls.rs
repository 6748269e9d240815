//! TLS to a broker: whom to trust and who we are, from files or the system. Never from the network, never switched off.

use std::{fs, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::MqttError;
use crate::config::MqttSettings;

/// What a TLS connection needs.
///
/// # Errors
/// [`MqttError::Tls`] that names the setting and the way out.
pub(super) fn config(settings: &MqttSettings) -> Result<Arc<ClientConfig>, MqttError> {
    let roots = roots(&settings.ca_file)?;
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| fail("url", "", error))?
        .with_root_certificates(roots);
    let config = match (settings.cert_file.as_str(), settings.key_file.as_str()) {
        ("", "") => builder.with_no_client_auth(),
        ("", _) => return Err(fail("cert_file", "", "it is needed beside key_file")),
        (_, "") => return Err(fail("key_file", "", "it is needed beside cert_file")),
        (cert, key) => {
            let chain = certificates("cert_file", cert)?;
            let bytes = read("key_file", key)?;
            // What is wrong with a key is not told in detail: it may hold parts of the key.
            let secret = PrivateKeyDer::from_pem_slice(&bytes)
                .map_err(|_| fail("key_file", key, "it holds no private key in PEM form"))?;
            builder
                .with_client_auth_cert(chain, secret)
                .map_err(|error| fail("cert_file", cert, error))?
        }
    };
    Ok(Arc::new(config))
}

/// The authorities to trust: those of this file alone, or the system's.
fn roots(ca_file: &str) -> Result<RootCertStore, MqttError> {
    let mut roots = RootCertStore::empty();
    if ca_file.is_empty() {
        let system = rustls_native_certs::load_native_certs();
        // Systems carry a few that nobody can read; the others do.
        roots.add_parsable_certificates(system.certs);
        if roots.is_empty() {
            let way = "this system has no certificates: install ca-certificates, or name your broker's authority";
            return Err(fail("ca_file", "", way));
        }
        return Ok(roots);
    }
    for certificate in certificates("ca_file", ca_file)? {
        roots
            .add(certificate)
            .map_err(|error| fail("ca_file", ca_file, error))?;
    }
    Ok(roots)
}

fn certificates(key: &'static str, path: &str) -> Result<Vec<CertificateDer<'static>>, MqttError> {
    let bytes = read(key, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(fail(key, path, "it holds no certificate in PEM form")),
        Err(error) => Err(fail(key, path, error)),
    }
}

fn read(key: &'static str, path: &str) -> Result<Vec<u8>, MqttError> {
    fs::read(Path::new(path)).map_err(|error| fail(key, path, error))
}

fn fail(key: &'static str, path: &str, reason: impl ToString) -> MqttError {
    MqttError::Tls {
        key,
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

/// What a failed handshake means for people, if the text says why.
pub(super) fn hint(text: &str) -> Option<&'static str> {
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["UnknownIssuer", "BadSignature"]) {
        Some(
            "its certificate is not signed by an authority that is trusted here; set [mqtt] ca_file",
        )
    } else if says(&["certificate expired", "Expired"]) {
        Some("its certificate has expired, or the clock of this machine is wrong")
    } else if says(&["not valid yet", "NotValidYet"]) {
        Some("its certificate is not valid yet, or the clock of this machine is wrong")
    } else if says(&["not valid for name", "NotValidForName"]) {
        Some("its certificate is for another host name; use that name in [mqtt] url")
    } else if says(&["CertificateRequired", "HandshakeFailure"]) {
        Some("it wants a certificate of this device; set [mqtt] cert_file and key_file")
    } else if says(&["UnknownCA", "BadCertificate", "CertificateUnknown"]) {
        Some("it refused the certificate of this device; check [mqtt] cert_file and key_file")
    } else if says(&["InvalidContentType", "corrupt message"]) {
        Some("it does not speak TLS on this port; use mqtt:// or ws://, or its other port (8883)")
    } else {
        None
    }
}
