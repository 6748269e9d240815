//! `run`: threads and tasks, from start to graceful stop. Wires rooms together; decides nothing about faces.
//!
//! ```text
//! camera thread -> slot (newest wins) -> vision thread -> snapshot (newest wins) -> display thread
//!                                                                                -> satellites thread
//!                                                      -> events (none lost)     -> journal task -> store -> mqtt task
//!                                                                                -> web thread
//!                                                      -> events (none lost)     -> mqtt task
//!                       vision thread -> preview thread, while somebody watches -> web thread
//! buttons thread -> commands -> desk -> camera thread (on, off, which), vision thread (one picture, sensitivity, nets),
//!                                       display thread (on, off, brightness, theme); and what is set now as `Controls`
//! ```
//!
//! And `follow`: the same outputs, fed by a broker instead of a camera.

mod camera_off;
mod camera_sink;
mod cameras;
mod controller;
mod display_thread;
mod error;
mod follow;
mod identity;
mod publishing;
mod run;
mod shutdown;
mod start;
mod stills;
mod vision_thread;
mod watchdog;

pub use error::AppError;
pub use follow::follow;
pub use run::{check, run};

/// Waits for a thread; one that panicked is named.
fn join(thread: std::thread::JoinHandle<()>, name: &str) {
    if thread.join().is_err() {
        tracing::error!("the {name} thread panicked");
    }
}
