//! Learns for each track what the net answers to the person's calm face, and subtracts it from the answers: a resting
//! face is not anger. Kept in memory only and forgotten with the track.
//!
//! Some serious faces would be called angry or sad all day long. Tools for action units subtract a person's median
//! (OpenFace, Baltrusaitis et al. 2018, section 4.3); here it is the median of log-odds against neutral.

use crate::{
    expression::{Expression, Scores},
    frame::Millis,
    smooth::smoothing_factor,
};

/// What a resting face is mistaken for. A lasting smile or surprise is real and never subtracted.
const MISTAKEN: [Expression; 4] = [
    Expression::Angry,
    Expression::Disgust,
    Expression::Fear,
    Expression::Sad,
];
/// A usual calm face is neutral this many times more likely than any of them: `ln 8`.
const USUAL_GAP: f32 = 2.08;
/// At most this much is subtracted from a log-odd: what is 33 times as likely as neutral stays what it is.
pub const LIMIT: f32 = 3.5;
/// A face is calm while no log-odd is farther than this from its own running mean. Chosen on still faces whose crops jitter and on
/// acted clips (`models/train/classifier/calibrate.py`): less takes jitter for movement, 3 learns from acting.
const CALM_SPREAD: f32 = 2.5;
/// Time constant of that mean, in milliseconds.
const CALM_TAU_MS: u64 = 1_500;
/// Calm has to last this long before anything is learned from it, in milliseconds.
const CALM_MS: u64 = 2_000;
/// Nothing is subtracted before so much calm time was seen, in milliseconds ...
pub const START_MS: u64 = 10_000;
/// ... and everything after this.
pub const FULL_MS: u64 = 30_000;
/// Time constant of the baseline, in milliseconds: the first half minute counts most, later a minute.
const LEARN_TAU_MS: u64 = 60_000;
/// One look moves the baseline no farther than a difference of this would: a median, nearly.
const STEP_LIMIT: f32 = 1.0;
/// After a longer gap, in milliseconds, nothing is known of the time between two looks.
const GAP_MS: u64 = 1_000;
/// The least probability whose logarithm is taken.
const LEAST: f32 = 1e-4;

/// Kept scores may miss their sum of 1 by so much: they were written with four digits.
const SUM_SLACK: f32 = 0.01;

/// One number for each of [`MISTAKEN`], a log-odd against neutral.
type Odds = [f32; MISTAKEN.len()];

/// A kept resting face: what the classifier answers to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration(Scores);

impl Calibration {
    /// A resting face of these scores; `None` unless each is 0 to 1 and all are 1 together.
    pub fn new(scores: Scores) -> Option<Self> {
        let in_range = scores.0.iter().all(|score| (0.0..=1.0).contains(score));
        let sum: f32 = scores.0.iter().sum();
        (in_range && (sum - 1.0).abs() <= SUM_SLACK).then_some(Self(scores))
    }

    /// Scores that are known to be some.
    pub(crate) const fn of(scores: Scores) -> Self {
        Self(scores)
    }

    /// The seven numbers, each 0 to 1.
    pub const fn scores(&self) -> &Scores {
        &self.0
    }

    /// The scores of a look with the resting face subtracted.
    pub fn subtract_from(&self, scores: &Scores) -> Scores {
        subtract(scores, &self.offsets())
    }

    /// What is subtracted from each log-odd.
    fn offsets(&self) -> Odds {
        odds(&self.0).map(offset_of)
    }
}

/// The net's answer to one person's calm face, as log-odds against neutral.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RestingFace {
    last: Option<Millis>,
    /// The running mean of the log-odds, to distinguish calm from movement.
    mean: Odds,
    calm_ms: u64,
    /// The baseline, and from how much calm time it was learned.
    baseline: Odds,
    learned_ms: u64,
}

impl RestingFace {
    /// Nothing is known of this face.
    pub const fn new() -> Self {
        Self {
            last: None,
            mean: [0.0; MISTAKEN.len()],
            calm_ms: 0,
            baseline: [0.0; MISTAKEN.len()],
            learned_ms: 0,
        }
    }

    /// Learns from the net's scores at `time` if the face is calm, and returns them with the resting face subtracted; of a `kept`
    /// one and the learned one, whichever subtracts more.
    pub fn update(&mut self, scores: &Scores, kept: Option<&Calibration>, time: Millis) -> Scores {
        let odds = odds(scores);
        let passed_ms = match self.last.replace(time) {
            Some(before) => time.since(before).min(GAP_MS),
            None => {
                self.mean = odds;
                0
            }
        };
        self.watch_calm(scores, &odds, passed_ms);
        if self.calm_ms >= CALM_MS {
            self.learn(&odds, passed_ms);
        }
        let mut offsets = self.offsets();
        for (offset, kept) in offsets
            .iter_mut()
            .zip(kept.map_or([0.0; _], Calibration::offsets))
        {
            *offset = offset.max(kept);
        }
        subtract(scores, &offsets)
    }

    /// Whether something is subtracted already.
    pub const fn is_known(&self) -> bool {
        self.learned_ms > START_MS
    }

    fn watch_calm(&mut self, scores: &Scores, odds: &Odds, passed_ms: u64) {
        let factor = smoothing_factor(passed_ms, CALM_TAU_MS);
        let mut spread = 0.0_f32;
        for (mean, odd) in self.mean.iter_mut().zip(odds) {
            spread = spread.max((odd - *mean).abs());
            *mean += (odd - *mean) * factor;
        }
        if spread <= CALM_SPREAD && is_restful(scores) {
            self.calm_ms = self.calm_ms.saturating_add(passed_ms);
        } else {
            self.calm_ms = 0;
        }
    }

    fn learn(&mut self, odds: &Odds, passed_ms: u64) {
        if self.learned_ms == 0 {
            self.baseline = self.mean;
        }
        // At first the mean of all that was seen, later a slow one.
        let tau_ms = self.learned_ms.clamp(CALM_MS, LEARN_TAU_MS);
        let factor = smoothing_factor(passed_ms, tau_ms);
        for (baseline, odd) in self.baseline.iter_mut().zip(odds) {
            *baseline += (odd - *baseline).clamp(-STEP_LIMIT, STEP_LIMIT) * factor;
        }
        self.learned_ms = self.learned_ms.saturating_add(passed_ms);
    }

    /// What is subtracted from each log-odd by now.
    fn offsets(&self) -> Odds {
        if !self.is_known() {
            return [0.0; _];
        }
        let learned_ms = self.learned_ms.min(FULL_MS) - START_MS;
        let share = learned_ms as f32 / (FULL_MS - START_MS) as f32;
        self.baseline.map(|baseline| offset_of(baseline) * share)
    }
}

/// Whether a face of these scores may be one at rest. A smile or a surprise moves the odds of all others, however long it lasts.
pub(crate) fn is_restful(scores: &Scores) -> bool {
    let shows = scores.top().0;
    shows == Expression::Neutral || MISTAKEN.contains(&shows)
}

/// What is subtracted from a log-odd that is this high in a resting face, 0 to [`LIMIT`].
fn offset_of(baseline: f32) -> f32 {
    (baseline + USUAL_GAP).clamp(0.0, LIMIT)
}

/// The scores with these offsets, 0 to [`LIMIT`] each, subtracted from their log-odds.
fn subtract(scores: &Scores, offsets: &Odds) -> Scores {
    if *offsets == [0.0; _] {
        return *scores;
    }
    let mut adjusted = *scores;
    for (expression, offset) in MISTAKEN.iter().zip(offsets) {
        adjusted.0[expression.index()] *= libm::expf(-offset);
    }
    let sum: f32 = adjusted.0.iter().sum();
    // Above 0: at least one score is 1/7, and is lowered at most by e^LIMIT.
    Scores(adjusted.0.map(|score| score / sum))
}

/// The logarithm of a score, which may be 0.
pub(crate) fn log(score: f32) -> f32 {
    libm::logf(score.max(LEAST))
}

/// Each of [`MISTAKEN`] against neutral.
fn odds(scores: &Scores) -> Odds {
    let log = |expression| log(scores.of(expression));
    MISTAKEN.map(|expression| log(expression) - log(Expression::Neutral))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::softmax;
    use proptest::prelude::*;

    /// Scores with these shares for angry, happy and neutral.
    fn scores(angry: f32, happy: f32, neutral: f32) -> Scores {
        let rest = (1.0 - angry - happy - neutral) / 4.0;
        Scores([angry, rest, rest, happy, rest, rest, neutral])
    }

    const SERIOUS: Scores = Scores([0.89, 0.005, 0.005, 0.01, 0.005, 0.005, 0.08]);

    /// Feeds the same scores for so many seconds at 25 frames a second; the last answer.
    fn hold(face: &mut RestingFace, time: &mut u64, scores: &Scores, seconds: u64) -> Scores {
        let mut last = *scores;
        for _ in 0..seconds * 25 {
            *time += 40;
            last = face.update(scores, None, Millis(*time));
        }
        last
    }

    #[test]
    fn a_serious_face_becomes_neutral_and_real_anger_stays() {
        let (mut face, mut time) = (RestingFace::new(), 0);
        assert_eq!(
            hold(&mut face, &mut time, &SERIOUS, 11),
            SERIOUS,
            "careful at the start"
        );
        let calm = hold(&mut face, &mut time, &SERIOUS, 60);
        assert_eq!(calm.top().0, Expression::Neutral, "{calm:?}");
        assert!(calm.top().1 > 0.55, "{calm:?}");
        let fury = face.update(&scores(0.99, 0.0, 0.004), None, Millis(time + 40));
        assert_eq!(fury.top().0, Expression::Angry, "{fury:?}");
        let smile = face.update(&scores(0.05, 0.6, 0.3), None, Millis(time + 80));
        assert_eq!(smile.top().0, Expression::Happy, "{smile:?}");
    }

    /// A box that moves by a pixel changes an answer by much: every tenth look differs by a log-odd of 2.
    #[test]
    fn a_face_whose_crop_jitters_is_calm_all_the_same() {
        let (mut face, mut time) = (RestingFace::new(), 0);
        let odd_one = scores(0.55, 0.02, 0.40);
        for _ in 0..40 * 25 / 10 {
            for i in 0..10 {
                time += 40;
                let look = if i == 0 { &odd_one } else { &SERIOUS };
                face.update(look, None, Millis(time));
            }
        }
        assert!(face.is_known(), "{face:?}");
        let calm = face.update(&SERIOUS, None, Millis(time + 40));
        assert_eq!(calm.top().0, Expression::Neutral, "{calm:?}");
    }

    #[test]
    fn a_usual_face_is_left_as_it_is() {
        let (mut face, mut time) = (RestingFace::new(), 0);
        let usual = scores(0.05, 0.02, 0.85);
        let calm = hold(&mut face, &mut time, &usual, 100);
        for (a, b) in calm.0.iter().zip(usual.0) {
            assert!((a - b).abs() < 1e-4, "{calm:?}");
        }
        let angry = face.update(&scores(0.6, 0.01, 0.3), None, Millis(time + 40));
        assert_eq!(angry.top().0, Expression::Angry);
    }

    #[test]
    fn nothing_is_learned_from_a_lasting_smile_nor_while_the_face_moves() {
        let (mut face, mut time) = (RestingFace::new(), 0);
        // A smile with bared teeth, half of it read as anger.
        hold(&mut face, &mut time, &scores(0.4, 0.5, 0.05), 100);
        assert_eq!(face.learned_ms, 0);
        for second in 0..100 {
            let angry = if second % 2 == 0 { 0.9 } else { 0.1 };
            hold(&mut face, &mut time, &scores(angry, 0.02, 0.97 - angry), 1);
        }
        assert!(!face.is_known(), "{face:?}");
    }

    #[test]
    fn lasting_fury_stays_fury() {
        let (mut face, mut time) = (RestingFace::new(), 0);
        let fury = scores(0.985, 0.001, 0.01);
        let still = hold(&mut face, &mut time, &fury, 600);
        assert_eq!(still.top().0, Expression::Angry, "{still:?}");
    }

    #[test]
    fn the_frame_rate_does_not_matter() {
        let [fast, slow] = [40, 400].map(|step| {
            let mut face = RestingFace::new();
            let mut last = SERIOUS;
            for i in 0..40_000 / step {
                last = face.update(&SERIOUS, None, Millis(i * step));
            }
            last
        });
        for (a, b) in fast.0.iter().zip(slow.0) {
            assert!((a - b).abs() < 0.05, "{fast:?} {slow:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_subtracted_is_bounded_and_no_smile_is_ever_lowered(
            kept in prop::option::of(prop::array::uniform7(-8.0..8.0_f32)),
            looks in prop::collection::vec((prop::array::uniform7(-8.0..8.0_f32), 1..30_u64, 1..500_u64), 1..60),
        ) {
            let kept = kept.and_then(|logits| Calibration::new(softmax(&logits)));
            let kept = kept.as_ref();
            let (mut face, mut time) = (RestingFace::new(), 0);
            for (logits, times, passed_ms) in looks {
                let scores = softmax(&logits);
                for _ in 0..times {
                    time += passed_ms;
                    let adjusted = face.update(&scores, kept, Millis(time));
                    prop_assert!((adjusted.0.iter().sum::<f32>() - 1.0).abs() < 1e-4);
                    for expression in Expression::ALL {
                        let (old, new) = (scores.of(expression), adjusted.of(expression));
                        prop_assert!((0.0..=1.0001).contains(&new));
                        // Against neutral, at most the limit; against nothing, never up but by the others' fall.
                        prop_assert!(new * libm::expf(LIMIT) >= old * 0.999);
                        if !MISTAKEN.contains(&expression) {
                            prop_assert!(new >= old * 0.999);
                        }
                    }
                }
            }
        }
    }
}
