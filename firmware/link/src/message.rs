//! The messages between host and satellite. Plain data; the order of fields and variants is the interface.

use core::fmt;

use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

/// The most faces in a scene; the one who counts comes first.
pub const MAX_FACES: usize = 8;
/// The longest label, in bytes of UTF-8.
pub const MAX_LABEL_BYTES: usize = 24;

/// A line of text, cut to what fits.
pub type Label = String<MAX_LABEL_BYTES>;

/// As much of a text as fits, cut between characters.
pub fn label(text: &str) -> Label {
    let mut label = Label::new();
    for letter in text.chars() {
        if label.push(letter).is_err() {
            break;
        }
    }
    label
}

/// From the host. Exhaustive on purpose: whoever obeys messages must decide about each new one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToSatellite {
    /// The host's name, sent first. Answered by [`ToHost::Hello`].
    Hello {
        /// What the host understands.
        versions: Versions,
        /// The line under the face, such as whose mood it is; empty for none.
        label: Label,
    },
    /// One face, or none: who counts.
    Show(ShownFace),
    /// Several people, who counts first. Empty shows nobody.
    Scene(Vec<ShownFace, MAX_FACES>),
    /// How bright the display is lit.
    Dim {
        /// 0 (dark) to 100; more counts as 100.
        percent: u8,
    },
    /// Dark until something is shown again.
    Sleep,
    /// Answered by [`ToHost::Pong`]; also keeps the satellite awake.
    Ping {
        /// Comes back in the answer.
        number: u32,
    },
    /// Something is wrong at the host.
    Fault {
        /// The fault's code, as the host's documentation has it.
        code: u16,
    },
}

/// From the satellite. It only answers, but for faults. Exhaustive as [`ToSatellite`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToHost {
    /// Who this is and what it can do.
    Hello(Capabilities),
    /// The answer to a ping.
    Pong {
        /// The ping's number.
        number: u32,
        /// Frames that came broken since the satellite started; more than this holds count as this.
        broken: u16,
    },
    /// The message arrived and was not understood.
    Refused(Refusal),
    /// Something is wrong at the satellite.
    Fault {
        /// The fault's code, as the board's documentation has it.
        code: u16,
    },
}

/// Versions of the protocol that somebody understands, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The lowest version, 1 to 127.
    pub oldest: u8,
    /// The highest version, 1 to 127.
    pub newest: u8,
}

/// A face to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownFace {
    /// What the face shows.
    pub shown: ShownLook,
    /// How sure, 0 to 255 for 0 to 1.
    pub confidence: u8,
    /// The head's tilt in degrees, clockwise positive.
    pub roll_deg: i8,
}

impl ShownFace {
    /// A face without a tilt, fully sure.
    pub const fn plain(shown: ShownLook) -> Self {
        Self {
            shown,
            confidence: 255,
            roll_deg: 0,
        }
    }
}

/// What a face shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShownLook {
    /// The expression *angry*.
    Angry,
    /// The expression *disgust*.
    Disgust,
    /// The expression *fear*.
    Fear,
    /// The expression *happy*.
    Happy,
    /// The expression *sad*.
    Sad,
    /// The expression *surprise*.
    Surprise,
    /// The expression *neutral*.
    Neutral,
    /// A face whose expression is uncertain.
    Uncertain,
    /// No face in view: asleep.
    Nobody,
    /// The host's camera is off.
    CameraOff,
    /// The host has not seen its first frame yet.
    Starting,
}

impl ShownLook {
    /// All of them, in order.
    pub const ALL: [Self; 11] = [
        Self::Angry,
        Self::Disgust,
        Self::Fear,
        Self::Happy,
        Self::Sad,
        Self::Surprise,
        Self::Neutral,
        Self::Uncertain,
        Self::Nobody,
        Self::CameraOff,
        Self::Starting,
    ];
}

/// What a satellite is and can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// What it understands.
    pub versions: Versions,
    /// The firmware's version: major, minor, patch.
    pub firmware: [u8; 3],
    /// Pixels across.
    pub width_px: u16,
    /// Pixels down.
    pub height_px: u16,
    /// Its colours.
    pub colour: Colour,
    /// Whether it heeds [`ToSatellite::Dim`].
    pub light: Light,
    /// Faces it can show at once, at least 1.
    pub faces: u8,
}

/// The colours of a display.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Colour {
    /// Two.
    Mono,
    /// 65,536.
    Rgb565,
}

/// What can be done about a display's light.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Light {
    /// Nothing.
    Fixed,
    /// On or off.
    Switched,
    /// Any percentage.
    Dimmed,
}

/// Why a frame that arrived whole was not obeyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Refusal {
    /// It is of a version that is not understood.
    Version(u8),
    /// No message has this number.
    Unknown(u32),
    /// The message of this number has another content.
    Malformed(u32),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => {
                write!(f, "version {version} of the protocol is not understood")
            }
            Self::Unknown(number) => write!(f, "no message has the number {number}"),
            Self::Malformed(number) => write!(f, "message {number} has another content"),
        }
    }
}

impl core::error::Error for Refusal {}
