//! An event: a change worth a message. The daemon adds numbers, device names and wall-clock times.

use crate::{
    frame::Millis,
    mood::Mood,
    track::{MAX_FACES, TrackId},
};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EventKind {
    /// A new face has been in view long enough to count.
    Appeared,
    /// A face has been out of view long enough to be gone.
    Left {
        /// How long it was in view, in milliseconds.
        stayed_ms: u64,
    },
    /// A person turned toward the camera or away from it. Only with a net that has a pose output; who appears counts as turned away.
    Facing {
        /// Whether the person looks toward the camera now.
        facing: bool,
    },
    /// The mood changed.
    Changed {
        /// The mood before.
        from: Mood,
        /// The mood now.
        to: Mood,
        /// The smoothed probability of the new mood's expression, 0 to 1.
        confidence: f32,
        /// How long the mood before lasted, in milliseconds.
        lasted_ms: u64,
    },
}

/// Something that happened at a time, to a track if one is concerned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// When, on the frames' clock.
    pub time: Millis,
    /// Whose face; `None` where the mood turned to nobody.
    pub track: Option<TrackId>,
    /// What.
    pub kind: EventKind,
}

/// The most events one frame can bring: every face appears or leaves, or turns, and the mood changes.
pub const MAX_EVENTS: usize = 3 * MAX_FACES + 1;

/// The events of one frame in the order in which they happened.
pub type Events = heapless::Vec<Event, MAX_EVENTS>;
