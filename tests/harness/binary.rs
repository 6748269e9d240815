//! Builds the real `moodring`, as cargo would for a user, once per test program.
//!
//! `MOODRING_BIN` names another one, such as an installed package's.

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
    sync::OnceLock,
};

use serde_json::Value;

use crate::repo;

/// The binary, in the profile of these tests.
pub fn moodring() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build(!cfg!(debug_assertions)))
}

/// The optimized binary, whatever the profile of these tests.
pub fn optimized() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build(true))
}

fn build(release: bool) -> PathBuf {
    if let Some(given) = env::var_os("MOODRING_BIN") {
        return given.into();
    }
    let mut cargo = repo::cargo();
    cargo.args(["build", "--package", "moodring", "--bin", "moodring"]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    if release {
        cargo.arg("--release");
    }
    let output = cargo.stderr(Stdio::inherit()).output().expect("cargo runs");
    assert!(output.status.success(), "moodring does not build");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the binary that it built")
}
