//! `simulate`: many made-up devices at a broker.

use clap::Args;
use moodring_base::config::Overrides;

use super::{ConfigArgs, value::event_rate};

/// `simulate`.
#[derive(Args, Debug)]
#[command(after_help = SIMULATING)]
pub struct SimulateArgs {
    #[command(flatten)]
    #[allow(missing_docs)] // clap would show it as help
    pub config: ConfigArgs,
    /// How many devices; they are called sim-00000 and on.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub devices: u32,
    /// Events a second of each device.
    #[arg(long, value_name = "HZ", default_value_t = 1.0, value_parser = event_rate)]
    pub rate: f32,
    /// For how many seconds, after the last device has started (200 a second do).
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: u64,
    /// The broker, mqtt://host:port, or a cluster's, separated by commas; else the settings', else that of this machine.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Listen, too: count what is missing or came twice, and how long it took. Ends with code 1 if anything is missing.
    #[arg(long)]
    pub check: bool,
    /// Only listen, for --seconds, to whatever devices there are.
    #[arg(long, conflicts_with_all = ["devices", "rate", "check"])]
    pub listen: bool,
    /// Let the broker keep what comes while the listener's connection is away, until the listener ends.
    #[arg(long)]
    pub session: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

const SIMULATING: &str = "The devices run the real client with made-up moods, all in this process. Each needs a file descriptor: `ulimit -n 8192`.
A broker may drop what a slow listener has not fetched: mosquitto wants `max_queued_messages 0` for --check.

Examples:
  moodring simulate --devices 1000 --rate 2 --seconds 300 --url mqtt://broker.local --check
  moodring simulate --listen --seconds 3600 --url mqtt://broker.local";

impl SimulateArgs {
    /// The flags as settings.
    pub fn overrides(&self) -> Overrides {
        // Without an address: the broker of this machine, never one of our own.
        Overrides::default().set("mqtt.url", self.url.as_ref())
    }
}
