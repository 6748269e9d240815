//! moodring: a camera frame walks through one line of rooms and leaves as a mood.
//!
//! ```text
//! camera -> latest -> vision -> snapshot -> { display, mqtt, web }
//! ```
//!
//! | room | what it does |
//! |---|---|
//! | [`cli`] | the command line, by clap |
//! | [`commands`] | what each subcommand does |
//! | [`config`] | settings: file, environment, flags; every key documented |
//! | [`camera`] | frames from devices, files, child processes, the network or a drawing, behind one trait |
//! | [`latest`] | the slot between camera and vision: newest wins |
//! | [`vision`] | the pipeline of `moodring-core` with an engine in it, timed by stage |
//! | [`snapshot`] | what every output sees at one moment |
//! | [`display`] | the emoji on a terminal, a small SPI or I2C display, in a PNG or nowhere, behind one trait |
//! | [`gpio`] | lines of the header: found by label, driven, watched for buttons |
//! | [`command`], [`control`] | requests to a running daemon; the present value of all that they can set |
//! | [`event_log`] | makes numbered events and writes them into the store |
//! | [`store`] | events that wait for the broker, and the history: one SQLite file |
//! | [`message`] | the JSON that leaves this machine |
//! | [`satellite`] | drives microcontrollers at serial ports that show the mood too |
//! | [`mqtt`] | publishes state, events and availability; Home Assistant, Homie, the embedded broker |
//! | [`web`] | the page, its JSON interface and metrics |
//! | [`setup`] | first steps in the browser: checks answers, tries cameras, displays and brokers, writes the settings |
//! | [`simulate`] | many made-up devices at one broker, and a subscriber that looks for gaps |
//! | [`evaluation`] | accuracy on labelled crops |
//! | `onnx` | ONNX files, read with limits |
//! | [`bundle`] | nets that come later: signed, tested, installed, rolled back |
//! | [`pack`] | makes packed files of quantized ONNX files |
//! | [`preview`] | the camera's picture for browsers, only where the settings allow it and while it is on |
//! | [`photo`] | picture files, read with limits and named errors |
//! | `contain`, `regular_file` | turns panics of other code into errors; opens only regular files |
//! | [`app`] | `run`: starts, connects and stops threads and tasks |
//! | [`logs`] | where logs go |
//! | [`service`] | reports to systemd |
//! | [`update`] | looks for newer versions, if it is switched on |
//! | [`notes`] | small files beside the store that outlive the daemon |
//! | `fuzz` | every parser of foreign bytes, for the tests that change bytes |
//! | [`files`] | replaces files in one step, finds the folder for lasting state |
//! | [`redact`] | removes secrets from addresses and commands |
//! | [`shutdown`] | the one way to stop |
//! | [`worker`] | restarts threads after a panic, and reports their health |
//! | [`exit`] | exit codes |
//! | [`changes`], [`hooks`] | each change as a line of JSON, for programs beside the daemon |
//! | [`words`] | what people read, in five languages |
//! | [`process_limits`] | the process's own limits: open files, core files |
//! | [`clock`] | the one clock of a run |
//!
//! `docs/glossary.md` in the repository explains every word.

pub mod app;
pub mod bundle;
pub mod camera;
pub mod changes;
pub mod cli;
pub mod clock;
pub mod command;
pub mod commands;
pub mod config;
mod contain;
pub mod control;
pub mod display;
pub mod evaluation;
pub mod event_log;
pub mod exit;
pub mod files;
#[cfg(test)]
mod fuzz;
pub mod gpio;
pub mod hooks;
pub mod latest;
pub mod logs;
pub mod message;
pub mod mqtt;
pub mod notes;
mod onnx;
pub mod pack;
pub mod photo;
pub mod preview;
pub mod process_limits;
pub mod redact;
mod regular_file;
pub mod satellite;
pub mod scaled_jpeg;
pub mod service;
pub mod setup;
pub mod shutdown;
pub mod simulate;
pub mod snapshot;
mod stderr_tail;
pub mod store;
mod tls;
pub mod update;
pub mod vision;
pub mod web;
pub mod words;
pub mod worker;
