//! The one clock of a run. All logic gets its times from here, as data.

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

/// The minute of the day where the device stands, 0 to 1439: its time zone is the system's.
pub fn minute_of_day() -> u16 {
    let now = jiff::Zoned::now();
    // At most 23 * 60 + 59.
    now.hour() as u16 * 60 + now.minute() as u16
}
