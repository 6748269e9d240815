//! What the pipeline reports: stages, people, the report of a step. Computes nothing.

use crate::{
    detect::Face,
    event::Event,
    expression::Scores,
    frame::Millis,
    mood::{FaceMood, MoodState},
    track::TrackId,
};

/// A part of the work, in the order of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The frame shrunk: into the detector's input, and while nobody is in view into the thumbnail for motion.
    Letterbox,
    /// The detector's forward pass.
    Detect,
    /// Its output decoded and suppressed.
    Decode,
    /// Upright crops.
    Align,
    /// The classifier's forward passes.
    Classify,
    /// Tracks, smoothing and mood.
    Track,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [
        Self::Letterbox,
        Self::Detect,
        Self::Decode,
        Self::Align,
        Self::Classify,
        Self::Track,
    ];

    /// The name in tables and metrics: lower case, one word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Letterbox => "letterbox",
            Self::Detect => "detect",
            Self::Decode => "decode",
            Self::Align => "align",
            Self::Classify => "classify",
            Self::Track => "track",
        }
    }
}

/// A confirmed face and what it shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Person {
    /// Its number.
    pub track: TrackId,
    /// As last seen, in frame pixels; the landmarks turned as [`Person::roll_deg`] says.
    pub face: Face,
    /// Whether it is in this frame; else it is occluded.
    pub visible: bool,
    /// The smoothed scores.
    pub scores: Scores,
    /// The last scores as the net gave them.
    pub raw: Scores,
    /// The head's tilt in degrees, clockwise positive: the net's, or without such an output that of the eyes.
    pub roll_deg: f32,
    /// Whether the person looks toward the camera; `None` if the net has no pose output.
    pub facing: Option<bool>,
    /// What the person shows: the one answer for every display, message and page.
    pub mood: FaceMood,
    /// When it was first seen.
    pub since: Millis,
    /// When the face was last found in a frame.
    pub last_seen: Millis,
}

/// What a step found. Lent by the pipeline until the next one.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The pipeline's time: the frame's, unless frames ran backwards before; it never does.
    pub time: Millis,
    /// Whether this frame was searched for faces; while nobody is in view, few are.
    pub looked: bool,
    /// The faces found in this frame, the best first, in frame pixels; not all of them count yet.
    pub faces: &'a [Face],
    /// All confirmed people, the oldest track first.
    pub people: &'a [Person],
    /// The mood.
    pub mood: MoodState,
    /// What happened since the last report.
    pub events: &'a [Event],
}
