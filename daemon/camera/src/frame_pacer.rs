//! Waits for the next frame's time when files are played; a shutdown ends the wait.

use std::time::{Duration, Instant};

use moodring_base::shutdown::Shutdown;

/// The longest wait between two looks at whether to end.
pub(super) const STOP_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// Plays at a rate. A late reader gets no frames in a hurry: a missed moment is skipped.
#[derive(Debug)]
pub(super) struct FramePacer {
    period: Duration,
    due: Option<Instant>,
    stop: Shutdown,
}

impl FramePacer {
    /// A pace of `rate_hz`, held between one in 100 seconds and 1000 a second.
    pub(super) fn new(rate_hz: f32, stop: Shutdown) -> Self {
        // NaN would pass through clamp.
        let rate = if rate_hz.is_finite() { rate_hz } else { 30.0 };
        Self {
            period: Duration::from_secs_f32(1.0 / rate.clamp(0.01, 1000.0)),
            due: None,
            stop,
        }
    }

    /// Waits for the next moment (the first is now); `false` if it was called off.
    pub(super) fn wait(&mut self) -> bool {
        let now = Instant::now();
        let due = self.due.unwrap_or(now);
        let going = self.stop.sleep_until(due);
        self.due = Some((due + self.period).max(now));
        going
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_holds_its_rate_and_gives_up_at_a_shutdown() {
        let stop = Shutdown::default();
        let mut pace = FramePacer::new(200.0, stop.clone());
        let begin = Instant::now();
        assert!((0..5).all(|_| pace.wait()));
        assert!(
            begin.elapsed() >= Duration::from_millis(19),
            "four periods of 5 ms"
        );
        let mut slow = FramePacer::new(0.01, stop.clone());
        assert!(slow.wait());
        stop.begin();
        let begin = Instant::now();
        assert!(!slow.wait());
        assert!(
            begin.elapsed() < Duration::from_secs(50),
            "not the whole 100 s"
        );
    }

    #[test]
    fn nonsense_rates_are_held_in_range() {
        for rate in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e30] {
            let period = FramePacer::new(rate, Shutdown::default()).period;
            assert!(period >= Duration::from_micros(999) && period <= Duration::from_secs(101));
        }
    }
}
