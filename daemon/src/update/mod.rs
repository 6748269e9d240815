//! Whether there is something newer than what runs: by the machine's package lists, or by a signed index that is fetched. Off until
//! it is switched on: then, and only then, this device asks anybody. Nothing is installed by it.

mod apt;
mod index;
mod release;
mod task;

pub use index::{Index, NetOffer};
pub use release::{NetRelease, Release};
pub use task::{ReleaseReceiver, UpdateThread, look, spawn};

/// Why it is not known.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// apt-cache is not there, or told nothing.
    #[error("the package lists tell nothing: {0}")]
    Apt(String),
    /// The index cannot be fetched, or its signature is not good.
    #[error(transparent)]
    Signed(#[from] crate::bundle::BundleError),
    /// It was signed, but is no index.
    #[error("the index is signed, but cannot be read: {0}")]
    Index(String),
    /// The machine has no certificates.
    #[error("{0}")]
    Certificates(String),
}
