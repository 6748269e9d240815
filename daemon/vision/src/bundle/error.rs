//! Why a bundle is refused, with the way to mend it.

use super::Version;

/// What is wrong with a bundle, or with the folder of installed nets.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// No public key is trusted.
    #[error(
        "there is no public key to check the signature with: this program was built without one. Give the maker's by \
         --key FILE, or as [models] public_key"
    )]
    NoKey,
    /// The text is not a public key.
    #[error(
        "`{0}` is no minisign public key: the second line of a minisign.pub, or that file, is wanted"
    )]
    Key(String),
    /// The signature does not fit.
    #[error(
        "the signature is not good: {0}. Do not use this file; fetch it again, and check whose key you trust"
    )]
    Signature(&'static str),
    /// It is larger than a bundle may be.
    #[error("{what} has more than {limit} bytes, which is more than any bundle has")]
    TooLarge {
        /// The file or address.
        what: String,
        /// The largest size that is read.
        limit: u64,
    },
    /// It is signed, but not a bundle.
    #[error("this is not a bundle: {0}. It was signed like this: report it to its maker")]
    Contents(String),
    /// The program is too old for it.
    #[error("it needs moodring {needs}, this is {is}: update the program first")]
    Program {
        /// The least version.
        needs: Version,
        /// The version of this program.
        is: Version,
    },
    /// The net cannot run here, or computes wrong results.
    #[error(
        "its net did not pass the test on this machine: {0}. Nothing was changed; report it to its maker"
    )]
    Test(String),
    /// It would replace something newer, or something else.
    #[error("{0}. If that is meant: --force")]
    Unwanted(String),
    /// There is no earlier net.
    #[error("no {0} is installed: the built-in one runs")]
    Nothing(String),
    /// A file or folder of the installed nets.
    #[error("cannot use {path}: {reason}")]
    Folder {
        /// Which.
        path: String,
        /// The system's reason.
        reason: std::io::Error,
    },
    /// Only the owner of the folder may install.
    #[error("another moodring is installing just now: try again when it is done")]
    Busy,
    /// The download failed.
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
