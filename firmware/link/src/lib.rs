//! Messages between a host and its satellites, and their codec. No port, no clock, no heap: bytes in, bytes out.
//!
//! ```text
//! message -> postcard -> direction and version in front, CRC-32 behind -> COBS -> 0
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | [`message`] | the messages between host and satellite |
//! | [`message_set`] | the list of messages, by direction and number |
//! | [`frame`] | encodes a message into the bytes of one frame |
//! | [`decoder`] | decodes bytes in any pieces; recovers after garbage |
//!
//! # Versions
//! Messages of a version never change. A new message gets its own number at the end of its list; a receiver that does
//! not know it answers [`message::Refusal::Unknown`]. Any other change raises [`frame::VERSION`]; a frame of another
//! version is answered by [`message::Refusal::Version`] in one's own version.
//!
//! `docs/glossary.md` in the repository explains every term.
#![no_std]

#[cfg(test)]
extern crate std;

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod decoder;
pub mod frame;
pub mod message;
pub mod message_set;
