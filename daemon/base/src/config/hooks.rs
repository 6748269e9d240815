//! `[hooks]`: a program that is started at each change.

use serde::{Deserialize, Serialize};

use super::{ConfigError, error::range};

/// The hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HookSettings {
    /// The program and its arguments; empty: none.
    pub on_change: Vec<String>,
    /// At most so many of them at once; changes beyond are left out.
    pub at_once: usize,
    /// Seconds after which one is ended.
    pub timeout_s: u32,
}

impl Default for HookSettings {
    fn default() -> Self {
        Self {
            on_change: Vec::new(),
            at_once: 4,
            timeout_s: 10,
        }
    }
}

impl HookSettings {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let program = self.on_change.first().map_or("/", String::as_str);
        range(
            program.starts_with('/'),
            "hooks.on_change",
            format!("`{program}`"),
            "a list of a program with its whole path, and its arguments, such as [\"/usr/local/bin/wave\", \"--fast\"]; \
             there is no shell",
        )?;
        range(
            (1..=16).contains(&self.at_once),
            "hooks.at_once",
            self.at_once,
            "1 to 16",
        )?;
        range(
            (1..=600).contains(&self.timeout_s),
            "hooks.timeout_s",
            self.timeout_s,
            "1 to 600 seconds",
        )
    }
}
