//! What the one person before a device looks like at rest, learned on request and kept as seven numbers: no picture.
//!
//! [`resting`] learns the same by itself, but begins anew with every track. For a calibration a person looks calmly at
//! the camera for five seconds once; from then on the kept face is subtracted at once, within the same limits.

use crate::{
    expression::{Expression, Scores},
    frame::Millis,
    pipeline::Person,
    resting::{self, Calibration},
    track::TrackId,
};

/// So much calm time is needed, in milliseconds.
pub const NEEDED_MS: u64 = 5_000;
/// After so long, in milliseconds, it is given up.
pub const PATIENCE_MS: u64 = 60_000;
/// After a longer gap, in milliseconds, nothing is known of the time between two looks.
const GAP_MS: u64 = 1_000;
/// One look moves the mean no farther than a difference of this would, so that a blink changes little.
const STEP_LIMIT: f32 = 1.0;

/// Why a calibration waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CalibrationWait {
    /// Nobody is in view.
    Nobody,
    /// More than one person is.
    Several,
    /// The person looks away.
    Away,
    /// The person smiles or is surprised.
    Lively,
}

impl CalibrationWait {
    /// A text for people, for the middle of a sentence.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Nobody => "nobody is in view",
            Self::Several => "more than one person is in view",
            Self::Away => "the person looks away",
            Self::Lively => "the face is not at rest",
        }
    }

    /// Its name in messages: one word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Several => "several",
            Self::Away => "away",
            Self::Lively => "lively",
        }
    }
}

/// How far a calibration is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CalibrationStep {
    /// It goes on: so many percent are done, and perhaps why it waits.
    Running(u8, Option<CalibrationWait>),
    /// It ended well.
    Done(Calibration),
    /// Nothing came of it.
    GivenUp(CalibrationWait),
}

/// A calibration under way.
#[derive(Clone, Copy, Debug, Default)]
pub struct CalibrationRun {
    began: Option<Millis>,
    last: Option<Millis>,
    person: Option<TrackId>,
    /// The mean logarithm of each score.
    mean: [f32; Expression::COUNT],
    calm_ms: u64,
}

impl CalibrationRun {
    /// One that has seen nothing.
    pub const fn new() -> Self {
        Self {
            began: None,
            last: None,
            person: None,
            mean: [0.0; Expression::COUNT],
            calm_ms: 0,
        }
    }

    /// Takes in the people of a look, and returns how far it is. Call it for every look, also where nobody is in view.
    pub fn update(&mut self, people: &[Person], time: Millis) -> CalibrationStep {
        let began = *self.began.get_or_insert(time);
        let passed_ms = match self.last.replace(time) {
            Some(before) => time.since(before).min(GAP_MS),
            None => 0,
        };
        let wait = match calm_person(people) {
            Ok(person) => {
                self.take(person, passed_ms);
                None
            }
            Err(wait) => Some(wait),
        };
        if self.calm_ms >= NEEDED_MS {
            return CalibrationStep::Done(self.result());
        }
        if time.since(began) >= PATIENCE_MS {
            return CalibrationStep::GivenUp(wait.unwrap_or(CalibrationWait::Lively));
        }
        let percent = self.calm_ms * 100 / NEEDED_MS;
        // Below 100 by the test above.
        CalibrationStep::Running(percent as u8, wait)
    }

    fn take(&mut self, person: &Person, passed_ms: u64) {
        let logs = person.raw.0.map(resting::log);
        if self.person != Some(person.track) {
            *self = Self {
                began: self.began,
                last: self.last,
                person: Some(person.track),
                mean: logs,
                calm_ms: 0,
            };
            return;
        }
        // A mean of all looks: each counts for the time that it stands for.
        let share = passed_ms as f32 / (self.calm_ms + passed_ms).max(1) as f32;
        for (mean, log) in self.mean.iter_mut().zip(logs) {
            *mean += (log - *mean).clamp(-STEP_LIMIT, STEP_LIMIT) * share;
        }
        self.calm_ms += passed_ms;
    }

    fn result(&self) -> Calibration {
        let shares = self.mean.map(libm::expf);
        let sum: f32 = shares.iter().sum();
        // Above 0: each share is at least the least that a logarithm is taken of.
        Calibration::of(Scores(shares.map(|share| share / sum)))
    }
}

/// The only person in view, if the face can be read and is at rest.
fn calm_person(people: &[Person]) -> Result<&Person, CalibrationWait> {
    let mut visible = people.iter().filter(|person| person.visible);
    let person = visible.next().ok_or(CalibrationWait::Nobody)?;
    if visible.next().is_some() {
        return Err(CalibrationWait::Several);
    }
    if person.facing == Some(false) {
        return Err(CalibrationWait::Away);
    }
    if resting::is_restful(&person.raw) {
        Ok(person)
    } else {
        Err(CalibrationWait::Lively)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{classify::softmax, detect::Face, mood::FaceMood};
    use proptest::prelude::*;

    const SERIOUS: Scores = Scores([0.89, 0.005, 0.005, 0.01, 0.005, 0.005, 0.08]);
    const SMILE: Scores = Scores([0.01, 0.01, 0.01, 0.9, 0.01, 0.01, 0.05]);

    fn person(track: u32, raw: Scores) -> Person {
        Person {
            track: TrackId(track),
            face: Face::default(),
            visible: true,
            scores: raw,
            raw,
            roll_deg: 0.0,
            facing: Some(true),
            mood: FaceMood::UNKNOWN,
            since: Millis(0),
            last_seen: Millis(0),
        }
    }

    /// Shows the same people for so many seconds at 25 frames a second; the last step.
    fn show(
        run: &mut CalibrationRun,
        time: &mut u64,
        people: &[Person],
        seconds: u64,
    ) -> CalibrationStep {
        let mut last = CalibrationStep::Running(0, None);
        for _ in 0..seconds * 25 {
            *time += 40;
            last = run.update(people, Millis(*time));
            if !matches!(last, CalibrationStep::Running(..)) {
                break;
            }
        }
        last
    }

    #[test]
    fn five_calm_seconds_make_a_serious_face_neutral_from_the_first_look() {
        let (mut run, mut time) = (CalibrationRun::new(), 0);
        let people = [person(1, SERIOUS)];
        assert_eq!(
            show(&mut run, &mut time, &people, 3),
            CalibrationStep::Running(59, None)
        );
        let CalibrationStep::Done(kept) = show(&mut run, &mut time, &people, 3) else {
            panic!("{run:?}");
        };
        for (a, b) in kept.scores().0.iter().zip(SERIOUS.0) {
            assert!((a - b).abs() < 0.01, "{kept:?}");
        }
        assert_eq!(kept.subtract_from(&SERIOUS).top().0, Expression::Neutral);
        let fury = Scores([0.99, 0.001, 0.001, 0.001, 0.001, 0.001, 0.005]);
        assert_eq!(kept.subtract_from(&fury).top().0, Expression::Angry);
        assert_eq!(kept.subtract_from(&SMILE).top().0, Expression::Happy);
        assert_eq!(Calibration::new(*kept.scores()), Some(kept));
    }

    #[test]
    fn it_waits_for_one_calm_person_and_reports_why() {
        let (mut run, mut time) = (CalibrationRun::new(), 0);
        let calm = person(1, SERIOUS);
        let wait = |step| match step {
            CalibrationStep::Running(0, wait) => wait,
            other => panic!("{other:?}"),
        };
        use CalibrationWait::*;
        let away = Person {
            facing: Some(false),
            ..calm
        };
        for (people, reason) in [
            (&[][..], Nobody),
            (&[calm, person(2, SERIOUS)], Several),
            (&[away], Away),
            (&[person(1, SMILE)], Lively),
        ] {
            assert_eq!(
                wait(show(&mut run, &mut time, people, 8)),
                Some(reason),
                "{reason:?}"
            );
        }
        let hidden = Person {
            visible: false,
            ..person(2, SMILE)
        };
        let step = show(&mut run, &mut time, &[calm, hidden], 8);
        assert!(matches!(step, CalibrationStep::Done(_)), "{step:?}");
    }

    #[test]
    fn another_person_begins_anew_and_patience_ends() {
        let (mut run, mut time) = (CalibrationRun::new(), 0);
        for i in 0..20 {
            let step = show(&mut run, &mut time, &[person(i, SERIOUS)], 3);
            if let CalibrationStep::Running(percent, None) = step {
                assert!(percent < 60, "{step:?}");
            } else {
                assert_eq!(i, 19, "{step:?}");
            }
        }
        let (mut run, mut time) = (CalibrationRun::new(), 0);
        let step = show(&mut run, &mut time, &[], 70);
        assert_eq!(step, CalibrationStep::GivenUp(CalibrationWait::Nobody));
        assert!((60_000..60_100).contains(&time), "{time}");
    }

    #[test]
    fn what_was_kept_badly_is_not_believed() {
        let bad = |break_it: fn(&mut Scores)| {
            let mut scores = SERIOUS;
            break_it(&mut scores);
            Calibration::new(scores)
        };
        assert!(bad(|_| ()).is_some());
        assert_eq!(bad(|s| s.0[0] = f32::NAN), None);
        assert_eq!(bad(|s| s.0[0] = -0.89), None);
        assert_eq!(bad(|s| s.0[6] += 0.5), None);
        assert_eq!(bad(|s| s.0 = [0.0; 7]), None);
    }

    proptest! {
        #[test]
        fn within_the_limits_of_a_learned_face_and_no_smile_is_lowered(
            kept in prop::array::uniform7(-8.0..8.0_f32), look in prop::array::uniform7(-8.0..8.0_f32),
        ) {
            let kept = Calibration::new(softmax(&kept)).unwrap();
            let scores = softmax(&look);
            let adjusted = kept.subtract_from(&scores);
            prop_assert!((adjusted.0.iter().sum::<f32>() - 1.0).abs() < 1e-4);
            for expression in [Expression::Happy, Expression::Surprise, Expression::Neutral] {
                prop_assert!(adjusted.of(expression) >= scores.of(expression) * 0.999);
            }
            for (new, old) in adjusted.0.iter().zip(scores.0) {
                prop_assert!(new * libm::expf(resting::LIMIT) >= old * 0.999);
            }
        }
    }
}
