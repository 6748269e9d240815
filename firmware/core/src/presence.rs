//! Decides whether a tracked face is a human face at all, by the net's face output over time. Tracks nothing itself.

use crate::{frame::Millis, smooth::smoothing_factor};

/// Time constant of the mean once it stands, in milliseconds: a hand before the face for a moment changes little.
const SLOW_TAU_MS: u64 = 2_000;
/// A person is dropped only when the mean logit is this far below the threshold (hysteresis).
const HYSTERESIS_LOGITS: f32 = 1.0;

/// The mean of a track's face logits: of all at first, then a slow one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Presence {
    mean: f32,
    count: u32,
    first: Millis,
    last: Millis,
}

impl Presence {
    /// Takes in the net's face logit at `time`. For `confirm_ms` all count alike.
    pub fn update(&mut self, logit: f32, time: Millis, confirm_ms: u64) {
        if self.count == 0 {
            (self.first, self.last) = (time, time);
        }
        self.count = self.count.saturating_add(1);
        let share = if time.since(self.first) <= confirm_ms {
            1.0 / self.count as f32
        } else {
            smoothing_factor(time.since(self.last), SLOW_TAU_MS)
        };
        self.mean += (logit - self.mean) * share;
        self.last = self.last.max(time);
    }

    /// Whether it is a face by a threshold from 0 (everything is one) to below 1, as a probability. What has not been read
    /// yet is none.
    pub fn is_face(&self, threshold: f32, before: Before) -> bool {
        if threshold <= 0.0 {
            return true;
        }
        let least = logit(threshold)
            - match before {
                Before::Person => HYSTERESIS_LOGITS,
                Before::Unknown => 0.0,
            };
        self.count > 0 && self.mean >= least
    }
}

/// What the track counted as until now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// A person.
    Person,
    /// Nothing yet.
    Unknown,
}

/// Whether one crop is a face, by the same threshold; a net without that output takes everything for one.
pub fn is_face(logit_of_face: Option<f32>, threshold: f32) -> bool {
    threshold <= 0.0 || logit_of_face.is_none_or(|face| face >= logit(threshold))
}

fn logit(probability: f32) -> f32 {
    libm::logf(probability / (1.0 - probability))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_looks_count_alike_and_later_ones_little() {
        let mut presence = Presence::default();
        assert!(!presence.is_face(0.5, Before::Unknown), "not read yet");
        assert!(presence.is_face(0.0, Before::Unknown), "no such output");
        presence.update(-3.0, Millis(0), 150);
        assert!(!presence.is_face(0.5, Before::Unknown));
        presence.update(5.0, Millis(100), 150);
        assert!((presence.mean - 1.0).abs() < 1e-6);
        assert!(presence.is_face(0.5, Before::Unknown));
        // A hand before the face.
        for time in [400, 500, 600] {
            presence.update(-5.0, Millis(time), 150);
        }
        assert!(presence.is_face(0.5, Before::Person), "{presence:?}");
        for time in 7..60 {
            presence.update(-5.0, Millis(time * 100), 150);
        }
        assert!(!presence.is_face(0.5, Before::Person));
    }

    #[test]
    fn single_crops() {
        assert!(is_face(None, 0.5) && is_face(Some(0.1), 0.5) && is_face(Some(-9.0), 0.0));
        assert!(!is_face(Some(-0.1), 0.5) && !is_face(Some(1.0), 0.9));
    }
}
