//! Fetches files by https, with limits of size and time. The caller then checks their signature.

use std::{io::Read, path::Path, sync::Arc, time::Duration};

use rustls::{crypto::ring, pki_types::CertificateDer};
use ureq::{
    Agent,
    tls::{Certificate, RootCerts, TlsConfig, TlsProvider},
};

use super::{BUNDLE_BYTES, BundleError, SIGNATURE_BYTES};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(15);
/// How many bytes are read between two calls of `progress`.
const STEP_BYTES: usize = 16 << 10;

/// Whether the text is an address and not a file.
pub fn is_url(text: &str) -> bool {
    text.contains("://")
}

/// Fetches by https.
pub struct Fetcher(Agent);

impl Fetcher {
    /// A fetcher that trusts the system's authorities, and gives up after `patience`.
    ///
    /// # Errors
    /// The way out where the system has no authorities.
    pub fn new(patience: Duration) -> Result<Self, String> {
        let system = rustls_native_certs::load_native_certs();
        if system.certs.is_empty() {
            return Err("this system has no certificates: install ca-certificates".into());
        }
        Ok(Self::trusting(&system.certs, patience))
    }

    /// A fetcher that trusts these authorities alone.
    pub(super) fn trusting(authorities: &[CertificateDer<'static>], patience: Duration) -> Self {
        let roots: Vec<_> = authorities
            .iter()
            .map(|certificate| Certificate::from_der(certificate).to_owned())
            .collect();
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .https_only(true)
            .max_redirects(5)
            .user_agent(concat!("moodring/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(patience))
            .build();
        Self(agent.new_agent())
    }

    /// Fetches a file of at most `limit` bytes. `progress` gets the bytes read and, if the server sends it, the total.
    ///
    /// # Errors
    /// [`BundleError::Fetch`] or [`BundleError::TooLarge`].
    pub fn fetch(
        &self,
        url: &str,
        limit: u64,
        mut progress: impl FnMut(u64, Option<u64>),
    ) -> Result<Vec<u8>, BundleError> {
        let failed = |reason: String| BundleError::Fetch {
            url: shown(url),
            reason,
        };
        let too_large = || BundleError::TooLarge {
            what: shown(url),
            limit,
        };
        if !url.starts_with("https://") {
            return Err(failed("only https:// is fetched from".into()));
        }
        let answer = self.0.get(url).call().map_err(|e| failed(e.to_string()))?;
        let length = answer.body().content_length();
        if length.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let mut reader = answer.into_body().into_reader();
        let (mut bytes, mut step) = (Vec::new(), vec![0; STEP_BYTES]);
        loop {
            let read = reader.read(&mut step).map_err(|e| failed(e.to_string()))?;
            if read == 0 {
                return Ok(bytes);
            }
            bytes.extend_from_slice(&step[..read]);
            if bytes.len() as u64 > limit {
                return Err(too_large());
            }
            progress(bytes.len() as u64, length);
        }
    }

    /// Fetches a bundle and the signature beside it.
    ///
    /// # Errors
    /// As [`Fetcher::fetch`].
    pub fn fetch_signed(
        &self,
        url: &str,
        progress: impl FnMut(u64, Option<u64>),
    ) -> Result<(Vec<u8>, Vec<u8>), BundleError> {
        // The small file first: an address without a signature then costs no download.
        let signature = self.fetch(&format!("{url}.minisig"), SIGNATURE_BYTES, |_, _| ())?;
        Ok((self.fetch(url, BUNDLE_BYTES, progress)?, signature))
    }
}

/// Reads a bundle and its signature from files.
///
/// # Errors
/// [`BundleError::Folder`] or [`BundleError::TooLarge`].
pub fn read_signed(path: &Path) -> Result<(Vec<u8>, Vec<u8>), BundleError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".minisig");
    let signature = read(Path::new(&beside), SIGNATURE_BYTES)?;
    Ok((read(path, BUNDLE_BYTES)?, signature))
}

/// Reads a file of at most `limit` bytes.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, BundleError> {
    let file = std::fs::File::open(path).map_err(BundleError::folder(path))?;
    let mut bytes = Vec::new();
    let read = file.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(BundleError::folder(path))?;
    if bytes.len() as u64 > limit {
        let what = path.display().to_string();
        return Err(BundleError::TooLarge { what, limit });
    }
    Ok(bytes)
}

/// The address without user, password and query, which may be secret.
fn shown(url: &str) -> String {
    let plain = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = plain.split_once("://").unwrap_or(("", plain));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}/{path}")
}
