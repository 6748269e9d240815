//! The list of messages, by direction and number: postcard writes an enum as its variant's number and its fields.

use serde::{Serialize, de::DeserializeOwned};

use crate::message::{ToHost, ToSatellite};

/// All messages of one direction.
pub trait MessageSet: Serialize + DeserializeOwned {
    /// How many there are: the numbers 0 to `KINDS - 1` are known.
    const KINDS: u32;
    /// The direction, the highest bit of a frame's first byte. It keeps a line that echoes from talking to itself.
    const DIRECTION: u8;
}

impl MessageSet for ToSatellite {
    const KINDS: u32 = 7;
    const DIRECTION: u8 = 0;
}

impl MessageSet for ToHost {
    const KINDS: u32 = 4;
    const DIRECTION: u8 = DIRECTION_BIT;
}

/// The bits of a frame's first byte for the direction; the others are the version.
pub(crate) const DIRECTION_BIT: u8 = 0x80;
