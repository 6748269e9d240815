//! Decides whether the wall clock can be trusted: a machine without a battery starts in the past, and a clock may be
//! set at any time. Nothing is deleted for its age until the clock has run evenly for an hour. Times come in as data.

/// The clock was set if it went further than the time that passed by so much.
const JUMP_MS: i64 = 30_000;
/// It must go evenly for so long before anything is deleted.
const PLAUSIBLE_MS: i64 = 3_600_000;
/// Unless it goes on from where earlier runs saw it, at most so much later.
const GOES_ON_MS: i64 = 8 * 24 * 3_600_000;
/// Times before this are those of a clock that nobody set.
pub(super) const DATED_MS: i64 = 1_577_836_800_000; // 2020-01-01

/// What is known of it. Times are milliseconds: `uptime` since the machine started, asleep or not; `wall` since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct WallClock {
    last: Reading,
    even_since_ms: i64,
    goes_on: bool,
}

/// Both clocks, read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) uptime_ms: i64,
    pub(super) wall_ms: i64,
}

impl WallClock {
    /// A run begins; an earlier one saw the clock there last, when it could be relied on.
    pub(super) fn begin(now: Reading, seen_ms: Option<i64>) -> Self {
        Self {
            last: now,
            even_since_ms: now.uptime_ms,
            goes_on: seen_ms.is_some_and(|seen| {
                (seen..=seen.saturating_add(GOES_ON_MS)).contains(&now.wall_ms)
            }),
        }
    }

    /// By how much the clock was set since the last look; 0 if it was not.
    pub(super) fn look(&mut self, now: Reading) -> i64 {
        let passed = now.uptime_ms.saturating_sub(self.last.uptime_ms);
        let expected = self.last.wall_ms.saturating_add(passed);
        let set_by = now.wall_ms.saturating_sub(expected);
        self.last = now;
        if set_by.saturating_abs() < JUMP_MS {
            return 0;
        }
        (self.even_since_ms, self.goes_on) = (now.uptime_ms, false);
        set_by
    }

    /// Whether ages may be judged by it.
    pub(super) fn is_plausible(&self) -> bool {
        let even_ms = self.last.uptime_ms.saturating_sub(self.even_since_ms);
        self.last.wall_ms >= DATED_MS && (self.goes_on || even_ms >= PLAUSIBLE_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000_000;
    const DAY: i64 = 24 * 3_600_000;
    const HOUR: i64 = 3_600_000;

    fn at(uptime_ms: i64, wall_ms: i64) -> Reading {
        Reading { uptime_ms, wall_ms }
    }

    #[test]
    fn a_clock_is_relied_on_after_an_even_hour() {
        let mut clock = WallClock::begin(at(0, NOW), None);
        assert!(!clock.is_plausible());
        assert_eq!(clock.look(at(HOUR - 1, NOW + HOUR - 1)), 0);
        assert!(!clock.is_plausible());
        assert_eq!(clock.look(at(HOUR, NOW + HOUR + 5_000)), 0, "slewed");
        assert!(clock.is_plausible());
        // Ten years ahead for eight seconds.
        let ahead = 3_650 * DAY;
        assert_eq!(clock.look(at(HOUR, NOW + HOUR + 5_000 + ahead)), ahead);
        assert!(!clock.is_plausible());
        assert_eq!(clock.look(at(HOUR + 8_000, NOW + HOUR + 13_000)), -ahead);
        assert!(!clock.is_plausible());
        clock.look(at(2 * HOUR + 8_000, NOW + 2 * HOUR + 13_000));
        assert!(clock.is_plausible());
    }

    #[test]
    fn a_clock_that_goes_on_is_relied_on_at_once() {
        for (seen, plausible) in [
            (NOW, true),
            (NOW - 7 * DAY, true),
            (NOW - 60 * DAY, false),
            (NOW + 1, false),
        ] {
            assert_eq!(
                WallClock::begin(at(0, NOW), Some(seen)).is_plausible(),
                plausible,
                "{seen}"
            );
        }
        assert!(
            !WallClock::begin(at(0, HOUR), Some(0)).is_plausible(),
            "1970"
        );
        // 60 days behind at the start, then set right.
        let mut clock = WallClock::begin(at(0, NOW - 60 * DAY), Some(NOW - 1));
        assert!(!clock.is_plausible());
        assert_eq!(clock.look(at(5_000, NOW + 5_000)), 60 * DAY);
        assert!(!clock.is_plausible());
    }
}
