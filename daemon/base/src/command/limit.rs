//! Limits how often one sender may ask. Times come in as data.

use std::time::{Duration, Instant};

use super::mailbox::TooMany;

/// So many requests at once,
const BURST: u32 = 20;
/// and so many a second after that: more than a slider makes.
const PER_SECOND: u32 = 10;
/// A flood is logged once in so long.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// A sender's requests of the last seconds.
#[derive(Debug)]
pub(super) struct Limit {
    left: f32,
    since: Option<Instant>,
    ignored: u64,
    logged: Option<Instant>,
}

impl Default for Limit {
    fn default() -> Self {
        Self {
            left: BURST as f32,
            since: None,
            ignored: 0,
            logged: None,
        }
    }
}

impl Limit {
    /// One more request, now.
    ///
    /// # Errors
    /// [`TooMany`] if there were too many.
    pub(super) fn take(&mut self, now: Instant, name: &str) -> Result<(), TooMany> {
        let passed = self
            .since
            .map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        self.since = Some(now);
        self.left = (self.left + passed.as_secs_f32() * PER_SECOND as f32).min(BURST as f32);
        if self.left >= 1.0 {
            self.left -= 1.0;
            return Ok(());
        }
        self.ignored += 1;
        if self
            .logged
            .is_none_or(|logged| now.saturating_duration_since(logged) >= LOG_EVERY)
        {
            self.logged = Some(now);
            tracing::warn!(
                "{name} sends more than {PER_SECOND} requests a second: {} ignored so far; switching the camera off always works",
                self.ignored
            );
        }
        Err(TooMany)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_a_flood_does_not() {
        let (mut limit, begin) = (Limit::default(), Instant::now());
        let mut passed = |ms: u64, requests: usize| {
            let now = begin + Duration::from_millis(ms);
            (0..requests)
                .filter(|_| limit.take(now, "test").is_ok())
                .count()
        };
        assert_eq!(passed(0, 1_000), 20);
        assert_eq!(passed(1_000, 1_000), 10);
        assert_eq!(passed(60_000, 1_000), 20);
    }
}
