//! What Home Assistant needs beside state and events: discovery, requests that change something, and reports of the
//! device.
//!
//! ```text
//! <prefix>/<id>/<thing>/set    a request, checked by `command::parse`
//! <prefix>/<id>/<thing>/state  its present value (retained)
//! <prefix>/<id>/<thing>/error  why a request was refused
//! <prefix>/<id>/health         temperature, start and version (retained)
//! <prefix>/<id>/diagnostics    frame rate, times and counts (retained)
//! <prefix>/<id>/update         a newer version, if this device looks for one (retained)
//! homeassistant/device/<id>/config   the device and its entities (retained)
//! ```
//!
//! [`HomeAssistantProtocol`] decides, without I/O and clock; `task` connects it to the MQTT client's
//! [`Passthrough`](super::Passthrough).

mod announced;
mod device;
mod diagnostics;
mod discovery;
mod entities;
mod health;
mod lasting_id;
mod prepare;
mod protocol;
mod task;

#[cfg(test)]
mod tests;

pub use announced::{AnnouncedTopics, Announcement};
pub use device::Device;
pub(crate) use device::slug;
pub use diagnostics::Diagnostics;
pub use discovery::{Components, payload};
pub use health::DeviceHealth;
pub use prepare::{DeviceFeatures, HomeAssistant, Inputs, PreparedHomeAssistant, prepare};
pub use protocol::{Effect, HomeAssistantProtocol};
