//! Files that are none.

use std::{path::Path, process::Command};

/// Makes a named pipe, which blocks whoever opens it.
///
/// # Panics
/// If it cannot be made.
pub fn named_pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(
        made.expect("mkfifo is there").success(),
        "{}",
        path.display()
    );
}
