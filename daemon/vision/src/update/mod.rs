//! Looks for newer versions: in the machine's package lists, or in a signed index that is fetched. Off until it is
//! switched on; before that it asks no server. Installs nothing.

mod apt;
mod index;
mod task;

pub use index::{Index, NetOffer};
pub use moodring_base::message::{NetRelease, Release};
pub use task::{ReleaseReceiver, UpdateThread, look, spawn};

/// Why it is unknown.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// apt-cache is missing, or printed nothing.
    #[error("the package lists contain nothing: {0}")]
    Apt(String),
    /// The index cannot be fetched, or its signature is not good.
    #[error(transparent)]
    Signed(#[from] crate::bundle::BundleError),
    /// It is signed, but not an index.
    #[error("the index is signed, but cannot be read: {0}")]
    Index(String),
    /// The machine has no certificates.
    #[error("{0}")]
    Certificates(String),
}
