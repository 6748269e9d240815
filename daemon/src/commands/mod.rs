//! What each subcommand does. Results go to standard output, errors and logs to standard error.

mod bench;
mod classify;
mod config;
mod demo;
mod devices;
mod doctor;
mod eval;
mod follow;
mod generate;
mod model;
mod overlays;
mod photos;
mod pictures;
mod record;
mod run;
mod show;
mod show_on_display;
mod simulate;
mod stdout;
mod watch;

use std::{
    io::{IsTerminal, Write},
    path::Path,
};

use moodring_base::{
    config::{ConfigError, Overrides, Settings, load},
    exit::Exit,
};
use moodring_vision::VisionError;

use crate::cli::{Cli, Command};

/// Runs the command and returns its exit code.
pub fn dispatch(cli: Cli) -> Exit {
    moodring_base::process_limits::forbid_core_files();
    if !matches!(
        cli.command,
        Command::Run(_)
            | Command::Demo(_)
            | Command::Watch(_)
            | Command::Follow(_)
            | Command::Simulate(_)
    ) {
        // `| head` ends a command quietly. Those that hold connections go on: theirs come and go.
        sigpipe::reset();
    }
    let ended = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Analyze(args) => photos::analyze(&args),
        Command::Detect(args) => photos::detect(&args),
        Command::Classify(args) => classify::classify(&args),
        Command::Eval(args) => eval::eval(&args),
        Command::Bench(args) => bench::bench(&args),
        Command::Show(args) => show::show(&args),
        Command::Follow(args) => follow::follow(&args),
        Command::Watch(args) => watch::watch(&args),
        Command::Demo(args) => demo::demo(&args),
        Command::Devices(args) => devices::devices(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Config(args) => config::config(&args),
        Command::Model(command) => model::model(&command),
        Command::Generate(args) => generate::generate(&args),
        Command::Simulate(args) => simulate::simulate(&args),
    };
    ended.unwrap_or_else(Failure::report)
}

/// Why a command ended early, and its exit code.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    text: String,
}

impl Failure {
    /// A failure with this code.
    pub fn new(exit: Exit, text: impl ToString) -> Self {
        Self {
            exit,
            text: text.to_string(),
        }
    }

    /// Prints it on standard error; returns the code to end with.
    fn report(self) -> Exit {
        if !self.text.is_empty() {
            // Nobody may read it.
            let _ = writeln!(std::io::stderr(), "moodring: {}", self.text);
        }
        self.exit
    }

    /// An output that cannot be used.
    pub fn output(text: impl ToString) -> Self {
        Self::new(Exit::Output, text)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(Exit::Config, error)
    }
}

impl From<VisionError> for Failure {
    fn from(error: VisionError) -> Self {
        match error {
            VisionError::NotBuiltIn(_)
            | VisionError::NoOnnx(_)
            | VisionError::Settings(_)
            | VisionError::Kernel { .. } => Self::new(Exit::Config, error),
            VisionError::Model { .. }
            | VisionError::Onnx { .. }
            | VisionError::Runtime(_)
            | VisionError::Net(_) => Self::new(Exit::Model, error),
        }
    }
}

/// The settings for a command that works through files and then ends; warnings go to standard error.
fn quiet_settings(file: Option<&Path>, flags: &Overrides) -> Result<Settings, Failure> {
    let (settings, _) = load(file, flags)?;
    crate::logs::to_stderr("warn");
    Ok(settings)
}

/// A progress bar on standard error; hidden if it is no terminal, or if results are printed line by line.
fn progress(total: usize, wanted: bool) -> indicatif::ProgressBar {
    if !wanted || total < 20 || !std::io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let style =
        indicatif::ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec} {eta} left");
    let bar = indicatif::ProgressBar::new(total as u64);
    bar.with_style(style.unwrap_or_else(|_| indicatif::ProgressStyle::default_bar()))
}
