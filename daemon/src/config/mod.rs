//! Settings: defaults, then the TOML file, then the environment, then flags. Every key is documented here once;
//! `moodring config` prints the defaults with these texts.

mod camera;
mod display;
mod mqtt;

pub use camera::CameraSettings;
pub use display::{DisplayKind, DisplaySettings};
pub use mqtt::MqttSettings;
