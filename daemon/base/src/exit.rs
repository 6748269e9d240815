//! Exit codes: one enum, so that scripts and systemd units can rely on the numbers.

use std::process::ExitCode;

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All work was done, or SIGINT or SIGTERM stopped it.
    Done = 0,
    /// Some inputs could not be read; the others were.
    SomeFailed = 1,
    /// Wrong command line (clap's own code).
    Usage = 2,
    /// The configuration has a wrong key, type or range.
    Config = 3,
    /// The source (camera, file, child, address) cannot be opened, or ended with an error.
    Source = 4,
    /// A model file is missing, broken or of the wrong kind.
    Model = 5,
    /// An output cannot be used (display, port of the embedded broker, file to write).
    Output = 6,
    /// `doctor` found something that needs mending.
    Unwell = 7,
    /// A part of the daemon could not be kept going; started anew it may.
    Broken = 8,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_part_of_the_interface() {
        let all = [
            Exit::Done,
            Exit::SomeFailed,
            Exit::Usage,
            Exit::Config,
            Exit::Source,
            Exit::Model,
            Exit::Output,
            Exit::Unwell,
            Exit::Broken,
        ];
        assert_eq!(all.map(|e| e as u8), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
