//! Messages between a host and its satellites, and their codec. No port, no clock, no heap: bytes in, bytes out.
//!
//! ```text
//! message -> postcard -> direction and version in front, CRC-32 behind -> COBS -> 0
//! ```
//!
//! | room | what it does |
//! |---|---|
//! | [`message`] | what host and satellite say to each other |
//! | [`message_set`] | which messages there are, by direction and number |
//! | [`frame`] | a message to the bytes of one frame |
//! | [`decoder`] | bytes in any pieces to messages; finds its way after garbage |
//!
//! # Versions
//! Messages of a version never change. What is new gets a number of its own at the end of its list, and who does not
//! know it says [`message::Refusal::Unknown`]. What cannot be told that way raises [`frame::VERSION`]; a frame of
//! another version is answered by [`message::Refusal::Version`] in one's own.
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
