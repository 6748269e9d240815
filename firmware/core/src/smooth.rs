//! Smooths scores over time: exponentially by elapsed time, so that the frame rate does not matter.

use crate::{expression::Scores, frame::Millis};

/// One face's smoothed scores.
///
/// ```
/// use moodring_core::{
///     expression::{Expression, Scores},
///     frame::Millis,
///     smooth::Smoother,
/// };
///
/// let happy = Scores([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
/// let mut smoother = Smoother::new();
/// smoother.update(&Scores::UNKNOWN, Millis(0), 400);
/// let soon = smoother.update(&happy, Millis(40), 400);
/// let later = smoother.update(&happy, Millis(800), 400);
/// assert!(soon.top().1 < 0.3 && later.top().1 > 0.8);
/// assert_eq!(later.top().0, Expression::Happy);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Smoother {
    last: Option<(Scores, Millis)>,
}

impl Smoother {
    /// Nothing seen yet.
    pub const fn new() -> Self {
        Self { last: None }
    }

    /// Takes in scores seen at `time` and returns the smoothed ones. The first are taken as they are; later ones pull
    /// with `1 - exp(-dt / tau_ms)`: the answer of a first-order low-pass to an input that held since the last time.
    /// A `tau_ms` of 0 smooths nothing. Time that runs backwards counts as no time.
    pub fn update(&mut self, raw: &Scores, time: Millis, tau_ms: u64) -> Scores {
        let smoothed = match self.last {
            Some((last, before)) => blend(&last, raw, smoothing_factor(time.since(before), tau_ms)),
            None => *raw,
        };
        self.last = Some((smoothed, time));
        smoothed
    }

    /// The smoothed scores, if any were seen.
    pub fn scores(&self) -> Option<Scores> {
        self.last.map(|(scores, _)| scores)
    }

    /// When scores were last seen, if ever.
    pub fn time(&self) -> Option<Millis> {
        self.last.map(|(_, time)| time)
    }
}

/// How much of a new value counts after `dt_ms`, 0 to 1.
pub(crate) fn smoothing_factor(dt_ms: u64, tau_ms: u64) -> f32 {
    if tau_ms == 0 {
        1.0
    } else {
        // exp(-x) - 1 without the loss of digits near 0.
        -libm::expm1f(-(dt_ms as f32) / tau_ms as f32)
    }
}

fn blend(old: &Scores, new: &Scores, smoothing_factor: f32) -> Scores {
    Scores(core::array::from_fn(|i| {
        old.0[i] + (new.0[i] - old.0[i]) * smoothing_factor
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Expression;
    use proptest::prelude::*;

    fn sure(expression: Expression) -> Scores {
        let mut scores = [0.0; Expression::COUNT];
        scores[expression.index()] = 1.0;
        Scores(scores)
    }

    #[test]
    fn after_one_time_constant_63_percent_of_the_way() {
        let mut smoother = Smoother::new();
        let first = smoother.update(&sure(Expression::Sad), Millis(1000), 400);
        assert_eq!(first, sure(Expression::Sad), "the first counts fully");
        let then = smoother.update(&sure(Expression::Happy), Millis(1400), 400);
        assert!((then.of(Expression::Happy) - 0.632_12).abs() < 1e-4);
        assert!((then.of(Expression::Sad) - 0.367_88).abs() < 1e-4);
        let back = smoother.update(&sure(Expression::Sad), Millis(900), 400);
        assert_eq!(back, then, "no time, no change");
        assert_eq!(smoother.time(), Some(Millis(900)));
        let raw = smoother.update(&sure(Expression::Fear), Millis(901), 0);
        assert_eq!(raw, sure(Expression::Fear));
    }

    proptest! {
        #[test]
        fn the_frame_rate_does_not_matter(cuts in prop::collection::vec(1..200_u64, 1..30)) {
            let mut smoother = Smoother::new();
            smoother.update(&sure(Expression::Sad), Millis(0), 400);
            let mut time = 0;
            for cut in &cuts {
                time += cut;
                smoother.update(&sure(Expression::Happy), Millis(time), 400);
            }
            let mut once = Smoother::new();
            once.update(&sure(Expression::Sad), Millis(0), 400);
            let expected = once.update(&sure(Expression::Happy), Millis(time), 400);
            let scores = smoother.scores().unwrap();
            for expression in Expression::ALL {
                prop_assert!((scores.of(expression) - expected.of(expression)).abs() < 1e-4);
            }
            prop_assert!((scores.0.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        }
    }
}
