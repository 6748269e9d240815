//! Counts labels against answers, and the measures that follow from them.

use moodring_core::expression::{Expression, Scores};

use super::Majority;

const N: usize = Expression::COUNT;
/// The usual number of bins for the calibration error.
const BINS: usize = 15;

/// All counts.
#[derive(Clone, Debug, Default)]
pub struct EvalCounts {
    /// `confusion[label][answer]`.
    confusion: [[u32; N]; N],
    bins: [Bin; BINS],
    /// Right and all of the samples that the net was not trained on, if that is known.
    unseen: (u32, u32),
    /// Right and all of the samples with a majority.
    majority: (u32, u32),
}

/// The samples of one range of confidence.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bin {
    /// How many there are.
    pub samples: u32,
    /// How many of them were answered as labelled.
    pub right: u32,
    /// The sum of their confidences.
    pub confidence: f64,
}

impl EvalCounts {
    /// Counts one sample.
    pub fn count(&mut self, label: Expression, scores: &Scores) {
        let (read, confidence) = scores.top();
        self.confusion[label.index()][read.index()] += 1;
        let bin = ((confidence * BINS as f32) as usize).min(BINS - 1);
        let bin = &mut self.bins[bin];
        bin.samples += 1;
        bin.right += u32::from(read == label);
        bin.confidence += f64::from(confidence);
    }

    /// Counts one sample that is not in the training data.
    pub fn count_unseen(&mut self, label: Expression, scores: &Scores) {
        self.unseen.0 += u32::from(scores.top().0 == label);
        self.unseen.1 += 1;
    }

    /// Counts one sample against what most annotators saw. We never answer contempt, so it is always wrong.
    pub fn count_majority(&mut self, majority: Majority, scores: &Scores) {
        let right = majority == Majority::Expression(scores.top().0);
        self.majority.0 += u32::from(right);
        self.majority.1 += 1;
    }

    /// Bins of equal width over confidence 0 to 1.
    pub fn bins(&self) -> &[Bin] {
        &self.bins
    }

    /// Accuracy on and number of the unseen samples, if they are known.
    pub fn unseen(&self) -> Option<(f64, u32)> {
        let (right, all) = self.unseen;
        (all > 0).then(|| (ratio(right, all), all))
    }

    /// Agreement with and number of majorities, if there are any.
    pub fn majority(&self) -> Option<(f64, u32)> {
        let (right, all) = self.majority;
        (all > 0).then(|| (ratio(right, all), all))
    }

    /// `[label][answer]` counts.
    pub fn confusion(&self) -> &[[u32; N]; N] {
        &self.confusion
    }

    /// Samples counted.
    pub fn total(&self) -> u32 {
        self.confusion.iter().flatten().sum()
    }

    /// The share answered as labelled, 0 to 1; 0 without samples.
    pub fn accuracy(&self) -> f64 {
        let right: u32 = (0..N).map(|i| self.confusion[i][i]).sum();
        ratio(right, self.total())
    }

    /// Of the samples with this label, the share with this answer.
    pub fn recall(&self, class: Expression) -> f64 {
        let i = class.index();
        ratio(self.confusion[i][i], self.support(class))
    }

    /// Of the samples with this answer, the share with this label.
    pub fn precision(&self, class: Expression) -> f64 {
        let i = class.index();
        ratio(
            self.confusion[i][i],
            self.confusion.iter().map(|row| row[i]).sum(),
        )
    }

    /// Harmonic mean of precision and recall.
    pub fn f1(&self, class: Expression) -> f64 {
        let (p, r) = (self.precision(class), self.recall(class));
        if p + r > 0.0 {
            2.0 * p * r / (p + r)
        } else {
            0.0
        }
    }

    /// Samples with this label.
    pub fn support(&self, class: Expression) -> u32 {
        self.confusion[class.index()].iter().sum()
    }

    /// The mean of a measure over the classes that have samples.
    pub fn mean(&self, measure: impl Fn(&Self, Expression) -> f64) -> f64 {
        let present: Vec<_> = Expression::ALL
            .into_iter()
            .filter(|c| self.support(*c) > 0)
            .collect();
        let sum: f64 = present.iter().map(|class| measure(self, *class)).sum();
        if present.is_empty() {
            0.0
        } else {
            sum / present.len() as f64
        }
    }

    /// Expected calibration error over 15 bins: the mean distance of confidence and accuracy (Guo et al., 2017).
    pub fn calibration_error(&self) -> f64 {
        let gap = |bin: &Bin| (f64::from(bin.right) - bin.confidence).abs();
        let total = self.total();
        if total == 0 {
            0.0
        } else {
            self.bins.iter().map(gap).sum::<f64>() / f64::from(total)
        }
    }
}

fn ratio(part: u32, whole: u32) -> f64 {
    if whole == 0 {
        0.0
    } else {
        f64::from(part) / f64::from(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sure(expression: Expression, p: f32) -> Scores {
        let mut scores = [(1.0 - p) / 6.0; N];
        scores[expression.index()] = p;
        Scores(scores)
    }

    #[test]
    fn measures_by_hand() {
        use Expression::{Happy, Sad};
        let mut counts = EvalCounts::default();
        for (label, read) in [(Happy, Happy), (Happy, Happy), (Happy, Sad), (Sad, Sad)] {
            counts.count(label, &sure(read, 0.9));
        }
        assert_eq!(counts.total(), 4);
        assert!((counts.accuracy() - 0.75).abs() < 1e-9);
        assert!((counts.recall(Happy) - 2.0 / 3.0).abs() < 1e-9);
        assert!((counts.precision(Sad) - 0.5).abs() < 1e-9);
        assert!((counts.f1(Happy) - 0.8).abs() < 1e-9);
        assert!((counts.mean(EvalCounts::recall) - (2.0 / 3.0 + 1.0) / 2.0).abs() < 1e-9);
        // All in one bin: accuracy 0.75, confidence 0.9.
        assert!((counts.calibration_error() - 0.15).abs() < 1e-6);
    }

    #[test]
    fn majorities_and_unseen_samples_count_apart() {
        let (happy, mut counts) = (sure(Expression::Happy, 0.9), EvalCounts::default());
        assert_eq!((counts.unseen(), counts.majority()), (None, None));
        counts.count_majority(Majority::Contempt, &happy);
        counts.count_majority(Majority::Expression(Expression::Happy), &happy);
        counts.count_unseen(Expression::Sad, &happy);
        assert_eq!(counts.majority(), Some((0.5, 2)));
        assert_eq!(counts.unseen(), Some((0.0, 1)));
    }

    #[test]
    fn nothing_counted_is_zero_everywhere() {
        let counts = EvalCounts::default();
        assert_eq!(
            (
                counts.accuracy(),
                counts.calibration_error(),
                counts.mean(EvalCounts::f1)
            ),
            (0.0, 0.0, 0.0)
        );
    }
}
