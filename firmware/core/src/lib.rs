//! The logic of moodring: a frame walks through one line of modules and leaves as a mood.
//!
//! ```text
//! frame -> letterbox -> detect -> nms -> align -> classify -> track -> smooth -> mood -> event
//! ```
//!
//! No std, no heap, no clock, no I/O: time comes with the frame, pictures are lent, nets are traits.
//!
//! | module | what it does |
//! |---|---|
//! | [`frame`] | a lent picture and its time |
//! | [`picture`] | what the pipeline asks of a picture, decoded or not |
//! | [`geometry`] | points, boxes, similarity transforms |
//! | [`motion`] | whether to look for faces at all while nobody is in view |
//! | [`letterbox`] | a frame shrunk into a net's input, and the way back |
//! | [`detect`] | the detector's heads decoded to faces |
//! | [`nms`] | one face for many overlapping boxes |
//! | [`align`] | landmarks to an upright 48x48 crop |
//! | [`upright`] | a single picture's face, cut again until the head is upright |
//! | [`expression`] | the seven expressions and their scores |
//! | [`classify`] | a crop to scores |
//! | [`pose`] | how a head is turned |
//! | [`presence`] | whether it is a human face at all |
//! | [`second_look`] | another look at what is refused, with another side up |
//! | [`track`] | the same face from frame to frame |
//! | [`resting`] | what a calm face looks like, subtracted from its scores |
//! | [`calibration`] | the same of one person, learned on request and kept |
//! | [`smooth`] | scores over time |
//! | [`mood`] | the expression of who counts, with hysteresis |
//! | [`event`] | a change worth a message |
//! | [`pipeline`] | all of the above in order |
//!
//! `docs/glossary.md` in the repository explains every term.
#![no_std]

#[cfg(test)]
extern crate std;

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod align;
pub mod calibration;
pub mod classify;
pub mod detect;
pub mod event;
pub mod expression;
pub mod frame;
pub mod geometry;
pub mod letterbox;
pub mod mood;
pub mod motion;
pub mod nms;
pub mod picture;
pub mod pipeline;
pub mod pose;
pub mod presence;
pub mod resting;
pub mod second_look;
pub mod smooth;
pub mod track;
pub mod upright;

mod brighten;
mod resample;

#[cfg(test)]
mod fake;
