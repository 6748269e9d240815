//! The command line, by clap: the subcommands, and the flags that several of them share. Only data and help texts;
//! `commands` does the work.

mod live;
mod maintenance;
mod measure;
mod model;
mod pictures;
mod show;
mod simulate;
mod value;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use live::{DemoArgs, FollowArgs, RunArgs, WatchArgs};
pub use maintenance::{DevicesArgs, GenerateArgs, ShowConfigArgs};
pub use measure::{BenchArgs, BenchInput, EvalArgs};
pub use model::{BundleArgs, InstallArgs, ModelCommand, NetKind, PackArgs, RollbackArgs};
pub use pictures::{AnalyzeArgs, CropArgs, PhotoArgs};
pub use show::ShowArgs;
pub use simulate::SimulateArgs;

/// Reads facial expressions from a camera on this device, shows the matching emoji, and publishes the mood by MQTT.
///
/// Pictures stay in memory: nothing is stored or sent but the expression.
#[derive(Debug, Parser)]
#[command(name = "moodring", version, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  moodring run                               the daemon: first camera, live view, broker on this machine
  moodring run --source synthetic            the same without a camera: a drawn face
  moodring run --source photos/ --loop       play a folder of pictures
  moodring analyze photo.jpg                 every face in a photo and its expression
  moodring analyze photos/ --json            the same, one JSON object a line
  moodring follow moodring/hall --mqtt mqtt://broker.local     show the mood of the device called hall
  moodring watch                             each change as a line of JSON, for another program
  moodring doctor                            what is wrong here, and how to mend it

Settings: `moodring config` prints every key with its default. Logs: MOODRING_LOG__LEVEL=debug.";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch a camera: show the mood and publish it.
    Run(RunArgs),
    /// Photos: every face and its expression.
    Analyze(AnalyzeArgs),
    /// Pictures that are face crops already: their expression.
    Classify(CropArgs),
    /// Photos: faces and landmarks only.
    Detect(PhotoArgs),
    /// Measure accuracy on labelled face crops: a folder per class, or a fer2013.csv.
    Eval(EvalArgs),
    /// Measure milliseconds per stage on this machine.
    Bench(BenchArgs),
    /// Show the emoji of an expression, or of all.
    Show(ShowArgs),
    /// Show another device's mood here; needs no camera.
    Follow(FollowArgs),
    /// Watch a camera and print each change as a line of JSON; for programs that start this one.
    Watch(WatchArgs),
    /// Show every mood on the display, one after the other; needs no camera.
    Demo(DemoArgs),
    /// List the cameras found.
    #[command(after_help = format!("They are read by the crate {}.", moodring_camera::devices::BACKEND))]
    Devices(DevicesArgs),
    /// Find what is wrong on this machine, and say how to mend it.
    Doctor(ConfigArgs),
    /// Print the documented default settings, or check a file.
    Config(ShowConfigArgs),
    /// The nets: look into them, test them, install newer ones, make them from ONNX.
    #[command(subcommand)]
    Model(ModelCommand),
    /// Write man pages and shell completions; for packages.
    #[command(hide = true)]
    Generate(GenerateArgs),
    /// Try a broker out with many made-up devices, and see whether all of their events arrive.
    Simulate(SimulateArgs),
}

/// Which settings.
#[derive(Args, Clone, Debug, Default)]
pub struct ConfigArgs {
    /// The settings file; else ./moodring.toml, else /etc/moodring/moodring.toml, else the defaults.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn clap_finds_no_contradiction() {
        Cli::command().debug_assert();
    }
}
