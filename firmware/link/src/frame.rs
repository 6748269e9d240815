//! Encodes a message into one frame: direction and version, message by postcard, CRC-32; all by COBS, ended by a 0.
//!
//! Between frames any number of zeros may come: a host begins with one, so that what came before is no part of its first.

use crc::{CRC_32_ISO_HDLC, Crc, Table};
use heapless::Vec;

use crate::message_set::MessageSet;

/// The version of the protocol, 1 to 127: with the direction the first byte of each frame's content.
pub const VERSION: u8 = 1;

/// The longest message as postcard writes it.
pub const MAX_BODY_BYTES: usize = 48;
/// Direction and version, CRC-32.
const AROUND_BYTES: usize = 1 + 4;
/// The longest content of a frame.
pub(crate) const MAX_CONTENT_BYTES: usize = MAX_BODY_BYTES + AROUND_BYTES;
/// The longest frame with its 0: up to 254 bytes COBS adds one.
pub const MAX_FRAME_BYTES: usize = MAX_CONTENT_BYTES + 1 + 1;

// One packet of a full-speed USB pipe has 64 bytes; one that is not full needs no empty one behind it.
const _: () = assert!(MAX_FRAME_BYTES < 64);

/// The bytes of one frame, with the 0 at its end.
pub type Frame = Vec<u8, MAX_FRAME_BYTES>;

/// The checksum of zip and Ethernet, over version and body, little endian.
pub(crate) const CRC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

/// The frame of a message.
pub fn encode<M: MessageSet>(message: &M) -> Frame {
    let mut body = [0; MAX_BODY_BYTES];
    // A test proves that every message fits. If one did not, the empty frame would mean nothing.
    let body = postcard::to_slice(message, &mut body).map_or(&[][..], |body| body);

    let mut content: Vec<u8, MAX_CONTENT_BYTES> = Vec::new();
    let begun = content.push(M::DIRECTION | VERSION).is_ok();
    let filled = begun && content.extend_from_slice(body).is_ok();
    let check = CRC.checksum(&content).to_le_bytes();
    let whole = filled && content.extend_from_slice(&check).is_ok();

    let mut frame = Frame::new();
    if whole && !body.is_empty() && frame.resize_default(MAX_FRAME_BYTES - 1).is_ok() {
        let used = cobs::try_encode(&content, &mut frame).unwrap_or(0);
        frame.truncate(used);
    }
    // Room for it is always left.
    let _full = frame.push(0);
    frame
}
