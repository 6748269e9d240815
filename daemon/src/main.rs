//! Reads the command line, does it, and ends with its code.

use std::process::ExitCode;

use clap::Parser;
use moodring::{cli::Cli, commands};

fn main() -> ExitCode {
    commands::dispatch(Cli::parse()).into()
}
