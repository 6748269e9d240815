//! Slows the ageing of a display: it dims and goes dark while nobody is in view, and a picture on glass that ages moves a
//! little. Time comes in as data.

use embedded_graphics::prelude::Point;
use moodring_base::snapshot::{CameraState, Snapshot};
use moodring_core::{frame::Millis, mood::Mood};

/// How long a picture stays at one place.
const STEP_MS: u64 = 60_000;
/// The places, each one pixel from the one before.
const PLACES: [(i32, i32); 8] = [
    (0, 0),
    (1, 0),
    (1, 1),
    (0, 1),
    (-1, 1),
    (-1, 0),
    (-1, -1),
    (0, -1),
];

/// Where a picture stands at `now`, in pixels from its place.
pub(super) fn pixel_shift(now: Millis) -> Point {
    // The remainder is below 8.
    let (x, y) = PLACES[(now.0 / STEP_MS % PLACES.len() as u64) as usize];
    Point::new(x, y)
}

/// The time since somebody was last in view.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct IdleTimer {
    since: Option<Millis>,
    /// What was shown last, besides people.
    shown: Option<(CameraState, bool)>,
}

impl IdleTimer {
    /// The brightness at `now`, in percent, 0 to 100. `percent` is the setting; `None`: the display is switched off. Full
    /// while somebody is in view and for `off_s / 2` seconds after; then a quarter; 0 after `off_s` seconds. `off_s` = 0:
    /// it never dims. Switching the display on, or the camera off or losing it, begins the time anew.
    pub(super) fn brightness(
        &mut self,
        snapshot: &Snapshot,
        percent: Option<u8>,
        off_s: u32,
        now: Millis,
    ) -> u8 {
        let shown = Some((snapshot.camera, percent.is_some()));
        if self.shown != shown {
            (self.shown, self.since) = (shown, None);
        }
        let percent = percent.unwrap_or(0);
        if snapshot.people_count > 0 || snapshot.mood.mood() != Mood::Nobody {
            self.since = None;
            return percent;
        }
        let idle_ms = now.since(*self.since.get_or_insert(now));
        let off_ms = u64::from(off_s) * 1_000;
        match off_ms {
            0 => percent,
            _ if idle_ms >= off_ms => 0,
            // A display that is on stays visible.
            _ if idle_ms >= off_ms / 2 => (percent / 4).max(percent.min(1)),
            _ => percent,
        }
    }
}

#[cfg(test)]
mod tests {
    use moodring_core::{expression::Expression, mood::MoodState, track::TrackId};

    use super::*;

    fn snapshot(mood: Mood, people_count: usize) -> Snapshot {
        Snapshot {
            mood: MoodState::new(mood, 0.9, TrackId(1), Millis(0)),
            people_count,
            ..Snapshot::default()
        }
    }

    #[test]
    fn it_dims_goes_dark_and_is_back_at_the_first_face() {
        let nobody = snapshot(Mood::Nobody, 0);
        let mut timer = IdleTimer::default();
        let mut at = |snapshot: &Snapshot, s: u64| {
            timer.brightness(snapshot, Some(80), 60, Millis(s * 1_000))
        };
        let seen: Vec<_> = [5, 34, 35, 64, 65, 10_000].map(|s| at(&nobody, s)).into();
        assert_eq!(seen, [80, 80, 20, 20, 0, 0]);
        // A face that is not read yet is one.
        assert_eq!(at(&snapshot(Mood::Nobody, 1), 10_001), 80);
        assert_eq!(at(&nobody, 10_002), 80);
        assert_eq!(at(&nobody, 10_062), 0);
        let happy = snapshot(Mood::Showing(Expression::Happy), 0);
        assert_eq!(at(&happy, 10_063), 80);
    }

    #[test]
    fn a_camera_that_is_switched_or_lost_and_a_display_switched_on_wake_it() {
        let mut nobody = snapshot(Mood::Nobody, 0);
        let mut timer = IdleTimer::default();
        let mut at = |snapshot: &Snapshot, percent, s: u64| {
            timer.brightness(snapshot, percent, 60, Millis(s * 1_000))
        };
        at(&nobody, Some(80), 0);
        assert_eq!(at(&nobody, Some(80), 60), 0);
        for (state, s) in [
            (CameraState::Off, 100),
            (CameraState::Running, 200),
            (CameraState::Lost, 300),
        ] {
            nobody.camera = state;
            assert_eq!(at(&nobody, Some(80), s), 80, "{state:?}");
            assert_eq!(at(&nobody, Some(80), s + 60), 0, "{state:?}");
        }
        assert_eq!(at(&nobody, None, 400), 0);
        assert_eq!(at(&nobody, Some(80), 401), 80);
        // The night's brightness alone wakes nobody.
        assert_eq!(at(&nobody, Some(15), 461), 0);
        assert_eq!(at(&nobody, Some(80), 462), 0);
    }

    #[test]
    fn never_is_never_and_dim_is_not_dark() {
        let nobody = snapshot(Mood::Nobody, 0);
        let mut timer = IdleTimer::default();
        let mut at = |percent, off_s, s| timer.brightness(&nobody, Some(percent), off_s, Millis(s));
        assert_eq!(at(100, 0, 0), 100);
        assert_eq!(at(100, 0, u64::MAX / 2), 100);
        assert_eq!(at(3, 10, u64::MAX / 2), 0);
        let mut timer = IdleTimer::default();
        timer.brightness(&nobody, Some(3), 10, Millis(0));
        assert_eq!(timer.brightness(&nobody, Some(3), 10, Millis(5_000)), 1);
        assert_eq!(timer.brightness(&nobody, Some(0), 10, Millis(5_000)), 0);
    }

    #[test]
    fn a_picture_goes_one_pixel_a_minute_and_never_far() {
        let mut last = pixel_shift(Millis(0));
        for minute in 1..100 {
            let next = pixel_shift(Millis(minute * 60_000));
            assert_eq!((next - last).x.abs() + (next - last).y.abs(), 1);
            assert_eq!(next, pixel_shift(Millis(minute * 60_000 + 59_999)));
            assert!(next.x.abs() <= 1 && next.y.abs() <= 1);
            last = next;
        }
    }
}
