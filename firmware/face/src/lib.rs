//! A mood drawn as an emoji face on any embedded-graphics target: no std, no heap, no clock.
//!
//! ```text
//! mood -> expression -> params -> animate -> pose -> draw -> DrawTarget
//! ```
//!
//! | room | what it does |
//! |---|---|
//! | [`params`] | the parametric face: plain numbers relative to its radius, that mix |
//! | [`expression`] | the numbers of each mood |
//! | [`animate`] | from mood to mood over time; blink and breath |
//! | [`theme`] | colours |
//! | [`draw`] | a pose to anti-aliased pixels |
//! | [`sheet`] | all moods side by side |
//!
//! ```
//! use embedded_graphics::{mock_display::MockDisplay, pixelcolor::BinaryColor, prelude::*};
//! use moodring_core::mood::Mood;
//! use moodring_face::{animate::Pose, draw::draw, theme::Theme};
//!
//! let mut display = MockDisplay::<BinaryColor>::new();
//! let area = display.bounding_box();
//! draw(&mut display, area, &Pose::still(Mood::Nobody), &Theme::MONO).unwrap();
//! ```
#![no_std]

#[cfg(test)]
extern crate std;

pub mod animate;
pub mod draw;
pub mod expression;
pub mod params;
mod parts;
mod scene;
mod shape;
pub mod sheet;
pub mod theme;
