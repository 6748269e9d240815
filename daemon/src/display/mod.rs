//! The emoji on a terminal, in a PNG or nowhere, behind one trait. A display shows; it never decides.

use crate::snapshot::{BrokerState, Snapshot};

/// Something that shows the mood. Called at its own rate, always with the newest snapshot.
pub trait Display {
    /// A name for people and logs.
    fn name(&self) -> &str;

    /// Shows the world as it is now.
    ///
    /// # Errors
    /// [`DisplayError`] if the device or file failed; the caller tries again with back-off.
    fn show(&mut self, view: &View<'_>) -> Result<(), DisplayError>;
}

/// What a display gets.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The newest snapshot.
    pub snapshot: &'a Snapshot,
    /// The link to the broker.
    pub broker: BrokerState,
    /// The source's name.
    pub source: &'a str,
    /// This device's name in messages.
    pub device: &'a str,
}

/// Why a display could not show. The text names the thing and the way out.
#[derive(Debug, thiserror::Error)]
pub enum DisplayError {
    /// It cannot be used at all.
    #[error("cannot use display {name}: {reason}. {way_out}")]
    Open {
        /// Which display.
        name: String,
        /// The cause.
        reason: String,
        /// What the user can do.
        way_out: String,
    },
    /// One picture could not be shown; the next may.
    #[error("display {name} failed: {reason}")]
    Show {
        /// Which display.
        name: String,
        /// The cause.
        reason: String,
    },
}
