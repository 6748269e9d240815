//! TLS to a broker: whom to trust and who we are, from files or the system. Never from the network, never switched off.

use std::{fs, path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{
        CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature,
        verify_tls13_signature,
    },
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};

use super::MqttError;
use crate::config::MqttSettings;

/// What a TLS connection needs.
///
/// # Errors
/// [`MqttError::Tls`] that names the setting and the way out.
pub(super) fn config(settings: &MqttSettings) -> Result<Arc<ClientConfig>, MqttError> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new(settings, Arc::clone(&provider))?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| fail("url", "", error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
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

/// Trusts what an authority signed, and the very certificates that the settings name: a broker's own, which nobody signed.
#[derive(Debug)]
struct Verifier {
    pinned: Vec<CertificateDer<'static>>,
    fingerprint: Option<[u8; 32]>,
    signed: Option<Arc<WebPkiServerVerifier>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    fn new(settings: &MqttSettings, provider: Arc<CryptoProvider>) -> Result<Self, MqttError> {
        let algorithms = provider.signature_verification_algorithms;
        let fingerprint = fingerprint(&settings.fingerprint)?;
        if fingerprint.is_some() {
            // Nothing else is trusted beside it.
            return Ok(Self {
                pinned: Vec::new(),
                fingerprint,
                signed: None,
                algorithms,
            });
        }
        let pinned = match settings.ca_file.as_str() {
            "" => Vec::new(),
            file => certificates("ca_file", file)?,
        };
        let roots = roots(settings, &pinned)?;
        let signed = match roots.is_empty() {
            true => None,
            false => Some(
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .map_err(|error| fail("ca_file", &settings.ca_file, error))?,
            ),
        };
        Ok(Self {
            pinned,
            fingerprint,
            signed,
            algorithms,
        })
    }

    /// Whoever has the key of this certificate is the broker, whatever name and dates are in it.
    fn is_pinned(&self, certificate: &CertificateDer<'_>) -> bool {
        let is_named = || {
            let digest = ::ring::digest::digest(&::ring::digest::SHA256, certificate);
            self.fingerprint
                .is_some_and(|fingerprint| digest.as_ref() == fingerprint)
        };
        self.pinned.iter().any(|pinned| pinned == certificate) || is_named()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.is_pinned(end_entity) {
            return Ok(ServerCertVerified::assertion());
        }
        match &self.signed {
            Some(signed) => signed.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
            None => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// SHA-256 of a certificate, as `openssl x509 -fingerprint -sha256` prints it.
fn fingerprint(text: &str) -> Result<Option<[u8; 32]>, MqttError> {
    let digits = text
        .trim()
        .rsplit('=')
        .next()
        .unwrap_or_default()
        .replace(':', "");
    if digits.is_empty() {
        return Ok(None);
    }
    let wrong = || {
        fail(
            "fingerprint",
            text,
            "it must be 64 hexadecimal digits (SHA-256), with or without colons",
        )
    };
    let mut bytes = [0; 32];
    if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(Some(bytes))
}

/// The authorities to trust: those of this file alone, or the system's.
fn roots(
    settings: &MqttSettings,
    named: &[CertificateDer<'static>],
) -> Result<RootCertStore, MqttError> {
    let mut roots = RootCertStore::empty();
    if settings.ca_file.is_empty() {
        let system = rustls_native_certs::load_native_certs();
        // Systems carry a few that nobody can read; the others do.
        roots.add_parsable_certificates(system.certs);
        if roots.is_empty() {
            let way = "this system has no certificates: install ca-certificates, or name your broker's authority";
            return Err(fail("ca_file", "", way));
        }
        return Ok(roots);
    }
    // One that is no authority is still the broker's own.
    roots.add_parsable_certificates(named.iter().cloned());
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
    if says(&["UnknownIssuer", "BadSignature", "CaUsedAsEndEntity"]) {
        Some(
            "its certificate is not signed by an authority that is trusted here; set [mqtt] ca_file to the authority's \
             certificate, or to the broker's own if it signed that itself",
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
    } else if says(&[
        "invalid peer certificate",
        "InvalidCertificate",
        "BadEncoding",
    ]) {
        Some(
            "its certificate cannot be checked; pin it: set [mqtt] ca_file to the broker's own certificate, or fingerprint",
        )
    } else if says(&["received fatal alert", "AlertReceived"]) {
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
    fn a_fingerprint_is_read_as_openssl_prints_it() {
        let plain = "0f".repeat(32);
        let colons = vec!["0F"; 32].join(":");
        for text in [
            plain.clone(),
            colons.clone(),
            format!("sha256 Fingerprint={colons}"),
        ] {
            assert_eq!(fingerprint(&text).unwrap(), Some([0x0f; 32]), "{text}");
        }
        assert_eq!(fingerprint(" ").unwrap(), None);
        for wrong in [&plain[1..], "zz", &"g".repeat(64), &"é".repeat(32)] {
            let error = fingerprint(wrong).unwrap_err().to_string();
            assert!(error.contains("[mqtt] fingerprint"), "{error}");
        }
    }

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
