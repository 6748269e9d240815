//! One button: turns edges into presses. Time comes in as data; a bouncing contact counts once.

use moodring_core::frame::Millis;

/// What somebody did with a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// Pressed and released.
    Short,
    /// Held; reported while it is still held.
    Long,
}

/// The limits, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ButtonTiming {
    /// How long a level must last to count.
    pub debounce_ms: u64,
    /// How long a long press takes.
    pub long_ms: u64,
}

/// A button's state.
#[derive(Clone, Copy, Debug)]
pub struct Button {
    timing: ButtonTiming,
    /// The level of the last edge, and its time.
    raw: (bool, Millis),
    /// The last level that counted.
    down: bool,
    /// When it went down; `None` once a long press was reported.
    since: Option<Millis>,
}

impl Button {
    /// A button that is not pressed.
    pub const fn new(timing: ButtonTiming) -> Self {
        Self {
            timing,
            raw: (false, Millis(0)),
            down: false,
            since: None,
        }
    }

    /// Takes an edge, which may end a press.
    pub fn edge(&mut self, pressed: bool, time: Millis) -> Option<Press> {
        // The level before this edge may have lasted long enough with no call in between.
        let press = self.pass(time);
        if pressed != self.raw.0 {
            self.raw = (pressed, time);
        }
        press
    }

    /// Takes the time, without an edge.
    pub fn pass(&mut self, now: Millis) -> Option<Press> {
        let (level, begin) = self.raw;
        if level != self.down && now.since(begin) >= self.timing.debounce_ms {
            self.down = level;
            if level {
                self.since = Some(begin);
            } else if let Some(since) = self.since.take() {
                return Some(self.kind(begin.since(since)));
            }
        }
        let since = self.since?;
        // A button that bounces while it is released is not held.
        if self.down && level && now.since(since) >= self.timing.long_ms {
            self.since = None;
            return Some(Press::Long);
        }
        None
    }

    /// When [`Button::pass`] may report something without an edge.
    pub fn wake(&self) -> Option<Millis> {
        let (level, begin) = self.raw;
        if level != self.down {
            return Some(Millis(begin.0 + self.timing.debounce_ms));
        }
        let since = self.since?;
        Some(Millis(since.0 + self.timing.long_ms))
    }

    fn kind(&self, held_ms: u64) -> Press {
        if held_ms >= self.timing.long_ms {
            Press::Long
        } else {
            Press::Short
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TIMING: ButtonTiming = ButtonTiming {
        debounce_ms: 20,
        long_ms: 1_000,
    };

    /// The presses reported for these edges, polled every millisecond until 10 s.
    fn presses(edges: &[(u64, bool)]) -> Vec<(u64, Press)> {
        let mut button = Button::new(TIMING);
        let mut reported = Vec::new();
        for ms in 0..10_000 {
            let now = Millis(ms);
            for (_, pressed) in edges.iter().filter(|(at, _)| *at == ms) {
                reported.extend(button.edge(*pressed, now).map(|press| (ms, press)));
            }
            reported.extend(button.pass(now).map(|press| (ms, press)));
        }
        reported
    }

    #[test]
    fn short_is_reported_when_it_is_released_and_long_while_it_is_held() {
        assert_eq!(presses(&[(100, true), (300, false)]), [(320, Press::Short)]);
        assert_eq!(
            presses(&[(100, true), (5_000, false)]),
            [(1_100, Press::Long)]
        );
        assert_eq!(presses(&[(100, true)]), [(1_100, Press::Long)]);
        let twice = [(100, true), (200, false), (400, true), (500, false)];
        assert_eq!(presses(&twice), [(220, Press::Short), (520, Press::Short)]);
    }

    #[test]
    fn bounces_count_once_and_spikes_never() {
        let bouncing = [
            (100, true),
            (103, false),
            (105, true),
            (109, false),
            (110, true),
            (300, false),
            (304, true),
            (307, false),
        ];
        assert_eq!(presses(&bouncing), [(327, Press::Short)]);
        assert_eq!(presses(&[(100, true), (119, false)]), []);
        assert_eq!(presses(&[(0, false), (50, false)]), []);
    }

    #[test]
    fn a_button_that_nobody_polls_reports_with_the_next_edge() {
        let mut button = Button::new(TIMING);
        assert_eq!(button.edge(true, Millis(100)), None);
        assert_eq!(button.edge(false, Millis(300)), None);
        assert_eq!(button.edge(true, Millis(900)), Some(Press::Short));
        // Held for two seconds and only then polled.
        assert_eq!(button.edge(false, Millis(2_900)), Some(Press::Long));
    }

    proptest! {
        #[test]
        fn presses_are_never_more_than_edges_down_and_wake_misses_none(times in prop::collection::vec(1_u64..3_000, 0..40)) {
            let mut button = Button::new(TIMING);
            let (mut now, mut level, mut reported) = (0, false, 0);
            for gap in &times {
                // Polls exactly at the button's wake time.
                while let Some(wake) = button.wake().filter(|wake| wake.0 <= now + gap) {
                    reported +=  usize::from(button.pass(wake).is_some());
                    prop_assert!(button.wake() != Some(wake), "would be polled for ever");
                }
                now += gap;
                level = !level;
                prop_assert_eq!(button.edge(level, Millis(now)), None, "was reported late");
            }
            prop_assert!(reported <= times.len().div_ceil(2));
        }
    }
}
