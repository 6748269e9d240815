//! `run`: starts, connects and stops threads and tasks. Makes no decision about faces.
//!
//! ```text
//! camera thread -> slot (newest wins) -> vision thread -> snapshot (newest wins) -> display thread
//!                                                                                -> satellite thread
//!                                                      -> events (none lost)     -> event log task -> store -> mqtt task
//!                                                                                -> web thread
//!                                                      -> events (none lost)     -> mqtt task
//!                       vision thread -> preview thread, while somebody watches -> web thread
//! buttons thread -> commands -> controller -> camera thread (on, off, which), vision thread (sensitivity, nets),
//!                                             display thread (on, off, brightness, theme); publishes `Controls`
//! ```
//!
//! And `follow`: the same outputs, fed by a broker instead of a camera.

mod calibration;
mod camera_off;
mod camera_sink;
mod cameras;
mod controller;
mod demo;
mod display_thread;
mod error;
mod follow;
mod identity;
mod publishing;
mod run;
mod shutdown;
mod start;
mod start_context;
mod stills;
mod terminal;
mod vision_thread;
mod watchdog;

pub use demo::demo;
pub use error::AppError;
pub use follow::follow;
pub use run::{check, run, watch};

/// Waits for a thread to end; logs the name of one that panicked.
fn join(thread: std::thread::JoinHandle<()>, name: &str) {
    if thread.join().is_err() {
        tracing::error!("the {name} thread panicked");
    }
}
