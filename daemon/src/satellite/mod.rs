//! Drives other devices that show the mood: microcontrollers at a serial port, found by their USB ids or named in the
//! settings.
//!
//! ```text
//! snapshot (newest wins) -> scene (what to show) -> session (what to send when) -> port thread -> satellites
//! ```
//!
//! An unplugged satellite is a state: the thread looks for it again as long as the daemon runs.

mod discovery;
mod port_check;
mod port_thread;
mod scene;
mod session;

pub use port_check::port_trouble;
pub use port_thread::{PortThread, spawn};
