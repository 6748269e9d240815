//! A microcontroller's behaviour as a library: bytes and times go in, replies, pictures and a light's brightness come
//! out. No pins, no port, no clock; a board adds those and decides nothing.
//!
//! ```text
//! bytes -> moodring-link -> satellite -> picture -> band by band -> the display
//!                             | replies
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | [`panel`] | describes the board's display |
//! | [`satellite`] | receives, answers, shows, and sleeps |
//! | [`picture`] | one moment of the face, drawn in bands into little memory |
//! | [`band`] | rows of a picture as bytes for the display |
//! | [`sent_bands`] | what the display shows now, so that only what changed is drawn |
//!
//! A board's loop:
//! ```
//! use moodring_core::frame::Millis;
//! use moodring_satellite::{panel::Panel, satellite::Satellite, sent_bands::SentBands};
//!
//! # let (line, mut wire) = (&[0_u8][..], Vec::<u8>::new());
//! let mut satellite = Satellite::new(Panel::ST7789_SQUARE, Millis(0));
//! let mut buffer = [0; 240 * 2 * 8]; // eight rows
//! let mut shown = SentBands::default();
//! # for now in [Millis(0)] {
//! satellite.receive(line, now);
//! while let Some(reply) = satellite.reply() {
//!     // send the reply
//! }
//! if let Some(picture) = satellite.picture(now) {
//!     picture.changed_bands(&mut shown, &mut buffer, |band| {
//!         wire.extend_from_slice(band.bytes()); // to the display's band.columns() and band.rows()
//!     });
//! }
//! // light the display by satellite.light_percent(now)
//! # }
//! # assert_eq!(wire.len(), 240 * 240 * 2);
//! ```
//!
//! `docs/glossary.md` in the repository explains every term.
#![no_std]

#[cfg(test)]
extern crate std;

pub mod band;
mod faces;
pub mod panel;
pub mod picture;
pub mod satellite;
pub mod sent_bands;
