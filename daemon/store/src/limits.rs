//! The store's limits: rows and bytes that may wait for the broker, and how old they and the history may become.

use moodring_base::config::StoreSettings;

/// Limits of outbox and history. Beyond them telemetry is given up before events, and the oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreLimits {
    /// Events that may wait for the broker.
    pub waiting: u64,
    /// Bytes of their messages.
    pub waiting_bytes: u64,
    /// Milliseconds after which a waiting event is given up.
    pub waiting_ms: i64,
    /// Milliseconds that the history is kept.
    pub history_ms: i64,
}

impl StoreLimits {
    /// The limits of the settings.
    pub fn of(settings: &StoreSettings) -> Self {
        Self {
            waiting: settings.waiting.into(),
            waiting_bytes: u64::from(settings.waiting_mb) * 1_000_000,
            waiting_ms: i64::from(settings.waiting_days) * DAY_MS,
            history_ms: i64::from(settings.days) * DAY_MS,
        }
    }

    /// In memory there is less room than on a disk.
    pub(super) fn in_memory(self) -> Self {
        Self {
            waiting: self.waiting.min(10_000),
            waiting_bytes: self.waiting_bytes.min(8 << 20),
            ..self
        }
    }
}

/// A day in milliseconds.
pub const DAY_MS: i64 = 24 * 3_600 * 1_000;

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            waiting: 100_000,
            waiting_bytes: 64_000_000,
            waiting_ms: 30 * DAY_MS,
            history_ms: 30 * DAY_MS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_settings() {
        let settings = StoreSettings::default();
        assert_eq!(StoreLimits::of(&settings), StoreLimits::default());
    }
}
