//! The same face from frame to frame.

/// A face's number, never reused in a run. Says nothing about who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(pub u32);
