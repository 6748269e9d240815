//! Why a JPEG was not decoded: damaged, or of a kind that is not read.

use std::borrow::Cow;

/// A JPEG that was not decoded. The text names the cause, and the way out where there is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JpegError {
    /// As far as was read it is whole, but of a kind or size that is not read: whoever makes it must change that.
    #[error("{0}")]
    Unsupported(Cow<'static, str>),
    /// It is cut or broken: the next picture may be good.
    #[error("{0}")]
    Damaged(Cow<'static, str>),
}

impl JpegError {
    pub(super) fn unsupported(cause: impl Into<Cow<'static, str>>) -> Self {
        Self::Unsupported(cause.into())
    }
}

impl From<&'static str> for JpegError {
    fn from(damage: &'static str) -> Self {
        Self::Damaged(damage.into())
    }
}

impl From<String> for JpegError {
    fn from(damage: String) -> Self {
        Self::Damaged(damage.into())
    }
}
