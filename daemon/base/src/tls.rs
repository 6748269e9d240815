//! TLS to brokers and cameras: whom to trust, from files or the system. Never from the network, never switched off.

use std::{fs, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore,
    SignatureScheme,
    client::{
        WantsClientCert, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

/// Which setting of TLS cannot be used, and why.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} {path}: {reason}")]
pub struct TlsError {
    /// The setting without its section.
    pub key: &'static str,
    /// Its value: a file, or a fingerprint.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

impl TlsError {
    /// An error of this setting.
    pub fn new(key: &'static str, path: &str, reason: impl ToString) -> Self {
        Self {
            key,
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// Trusts what an authority signed, and the very certificates that the settings name: a server's own, which nobody signed.
#[derive(Debug)]
pub struct ServerTrust {
    pinned: Vec<CertificateDer<'static>>,
    fingerprint: Option<[u8; 32]>,
    signed: Option<Arc<WebPkiServerVerifier>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerTrust {
    /// Of a PEM file with authorities or the server's own certificate, and the SHA-256 of that; both may be empty. A
    /// fingerprint is then all that is trusted, a file all that is trusted without one, else it is what the system trusts.
    ///
    /// # Errors
    /// [`TlsError`] if the settings or the system's certificates cannot be read.
    pub fn new(ca_file: &str, fingerprint: &str) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let mut trust = Self {
            pinned: Vec::new(),
            fingerprint: self::fingerprint(fingerprint)?,
            signed: None,
            algorithms: provider.signature_verification_algorithms,
        };
        if trust.fingerprint.is_some() {
            return Ok(trust);
        }
        if !ca_file.is_empty() {
            trust.pinned = certificates("ca_file", ca_file)?;
        }
        let roots = roots(ca_file, &trust.pinned)?;
        if !roots.is_empty() {
            let signed = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
            let signed = signed
                .build()
                .map_err(|error| TlsError::new("ca_file", ca_file, error))?;
            trust.signed = Some(signed);
        }
        Ok(trust)
    }

    /// Settings of connections that trust this, still without a certificate of this device.
    ///
    /// # Errors
    /// That of rustls, if it knows no version of TLS.
    pub fn client(
        self: Arc<Self>,
    ) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, rustls::Error> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?;
        Ok(builder.dangerous().with_custom_certificate_verifier(self))
    }

    /// Whoever has the key of this certificate is the server, whatever name and dates are in it.
    fn is_pinned(&self, certificate: &CertificateDer<'_>) -> bool {
        let is_named = || {
            let digest = ::ring::digest::digest(&::ring::digest::SHA256, certificate);
            self.fingerprint
                .is_some_and(|fingerprint| digest.as_ref() == fingerprint)
        };
        self.pinned.iter().any(|pinned| pinned == certificate) || is_named()
    }
}

impl ServerCertVerifier for ServerTrust {
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

/// Trusts as [`ServerTrust`] does, but wants this name in the certificate, whatever was connected to: one of the name's addresses.
#[derive(Debug)]
pub struct TrustByName {
    /// Whom to trust.
    pub trust: Arc<ServerTrust>,
    /// What the certificate must name.
    pub name: ServerName<'static>,
}

impl ServerCertVerifier for TrustByName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _address: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.trust
            .verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.supported_verify_schemes()
    }
}

/// SHA-256 of a certificate, as `openssl x509 -fingerprint -sha256` prints it.
fn fingerprint(text: &str) -> Result<Option<[u8; 32]>, TlsError> {
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
        TlsError::new(
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
fn roots(ca_file: &str, named: &[CertificateDer<'static>]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    if ca_file.is_empty() {
        // Systems carry a few that nobody can read; the others do.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            let reason = "this system has no certificates: install ca-certificates, or name the server's authority";
            return Err(TlsError::new("ca_file", "", reason));
        }
        return Ok(roots);
    }
    // One that is no authority is still the server's own.
    roots.add_parsable_certificates(named.iter().cloned());
    Ok(roots)
}

/// The certificates of a PEM file that the setting `key` names.
///
/// # Errors
/// [`TlsError`] if it cannot be read or holds none.
pub fn certificates(
    key: &'static str,
    path: &str,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(key, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(TlsError::new(
            key,
            path,
            "it holds no certificate in PEM form",
        )),
        Err(error) => Err(TlsError::new(key, path, error)),
    }
}

/// The bytes of the file that the setting `key` names.
///
/// # Errors
/// [`TlsError`] if it cannot be read.
pub fn read(key: &'static str, path: &str) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| TlsError::new(key, path, error))
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
            assert!(error.starts_with("fingerprint "), "{error}");
        }
    }
}
