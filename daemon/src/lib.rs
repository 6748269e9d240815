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
//! | [`camera`] | frames from devices, files, children, the network or drawn ones, behind one trait |
//! | [`latest`] | the slot between camera and vision: newest wins |
//! | [`vision`] | the pipeline of `moodring-core` with an engine in it, timed by stage |
//! | [`snapshot`] | what the world looks like now, as every output sees it |
//! | [`display`] | the emoji on a terminal, a small SPI or I2C display, in a PNG or nowhere, behind one trait |
//! | [`gpio`] | lines of the header: found by label, driven, watched for buttons |
//! | [`command`], [`control`] | what people ask a running daemon to do; how it is set now |
//! | [`event_log`] | what happens, as numbered events in the store |
//! | [`store`] | events until the broker has them, and the history: one SQLite file |
//! | [`message`] | the JSON that leaves this machine |
//! | [`satellite`] | microcontrollers at serial ports that show the mood too |
//! | [`mqtt`] | state, events and availability on a broker; the embedded broker |
//! | [`web`] | the page, its JSON interface and metrics |
//! | [`setup`] | first steps: answers become settings, cameras, displays and brokers are tried |
//! | [`simulate`] | many made-up devices at a broker, and a listener that looks for gaps |
//! | [`evaluation`] | accuracy on labelled crops |
//! | `onnx` | ONNX files, read with limits |
//! | [`bundle`] | nets that come after the program: signed, tested, installed, taken back |
//! | [`pack`] | quantized ONNX files made into packed ones |
//! | [`preview`] | the camera's picture for browsers, only where the settings allow it and while it is on |
//! | [`photo`] | picture files, read with limits and named errors |
//! | `contain`, `regular_file` | panics of others' code become errors; only files are opened as files |
//! | [`app`] | `run`: threads and tasks, start to graceful stop |
//! | [`logs`] | where logs go |
//! | [`service`] | what systemd is told |
//! | [`update`] | whether there is something newer, for who asks |
//! | [`notes`] | what a daemon remembers beside its store |
//! | [`files`] | files replaced in one step, the folder for lasting state |
//! | [`redact`] | what may be shown of addresses and commands |
//! | [`shutdown`] | the one way to stop |
//! | [`worker`] | threads that are started again after a panic, and how they are |
//! | [`exit`] | exit codes |
//! | [`process_limits`] | open files, core files |

pub mod app;
pub mod bundle;
pub mod camera;
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
pub mod gpio;
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
pub mod service;
pub mod setup;
pub mod shutdown;
pub mod simulate;
pub mod snapshot;
pub mod store;
pub mod update;
pub mod vision;
pub mod web;
pub mod worker;
