//! Decodes bytes that come in any pieces into messages. After garbage, each 0 begins anew.

use core::{fmt, marker::PhantomData};

use heapless::Vec;

use crate::{
    frame::{CRC, MAX_FRAME_BYTES, VERSION},
    message::Refusal,
    message_set::{DIRECTION_BIT, MessageSet},
};

/// Why a frame gave no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// It did not arrive as it was sent, or never was a frame: nothing to answer.
    Broken,
    /// It is a message of the other direction: the line echoes. Answering would never end.
    Echo,
    /// It arrived whole and cannot be obeyed: worth an answer.
    Refused(Refusal),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken => f.write_str("the frame is broken"),
            Self::Echo => f.write_str("the line echoes: the frame goes in the other direction"),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl core::error::Error for DecodeError {}

/// Collects one frame at a time. `M` is what is expected: [`ToSatellite`](crate::message::ToSatellite) or
/// [`ToHost`](crate::message::ToHost).
///
/// ```
/// use moodring_link::{decoder::Decoder, frame::encode, message::ToHost};
///
/// let pong = ToHost::Pong { number: 7, broken: 0 };
/// let mut decoder = Decoder::<ToHost>::new();
/// let garbage = [1, 2, 3, 0];
/// let received: Vec<_> = garbage
///     .iter()
///     .chain(encode(&pong).iter())
///     .filter_map(|byte| decoder.push(*byte))
///     .collect();
/// assert!(received[0].is_err(), "garbage is named as such");
/// assert_eq!(received[1], Ok(pong));
/// ```
#[derive(Clone, Debug)]
pub struct Decoder<M> {
    bytes: Vec<u8, MAX_FRAME_BYTES>,
    /// More came than a frame can have; wait for the next 0.
    overlong: bool,
    message: PhantomData<fn() -> M>,
}

impl<M: MessageSet> Decoder<M> {
    /// At the beginning of a frame.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            overlong: false,
            message: PhantomData,
        }
    }

    /// Takes the next byte; if it ends a frame, returns the message or the error.
    pub fn push(&mut self, byte: u8) -> Option<Result<M, DecodeError>> {
        if byte != 0 {
            self.overlong |= self.bytes.push(byte).is_err();
            return None;
        }
        let result = if self.overlong {
            Some(Err(DecodeError::Broken))
        } else if self.bytes.is_empty() {
            None
        } else {
            Some(read(&mut self.bytes))
        };
        self.overlong = false;
        self.bytes.clear();
        result
    }
}

impl<M: MessageSet> Default for Decoder<M> {
    fn default() -> Self {
        Self::new()
    }
}

/// A frame without its 0; its bytes are decoded in place.
fn read<M: MessageSet>(frame: &mut [u8]) -> Result<M, DecodeError> {
    let report = cobs::decode_in_place(frame).map_err(|_| DecodeError::Broken)?;
    let content = frame.get(..report).ok_or(DecodeError::Broken)?;
    let (checked, check) = content.split_last_chunk::<4>().ok_or(DecodeError::Broken)?;
    if CRC.checksum(checked) != u32::from_le_bytes(*check) {
        return Err(DecodeError::Broken);
    }
    let (first, body) = checked.split_first().ok_or(DecodeError::Broken)?;
    if first & DIRECTION_BIT != M::DIRECTION {
        return Err(DecodeError::Echo);
    }
    let version = first & !DIRECTION_BIT;
    if version != VERSION {
        return Err(DecodeError::Refused(Refusal::Version(version)));
    }
    message(body).map_err(DecodeError::Refused)
}

fn message<M: MessageSet>(body: &[u8]) -> Result<M, Refusal> {
    let kind = postcard::take_from_bytes::<u32>(body).map_or(u32::MAX, |(kind, _)| kind);
    if kind >= M::KINDS {
        return Err(Refusal::Unknown(kind));
    }
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        _ => Err(Refusal::Malformed(kind)),
    }
}
