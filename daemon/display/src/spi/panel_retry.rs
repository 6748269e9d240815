//! When to try a failed panel again: soon at first, then less and less often. Time comes in as data.

use moodring_core::frame::Millis;

use super::super::DisplayError;

/// The first and the longest wait before a panel that failed is opened again; doubled in between.
const BACKOFF_MS: (u64, u64) = (500, 30_000);

/// The retry timer of a panel.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PanelRetry {
    /// The time of the next try, and the last wait; `None` while the panel works.
    wait: Option<(Millis, u64)>,
}

impl PanelRetry {
    /// Whether it is too early to try.
    pub(crate) fn rests(&self, now: Millis) -> bool {
        self.wait.is_some_and(|(until, _)| now < until)
    }

    /// Records a failure; true for the first one of an outage.
    pub(crate) fn fail(&mut self, now: Millis) -> bool {
        let wait_ms = self
            .wait
            .map_or(BACKOFF_MS.0, |(_, last)| (last * 2).min(BACKOFF_MS.1));
        let first = self.wait.is_none();
        self.wait = Some((Millis(now.0 + wait_ms), wait_ms));
        first
    }

    /// Records how a display with this name showed at `now`. Only the first failure of an outage is returned; later ones are
    /// logged at debug level, and the outage's end is logged.
    pub(crate) fn first_failure(
        &mut self,
        name: &str,
        shown: Result<(), DisplayError>,
        now: Millis,
    ) -> Result<(), DisplayError> {
        let Err(error) = shown else {
            if self.end() {
                tracing::info!("display {name} is back");
            }
            return Ok(());
        };
        if self.fail(now) {
            return Err(error);
        }
        tracing::debug!("{error}");
        Ok(())
    }

    /// Records a success; true if the panel had failed before.
    pub(crate) fn end(&mut self) -> bool {
        self.wait.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_and_begin_anew() {
        let mut retry = PanelRetry::default();
        let (mut now, mut waits) = (Millis(0), Vec::new());
        for round in 0..9 {
            assert!(!retry.rests(now));
            assert_eq!(retry.fail(now), round == 0, "only the first is reported");
            let begin = now;
            while retry.rests(now) {
                now.0 += 100;
            }
            waits.push(now.since(begin));
        }
        assert_eq!(
            waits,
            [
                500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000
            ]
        );
        assert!(retry.end() && !retry.end());
        let gone = || Err(DisplayError::show("oled", "no answer"));
        assert!(retry.first_failure("oled", gone(), now).is_err());
        assert!(
            retry.first_failure("oled", gone(), now).is_ok(),
            "reported already"
        );
        assert!(retry.first_failure("oled", Ok(()), now).is_ok());
        assert!(
            retry.first_failure("oled", gone(), now).is_err(),
            "another outage"
        );
        assert!(retry.rests(Millis(now.0 + 499)) && !retry.rests(Millis(now.0 + 500)));
    }
}
