//! What is known of the resting face of the one person before this device, for the page, MQTT and the log.

use moodring_core::{
    calibration::{CalibrationStep, CalibrationWait},
    resting::Calibration,
};
use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::message::ScoresRecord;

/// The kept resting face, and how the last request to learn one went.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CalibrationState {
    /// The seven numbers; `None` if there are none.
    pub kept: Option<Calibration>,
    /// How far it is.
    pub progress: CalibrationProgress,
}

/// How far learning a resting face is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CalibrationProgress {
    /// Nobody asked, or it is done.
    #[default]
    Idle,
    /// So many percent are done, and perhaps why it waits.
    Running(u8, Option<CalibrationWait>),
    /// Nothing came of it, because of this.
    Failed(CalibrationWait),
}

impl CalibrationState {
    /// One name for all of it: `running`, `failed`, `kept` or `none`.
    pub const fn name(&self) -> &'static str {
        match (self.progress, self.kept) {
            (CalibrationProgress::Running(..), _) => "running",
            (CalibrationProgress::Failed(_), _) => "failed",
            (CalibrationProgress::Idle, Some(_)) => "kept",
            (CalibrationProgress::Idle, None) => "none",
        }
    }

    /// After this step of the nets' thread. What was kept stays until there is something better.
    #[must_use]
    pub fn after(self, step: CalibrationStep) -> Self {
        // In fifths, a second each, so that not every frame is published.
        let coarse = |percent: u8| percent / 20 * 20;
        match step {
            CalibrationStep::Running(percent, wait) => Self {
                progress: CalibrationProgress::Running(coarse(percent), wait),
                ..self
            },
            CalibrationStep::Done(calibration) => Self {
                kept: Some(calibration),
                progress: CalibrationProgress::Idle,
            },
            CalibrationStep::GivenUp(wait) => Self {
                progress: CalibrationProgress::Failed(wait),
                ..self
            },
        }
    }
}

impl Serialize for CalibrationState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (percent, wait) = match self.progress {
            CalibrationProgress::Idle => (None, None),
            CalibrationProgress::Running(percent, wait) => (Some(percent), wait),
            CalibrationProgress::Failed(wait) => (None, Some(wait)),
        };
        let scores = self.kept.map(|kept| ScoresRecord(*kept.scores()));
        let mut record = serializer.serialize_struct("calibration", 4)?;
        record.serialize_field("state", self.name())?;
        record.serialize_field("percent", &percent)?;
        record.serialize_field("waits_for", &wait.map(CalibrationWait::name))?;
        record.serialize_field("scores", &scores)?;
        record.end()
    }
}

#[cfg(test)]
mod tests {
    use moodring_core::expression::Scores;

    use super::*;
    use crate::message::json;

    #[test]
    fn what_is_kept_stays_until_there_is_something_better() {
        let none = CalibrationState::default();
        let empty = r#"{"state":"none","percent":null,"waits_for":null,"scores":null}"#;
        assert_eq!(json(&none), empty);
        let scores = Scores([0.5, 0.0, 0.0, 0.1, 0.1, 0.0, 0.3]);
        let face = Calibration::new(scores).unwrap();
        let kept = none.after(CalibrationStep::Done(face));
        let numbers = r#"{"angry":0.5,"disgust":0.0,"fear":0.0,"happy":0.1,"sad":0.1,"surprise":0.0,"neutral":0.3}"#;
        let whole =
            format!(r#"{{"state":"kept","percent":null,"waits_for":null,"scores":{numbers}}}"#);
        assert_eq!(json(&kept), whole);
        let wait = CalibrationWait::Nobody;
        let running = kept.after(CalibrationStep::Running(59, Some(wait)));
        assert_eq!(
            json(&running),
            format!(
                r#"{{"state":"running","percent":40,"waits_for":"nobody","scores":{numbers}}}"#
            )
        );
        let failed = running.after(CalibrationStep::GivenUp(wait));
        assert_eq!((failed.name(), failed.kept), ("failed", Some(face)));
    }
}
