//! The flags of `run` and `follow`, which show a mood until they are stopped.

use std::path::PathBuf;

use clap::Args;
use moodring_base::config::Overrides;

use super::{
    ConfigArgs,
    value::{number, topic},
};

/// `run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    #[command(flatten)]
    #[allow(missing_docs)] // clap would show it as help
    pub config: ConfigArgs,
    /// auto, /dev/videoN, rpicam, argus, cmd:COMMAND, http://..., a picture, a folder, a .mjpeg or .y4m file, synthetic.
    #[arg(long, value_name = "SRC")]
    pub source: Option<String>,
    /// Play files and folders again and again.
    #[arg(long = "loop")]
    pub repeat: bool,
    /// Frames a second to ask for; for files and folders, the rate to play at.
    #[arg(long, value_name = "HZ", value_parser = number)]
    pub rate: Option<f32>,
    /// auto, terminal, png, spi, screen or none.
    #[arg(long, value_name = "KIND")]
    pub display: Option<String>,
    /// The file that the png display writes.
    #[arg(long, value_name = "FILE")]
    pub display_path: Option<PathBuf>,
    /// A serial port with a satellite; else those found at USB (off: none).
    #[arg(long, value_name = "PORT")]
    pub satellite: Option<String>,
    /// The broker, mqtt://host:port; without one an embedded broker starts on loopback.
    #[arg(long, value_name = "URL")]
    pub mqtt: Option<String>,
    /// Publish nothing and start no broker.
    #[arg(long, conflicts_with = "mqtt")]
    pub no_mqtt: bool,
    /// Where the page is served, such as 127.0.0.1:8080; 0.0.0.0:8080 is the network and needs a password.
    #[arg(long, value_name = "ADDRESS")]
    pub web: Option<String>,
    /// Serve no page.
    #[arg(long, conflicts_with = "web")]
    pub no_web: bool,
}

impl RunArgs {
    /// The flags as settings.
    pub fn overrides(&self) -> Overrides {
        Overrides::default()
            .set("camera.source", self.source.as_ref())
            .set("camera.loop", self.repeat.then_some(true))
            .set("camera.rate", self.rate)
            .set("display.kind", self.display.as_ref())
            .set("display.path", self.display_path.as_ref())
            .set("satellite.port", self.satellite.as_ref())
            .set("mqtt.url", self.mqtt.as_ref())
            .set("mqtt.enabled", self.no_mqtt.then_some(false))
            .set("web.listen", self.web.as_ref())
            .set("web.enabled", self.no_web.then_some(false))
    }
}

/// `watch`.
#[derive(Args, Debug)]
pub struct WatchArgs {
    #[command(flatten)]
    #[allow(missing_docs)] // clap would show it as help
    pub config: ConfigArgs,
    /// As with run: auto, /dev/videoN, rpicam, argus, cmd:COMMAND, http://..., a picture, a folder, a video file, synthetic.
    #[arg(long, value_name = "SRC")]
    pub source: Option<String>,
    /// Play files and folders again and again.
    #[arg(long = "loop")]
    pub repeat: bool,
    /// Frames a second to ask for.
    #[arg(long, value_name = "HZ", value_parser = number)]
    pub rate: Option<f32>,
}

impl WatchArgs {
    /// The flags as settings. There are no broker and no page, unless the settings file that is named has a section of them.
    pub fn overrides(&self) -> Overrides {
        let file = self.config.config.as_ref();
        let text = file.and_then(|file| std::fs::read_to_string(file).ok());
        let table: toml::Table = text
            .and_then(|text| toml::from_str(&text).ok())
            .unwrap_or_default();
        let unless_named = |section| (!table.contains_key(section)).then_some(false);
        Overrides::default()
            .set("camera.source", self.source.as_ref())
            .set("camera.loop", self.repeat.then_some(true))
            .set("camera.rate", self.rate)
            .set("display.kind", Some("none"))
            .set("mqtt.enabled", unless_named("mqtt"))
            .set("web.enabled", unless_named("web"))
    }
}

/// `demo`.
#[derive(Args, Debug)]
pub struct DemoArgs {
    #[command(flatten)]
    #[allow(missing_docs)] // clap would show it as help
    pub config: ConfigArgs,
    /// auto, terminal, png, spi or screen.
    #[arg(long, value_name = "KIND")]
    pub display: Option<String>,
    /// The file that the png display writes.
    #[arg(long, value_name = "FILE")]
    pub display_path: Option<PathBuf>,
    /// Write 40 seconds of the drawn camera, and of the face beside it, as an animated PNG to this file, and end.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["display", "display_path"])]
    pub animate: Option<PathBuf>,
}

impl DemoArgs {
    /// The flags as settings.
    pub fn overrides(&self) -> Overrides {
        Overrides::default()
            .set("display.kind", self.display.as_ref())
            .set("display.path", self.display_path.as_ref())
    }
}

/// `follow`.
#[derive(Args, Debug)]
pub struct FollowArgs {
    #[command(flatten)]
    #[allow(missing_docs)] // clap would show it as help
    pub config: ConfigArgs,
    /// The device to follow: its topics without their last part, such as moodring/hall (moodring/hall/state works too).
    #[arg(value_name = "TOPIC", value_parser = topic)]
    pub topic: String,
    /// auto, terminal, png or none.
    #[arg(long, value_name = "KIND")]
    pub display: Option<String>,
    /// The file that the png display writes.
    #[arg(long, value_name = "FILE")]
    pub display_path: Option<PathBuf>,
    /// A serial port with a satellite; else those found at USB (off: none).
    #[arg(long, value_name = "PORT")]
    pub satellite: Option<String>,
    /// The broker, mqtt://host:port; without one that of this machine.
    #[arg(long, value_name = "URL")]
    pub mqtt: Option<String>,
}

impl FollowArgs {
    /// The flags as settings.
    pub fn overrides(&self) -> Overrides {
        Overrides::default()
            .set("display.kind", self.display.as_ref())
            .set("display.path", self.display_path.as_ref())
            .set("satellite.port", self.satellite.as_ref())
            .set("mqtt.url", self.mqtt.as_ref())
    }
}
