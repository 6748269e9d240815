//! `[store]`: where events wait until the broker has them, and how long the history is.

use serde::{Deserialize, Serialize};

use super::{ConfigError, error::range};

/// The local store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSettings {
    /// The file; empty for the usual place, `memory` for none.
    pub path: String,
    /// Days to keep the history.
    pub days: u32,
    /// The most events that may wait for the broker.
    pub waiting: u32,
    /// The most days that they may wait.
    pub waiting_days: u32,
    /// The most megabytes that they may take.
    pub waiting_mb: u32,
    /// The folder for a copy of a file that lies in RAM; empty: no copy.
    pub copy: String,
    /// Minutes between two copies.
    pub copy_minutes: u64,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            path: String::new(),
            days: 30,
            waiting: 100_000,
            waiting_days: 30,
            waiting_mb: 64,
            copy: String::new(),
            copy_minutes: 60,
        }
    }
}

impl StoreSettings {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let decade =
            |key, days: u32| range((1..=3_650).contains(&days), key, days, "1 to 3650 days");
        decade("store.days", self.days)?;
        decade("store.waiting_days", self.waiting_days)?;
        let count = (100..=10_000_000).contains(&self.waiting);
        range(
            count,
            "store.waiting",
            self.waiting,
            "100 to 10000000 events",
        )?;
        let size = (1..=4_096).contains(&self.waiting_mb);
        range(size, "store.waiting_mb", self.waiting_mb, "1 to 4096 MB")?;
        let of_a_file = !matches!(self.path.trim(), "" | "memory") && self.copy != self.path;
        range(
            self.copy.is_empty() || of_a_file,
            "store.copy",
            format!("`{}`", self.copy),
            "empty, or another file than store.path, which names a file in RAM such as /run/moodring/moodring.db",
        )?;
        range(
            (1..=10_080).contains(&self.copy_minutes),
            "store.copy_minutes",
            self.copy_minutes,
            "1 to 10080 minutes",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_name_their_key() {
        let wrong = StoreSettings {
            waiting: 5,
            ..StoreSettings::default()
        };
        let error = wrong.validate().unwrap_err().to_string();
        assert!(error.contains("store.waiting"), "{error}");
    }
}
