//! moodring: a camera frame walks through one line of crates and leaves as a mood.
//!
//! ```text
//! camera -> latest -> vision -> snapshot -> { display, mqtt, web }
//! ```
//!
//! | crate, or module of this one | what it does |
//! |---|---|
//! | [`moodring_base`] | settings, messages, requests, and small helpers that know no part |
//! | [`moodring_camera`] | frames from devices, files, child processes, the network or a drawing, behind one trait; the slot where the newest wins; photos |
//! | [`moodring_vision`] | the pipeline of `moodring-core` with an engine in it, timed by stage; nets that come later; the packer; looks for newer versions |
//! | [`moodring_display`] | the emoji on a terminal, a small SPI or I2C display, a screen, in a PNG or nowhere, behind one trait; lines of the header |
//! | [`moodring_store`] | numbered events, those that wait for the broker, and the history: one SQLite file; programs that a change starts |
//! | [`moodring_mqtt`] | publishes state, events and availability; Home Assistant, Homie, the embedded broker |
//! | [`moodring_web`] | the page, its JSON interface and metrics; first steps in the browser; the camera's picture, only where the settings allow it |
//! | [`cli`] | the command line, by clap |
//! | [`commands`] | what each subcommand does |
//! | [`evaluation`] | accuracy on labelled crops |
//! | [`app`] | `run`: starts, connects and stops threads and tasks |
//! | [`satellite`] | drives microcontrollers at serial ports that show the mood too |
//! | [`logs`] | where logs go |
//! | `fuzz` | every parser of foreign bytes, for the tests that change bytes |
//!
//! `docs/glossary.md` in the repository explains every term.

pub mod app;
pub mod cli;
pub mod commands;
pub mod evaluation;
#[cfg(test)]
mod fuzz;
pub mod logs;
pub mod satellite;
