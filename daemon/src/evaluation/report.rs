//! Turns counts into a report: text for people, JSON for programs.

use std::fmt::{self, Display};

use moodring_core::expression::Expression;
use serde::Serialize;

use super::EvalCounts;

/// The result of `eval`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What was evaluated.
    pub dataset: String,
    /// Samples read.
    pub samples: u32,
    /// Samples that could not be read.
    pub broken: usize,
    /// The share answered as labelled.
    pub accuracy: f64,
    /// The same over the samples that are not in the training data, byte for byte; if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leak_free: Option<Share>,
    /// The share answered as most of FER+'s annotators voted (contempt counts as wrong); if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ferplus_majority: Option<Share>,
    /// Mean recall over the classes present.
    pub macro_recall: f64,
    /// Mean F1 over the classes present.
    pub macro_f1: f64,
    /// Expected calibration error, 15 bins.
    pub calibration_error: f64,
    /// By class, in FER2013's order.
    pub classes: Vec<ClassReport>,
    /// `[label][answer]`, in the same order.
    pub confusion: [[u32; Expression::COUNT]; Expression::COUNT],
}

/// An accuracy over part of the samples.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Share {
    /// 0 to 1.
    pub accuracy: f64,
    /// The number of samples.
    pub samples: u32,
}

impl Share {
    fn new((accuracy, samples): (f64, u32)) -> Self {
        Self { accuracy, samples }
    }
}

/// One class's measures.
#[derive(Debug, Serialize)]
pub struct ClassReport {
    /// Its name.
    pub expression: &'static str,
    /// Samples with this label.
    pub samples: u32,
    /// Of the samples with this answer, the share with this label.
    pub precision: f64,
    /// Of the samples with this label, the share with this answer.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
}

impl Report {
    /// The report of these counts.
    pub fn new(dataset: String, broken: usize, counts: &EvalCounts) -> Self {
        let class = |c: Expression| ClassReport {
            expression: c.name(),
            samples: counts.support(c),
            precision: counts.precision(c),
            recall: counts.recall(c),
            f1: counts.f1(c),
        };
        Self {
            dataset,
            samples: counts.total(),
            broken,
            accuracy: counts.accuracy(),
            leak_free: counts.unseen().map(Share::new),
            ferplus_majority: counts.majority().map(Share::new),
            macro_recall: counts.mean(EvalCounts::recall),
            macro_f1: counts.mean(EvalCounts::f1),
            calibration_error: counts.calibration_error(),
            classes: Expression::ALL.map(class).into(),
            confusion: *counts.confusion(),
        }
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} faces, {} could not be read",
            self.dataset, self.samples, self.broken
        )?;
        writeln!(
            f,
            "accuracy {:.2} %   macro recall {:.3}   macro F1 {:.3}   calibration error {:.3}",
            self.accuracy * 100.0,
            self.macro_recall,
            self.macro_f1,
            self.calibration_error
        )?;
        for (share, what) in [
            (
                self.leak_free,
                "leak-free: without exact copies of training pictures",
            ),
            (self.ferplus_majority, "FER+: as most annotators saw them"),
        ] {
            if let Some(Share { accuracy, samples }) = share {
                writeln!(f, "{:.2} % of {samples} {what}", accuracy * 100.0)?;
            }
        }
        writeln!(f)?;
        writeln!(
            f,
            "{:<10}{:>7}{:>11}{:>8}{:>7}   read as (%)",
            "shown", "faces", "precision", "recall", "F1"
        )?;
        write!(f, "{:46}", "")?;
        for class in &self.classes {
            write!(
                f,
                "{:>6}",
                &class.expression[..class.expression.len().min(5)]
            )?;
        }
        writeln!(f)?;
        for (class, row) in self.classes.iter().zip(&self.confusion) {
            write!(
                f,
                "{:<10}{:>7}{:>11.3}{:>8.3}{:>7.3}   ",
                class.expression, class.samples, class.precision, class.recall, class.f1
            )?;
            for &read in row {
                let percent = 100.0 * f64::from(read) / f64::from(class.samples.max(1));
                write!(f, "{percent:>6.0}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use moodring_core::expression::Scores;

    use super::*;

    #[test]
    fn the_text_names_every_class_and_the_accuracy() {
        let mut counts = EvalCounts::default();
        counts.count(Expression::Angry, &Scores::UNKNOWN);
        let text = Report::new("set".into(), 2, &counts).to_string();
        assert!(
            text.contains("accuracy 100.00 %") && text.contains("2 could not be read"),
            "{text}"
        );
        assert!(
            Expression::ALL.iter().all(|e| text.contains(e.name())),
            "{text}"
        );
    }
}
