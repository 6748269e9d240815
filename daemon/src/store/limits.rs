//! How much the store keeps.

/// Bounds of outbox and history. Above them telemetry goes before events, and the oldest first.
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
