//! `[events]`: limits on how often events are published.

use serde::{Deserialize, Serialize};

use super::{ConfigError, error::range};

/// Limits of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventSettings {
    /// The shortest time between two changes of mood, in milliseconds; changes in between become one.
    pub gap_ms: u32,
    /// How long a number of people must hold before it is published, in milliseconds.
    pub crowd_ms: u32,
    /// Seconds between summaries; 0 for none.
    pub summary_s: u32,
}

impl Default for EventSettings {
    fn default() -> Self {
        Self {
            gap_ms: 500,
            crowd_ms: 1_000,
            summary_s: 900,
        }
    }
}

impl EventSettings {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let minute = |key, ms: u32| range(ms <= 60_000, key, ms, "0 to 60000 milliseconds");
        minute("events.gap_ms", self.gap_ms)?;
        minute("events.crowd_ms", self.crowd_ms)?;
        let summary = self.summary_s == 0 || (10..=86_400).contains(&self.summary_s);
        range(
            summary,
            "events.summary_s",
            self.summary_s,
            "0, or 10 to 86400 seconds",
        )
    }
}
