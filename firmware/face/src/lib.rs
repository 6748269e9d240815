//! Draws a mood as an emoji face on any embedded-graphics target: no std, no heap, no clock.
//!
//! ```text
//! look -> expression -> params -> animate -> pose -> parts -> layers -> raster -> draw or picture -> DrawTarget
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | [`look`] | everything the face can show: moods, and the device's own states |
//! | [`params`] | the parametric face: plain numbers relative to its radius, that mix |
//! | [`expression`] | the numbers of each look |
//! | [`animate`] | from look to look over time; blink and breath |
//! | [`theme`] | colours |
//! | [`draw`] | one pose to anti-aliased pixels |
//! | [`picture`] | a whole screen, also in bands: several faces, text, the sign that the camera runs |
//! | [`contact_sheet`] | all looks side by side |
//! | [`svg`] | one pose as SVG, sharp at every size |
//!
//! `docs/glossary.md` in the repository explains every term.
#![no_std]

#[cfg(test)]
extern crate std;

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod animate;
pub mod contact_sheet;
pub mod draw;
pub mod expression;
mod indicators;
mod layers;
mod layout;
pub mod look;
pub mod params;
mod parts;
pub mod picture;
mod raster;
mod skin;
mod states;
pub mod svg;
mod text;
pub mod theme;
mod vec2;
