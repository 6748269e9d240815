//! Other devices that show the mood: microcontrollers at a serial port, found by their USB ids or named in the settings.
//!
//! ```text
//! snapshot (newest wins) -> scene (what to show) -> talk (what to say when) -> fleet (a thread with ports) -> satellites
//! ```
//!
//! A satellite that is unplugged is a state: the thread looks for it again for as long as the daemon lives.

mod discovery;
mod port_thread;
mod scene;
mod session;

pub use port_thread::{PortThread, spawn};
