//! Parses the command line, runs the command, and exits with its code.

use std::process::ExitCode;

use clap::Parser;
use moodring::{cli::Cli, commands};

fn main() -> ExitCode {
    commands::dispatch(Cli::parse()).into()
}
