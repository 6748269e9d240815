//! Standard output of one-shot commands. A failed write, on a full disk for instance, is reported and ends
//! the command with code 6; a reader who has seen enough (`| head`) ends it quietly.

use std::{
    fmt,
    io::{self, Write},
};

use moodring_base::exit::Exit;

use super::Failure;

/// `println!` whose failures are reported.
macro_rules! out {
    ($($text:tt)*) => { $crate::commands::stdout::print(format_args!("{}\n", format_args!($($text)*))) };
}

/// `print!` whose failures are reported.
macro_rules! out_part {
    ($($text:tt)*) => { $crate::commands::stdout::print(format_args!($($text)*)) };
}

pub(super) use {out, out_part};

/// Prints, or ends the program.
pub(super) fn print(text: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    // The flush too: the text may not end with a line's end.
    let written = out.write_fmt(text).and_then(|()| out.flush());
    if let Err(failure) = check(written) {
        // Nothing is half done that a destructor would mend: files are replaced as a whole.
        std::process::exit(failure.report() as i32);
    }
}

/// The outcome of writing to standard output as a command's own: a closed pipe is its end, not a failure.
///
/// # Errors
/// The [`Failure`] with the reason, or the one that ends the program quietly.
pub(super) fn check(written: io::Result<()>) -> Result<(), Failure> {
    written.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::new(Exit::Done, ""),
        _ => Failure::output(format!(
            "cannot write standard output: {error}. What was written so far is not whole"
        )),
    })
}
