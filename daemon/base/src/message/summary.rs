//! The figures of a period, as a `summary` event reports them.

use moodring_core::mood::Mood;

/// A summary's figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// How long it covers, in milliseconds.
    pub interval_ms: u64,
    /// How long each mood was shown, in milliseconds; those that were.
    pub moods: Vec<(Mood, u64)>,
    /// The most people in view at once.
    pub people_max: usize,
    /// How many faces appeared.
    pub appeared: u64,
    /// How often the mood changed.
    pub changed: u64,
}
