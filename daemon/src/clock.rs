//! The one clock of a run. Everything below the daemon gets its times as data.

use std::time::Instant;

use moodring_core::frame::Millis;

/// Milliseconds since the run began; all threads share one copy.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that begins now.
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// The time since the beginning.
    pub fn now(&self) -> Millis {
        // 2^64 ms are 600 million years.
        Millis(self.start.elapsed().as_millis() as u64)
    }
}
