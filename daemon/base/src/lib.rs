//! What every part of the daemon uses: settings, messages, requests, and small helpers that know no part.
//!
//! | module | what it does |
//! |---|---|
//! | [`config`] | settings: file, environment, flags; every key documented |
//! | [`message`] | the JSON that leaves this machine |
//! | [`command`], [`control`] | requests to a running daemon; the present value of all that they can set |
//! | [`snapshot`] | what every output sees at one moment |
//! | [`translations`] | what people read, in five languages |
//! | [`worker`] | restarts threads after a panic, and reports their health |
//! | [`shutdown`] | the one way to stop |
//! | [`clock`] | the one clock of a run |
//! | [`files`] | replaces files in one step, finds the folder for lasting state |
//! | [`contain`], [`regular_file`] | turns panics of other code into errors; opens only regular files |
//! | [`redact`], [`stderr_tail`] | removes secrets from addresses and commands; keeps the last lines of a child's stderr |
//! | [`process_limits`] | the process's own limits: open files, core files |
//! | [`service`] | reports to systemd |
//! | [`tls`] | whom to trust at brokers and cameras |
//! | [`exit`] | exit codes |

pub mod clock;
pub mod command;
pub mod config;
pub mod contain;
pub mod control;
pub mod exit;
pub mod files;
pub mod message;
pub mod process_limits;
pub mod redact;
pub mod regular_file;
pub mod service;
pub mod shutdown;
pub mod snapshot;
pub mod stderr_tail;
pub mod tls;
pub mod translations;
pub mod worker;
