//! The flags of `devices`, `config`, and the hidden `generate`. `doctor` has none of its own.

use std::path::PathBuf;

use clap::Args;

/// `devices`.
#[derive(Args, Debug)]
pub struct DevicesArgs {
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// `config`.
#[derive(Args, Debug)]
pub struct ShowConfigArgs {
    /// Check this file and print what results from it, the environment and the defaults.
    #[arg(long, value_name = "FILE")]
    pub check: Option<PathBuf>,
    /// Ask for the page's password (at the terminal, or the first line of standard input) and set it in FILE; without FILE
    /// print the lines for it.
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with = "check")]
    pub password: Option<Option<PathBuf>>,
}

/// `generate`.
#[derive(Args, Debug)]
pub struct GenerateArgs {
    /// The folder to write `man` and `completions` into.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}
