//! Why a bundle is not taken, said so that it can be mended.

use super::Version;

/// What is wrong with a bundle, or with the shelf.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Nobody said whose signature is trusted.
    #[error(
        "there is no public key to check the signature with: this program was built without one. Give the maker's by \
         --key FILE, or as [models] public_key"
    )]
    NoKey,
    /// A public key that is none.
    #[error(
        "`{0}` is no minisign public key: the second line of a minisign.pub, or that file, is wanted"
    )]
    Key(String),
    /// The signature does not fit.
    #[error(
        "the signature is not good: {0}. Do not use this file; fetch it again, and check whose key you trust"
    )]
    Signature(&'static str),
    /// More bytes than a bundle has.
    #[error("{what} has more than {limit} bytes, which is more than any bundle has")]
    TooLarge {
        /// The file or address.
        what: String,
        /// The most that is read.
        limit: u64,
    },
    /// It was signed, but is no bundle.
    #[error("this is no bundle: {0}. It was signed as it is: tell its maker")]
    Contents(String),
    /// The program is too old for it.
    #[error("it needs moodring {needs}, this is {is}: update the program first")]
    Program {
        /// The least version.
        needs: Version,
        /// This one's.
        is: Version,
    },
    /// The net cannot run here, or runs wrong.
    #[error(
        "its net did not pass the test on this machine: {0}. Nothing was changed; tell its maker"
    )]
    Test(String),
    /// It would replace something newer, or something else.
    #[error("{0}. If that is meant: --force")]
    Unwanted(String),
    /// There is nothing to go back to.
    #[error("no {0} is installed: the built-in one runs")]
    Nothing(String),
    /// A file or folder of the shelf.
    #[error("cannot use {path}: {reason}")]
    Folder {
        /// Which.
        path: String,
        /// The system's reason.
        reason: std::io::Error,
    },
    /// Somebody else installs.
    #[error("another moodring is installing just now: try again when it is done")]
    Busy,
    /// What the network did not give.
    #[error("cannot fetch {url}: {reason}")]
    Fetch {
        /// The address.
        url: String,
        /// Why, with the way out where there is one.
        reason: String,
    },
}

impl BundleError {
    /// A file or folder that the system refused.
    pub(super) fn folder(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |reason| Self::Folder {
            path: path.display().to_string(),
            reason,
        }
    }
}
