//! Wall-clock times of messages. The wall clock is read by the caller, together with the run's own clock.

use std::time::{Duration, SystemTime};

use moodring_core::frame::Millis;

/// One point in time on both clocks, read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock.
    pub wall: SystemTime,
    /// The run's clock.
    pub run: Millis,
}

impl Moment {
    /// The wall clock at another point on the run's clock, if the wall clock was not set in between.
    pub fn wall_at(self, run: Millis) -> SystemTime {
        let shifted = if run >= self.run {
            let later = Duration::from_millis(run.since(self.run));
            self.wall.checked_add(later)
        } else {
            let earlier = Duration::from_millis(self.run.since(run));
            self.wall.checked_sub(earlier)
        };
        shifted.unwrap_or(self.wall)
    }
}

/// A time as RFC 3339 in UTC with milliseconds: `2026-11-22T03:52:03.123Z`.
///
/// Times before 1970 and after 9999 (a machine without a clock) become 1970-01-01.
pub fn rfc3339(wall: SystemTime) -> String {
    let since = wall
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let ms = i64::try_from(since.as_millis()).ok();
    let time = ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    format!("{:.3}", time.unwrap_or(jiff::Timestamp::UNIX_EPOCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, ms: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(ms)
    }

    #[test]
    fn known_dates() {
        assert_eq!(rfc3339(at(0, 0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(at(951_782_400, 7)), "2000-02-29T00:00:00.007Z");
        assert_eq!(rfc3339(at(1_795_319_523, 999)), "2026-11-22T03:52:03.999Z");
    }

    #[test]
    fn times_out_of_range_do_not_panic() {
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(5);
        assert_eq!(rfc3339(before), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            rfc3339(at(u64::from(u32::MAX) * 4_000, 0)),
            "1970-01-01T00:00:00.000Z"
        );
    }

    #[test]
    fn the_two_clocks_go_together() {
        let now = Moment {
            wall: at(100, 0),
            run: Millis(5_000),
        };
        assert_eq!(now.wall_at(Millis(4_000)), at(99, 0));
        assert_eq!(now.wall_at(Millis(5_001)), at(100, 1));
    }
}
