//! What every output sees at one moment. Plain data without heap: copied once per frame.

use heapless::Vec;
use moodring_core::{
    detect::Face,
    expression::Scores,
    frame::Millis,
    mood::{FaceMood, MoodState},
    track::TrackId,
};

/// The most people a snapshot holds; more are counted, not listed.
pub const MAX_PEOPLE: usize = 16;

/// Everything an output may show, at one frame.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The frame's time.
    pub time: Millis,
    /// The mood of the person who counts.
    pub mood: MoodState,
    /// The people in view; the one who counts comes first.
    pub people: Vec<Person, MAX_PEOPLE>,
    /// How many people are in view, including those not listed.
    pub people_count: usize,
    /// Frame width and height in pixels; zeros before the first frame.
    pub frame_px: (u32, u32),
    /// What the camera does.
    pub camera: CameraState,
    /// Frames seen by the pipeline per second, over the last two seconds.
    pub frames_per_second: f32,
    /// Frames that the camera delivered while the pipeline was busy.
    pub frames_skipped: u64,
    /// Milliseconds per stage, smoothed.
    pub stages_ms: StageTimes,
}

/// One person in view.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// The track's number.
    pub track: TrackId,
    /// Box, landmarks and detector score, in frame pixels.
    pub face: Face,
    /// The head's tilt in degrees, clockwise positive.
    pub roll_deg: f32,
    /// Smoothed scores.
    pub scores: Scores,
    /// What the person shows, decided in `moodring-core` for all outputs.
    pub mood: FaceMood,
    /// Whether the person looks toward the device; `None` if the net has no such output.
    pub facing: Option<bool>,
    /// When the face was last found in a frame; its owner may have left since.
    pub last_seen: Millis,
}

impl Person {
    /// A person of whom nothing but this is known; the tilt is that of the eyes.
    pub fn new(track: TrackId, face: Face, scores: Scores, mood: FaceMood) -> Self {
        Self {
            track,
            face,
            roll_deg: face.roll_deg(),
            scores,
            mood,
            facing: None,
            last_seen: Millis(0),
        }
    }
}

/// What the camera does right now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CameraState {
    /// Being opened for the first time.
    #[default]
    Starting,
    /// Frames arrive.
    Running,
    /// Unplugged, dead or silent; reopened with back-off.
    Lost,
    /// Somebody switched it off; the device is closed.
    Off,
    /// The file ended.
    Ended,
    /// It belongs to another device, and it runs: no camera runs here.
    Elsewhere,
    /// It belongs to another device, which cannot be reached.
    Away,
}

impl CameraState {
    /// Whether what is seen is of now: by this device's camera, or by another's.
    pub const fn is_seeing(self) -> bool {
        matches!(self, Self::Running | Self::Elsewhere)
    }

    /// The name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Lost => "lost",
            Self::Off => "off",
            Self::Ended => "ended",
            Self::Elsewhere => "elsewhere",
            Self::Away => "away",
        }
    }
}

/// What the link to the broker does right now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BrokerState {
    /// Not configured, or switched off.
    #[default]
    Off,
    /// Connecting, or waiting to try again.
    Connecting,
    /// Connected.
    Online,
}

impl BrokerState {
    /// The name in messages and on the terminal.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Connecting => "connecting",
            Self::Online => "online",
        }
    }
}

/// Milliseconds per stage of the pipeline.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StageTimes {
    /// Frame to detector input.
    pub letterbox: f32,
    /// The detector's net.
    pub detect: f32,
    /// Heads to faces, and nms.
    pub decode: f32,
    /// Landmarks to crops.
    pub align: f32,
    /// The classifier's net, all faces.
    pub classify: f32,
    /// Tracking, smoothing, mood.
    pub track: f32,
}

impl StageTimes {
    /// Names and values in the pipeline's order.
    pub const fn named(&self) -> [(&'static str, f32); 6] {
        [
            ("letterbox", self.letterbox),
            ("detect", self.detect),
            ("decode", self.decode),
            ("align", self.align),
            ("classify", self.classify),
            ("track", self.track),
        ]
    }

    /// The whole pipeline.
    pub fn total(&self) -> f32 {
        self.named().iter().map(|(_, ms)| ms).sum()
    }
}
