//! Decides what a display shows of people: an animated face for each person, first the one who counts; the text; and
//! the sign that the camera runs. Draws nothing.

use moodring_base::{
    config::{DisplaySettings, DisplayText},
    snapshot::{CameraState, Person},
    translations::{self, Language},
};
use moodring_core::{frame::Millis, mood::Mood, track::TrackId};
use moodring_face::{
    animate::{Animator, IdleMotion, Pose},
    look::Look,
    picture::{Indicators, MAX_FACES, Picture, ScreenShape},
};

use super::{DEVICE_AWAY, View, follow, look_of};

/// Percentages are rounded to this step: a number that changes with every frame cannot be read, and costs bytes.
const PERCENT_STEP: f32 = 5.0;

/// The faces that follow the people in view.
#[derive(Debug)]
pub(super) struct Faces {
    idle_motion: IdleMotion,
    faces: usize,
    text: DisplayText,
    language: Language,
    first: Animator,
    others: Vec<OtherFace>,
}

/// A person beside the one who counts.
#[derive(Debug)]
struct OtherFace {
    track: TrackId,
    animator: Animator,
}

/// Everything a picture of people depends on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Scene {
    poses: Vec<Pose>,
    lines: Vec<String>,
    indicators: Indicators,
}

impl Faces {
    pub(super) fn new(settings: &DisplaySettings, idle_motion: IdleMotion, now: Millis) -> Self {
        Self {
            idle_motion,
            faces: settings.faces.clamp(1, MAX_FACES),
            text: settings.text,
            language: settings.language,
            first: Animator::new(Mood::Nobody, idle_motion, now),
            others: Vec::new(),
        }
    }

    /// The scene of this view.
    pub(super) fn scene(&mut self, view: &View<'_>) -> Scene {
        let View { snapshot, now, .. } = *view;
        let mut poses = vec![follow(&mut self.first, snapshot, now)];
        // A face for each of them only while there is a mood; else the first shows what is the matter.
        let people = match snapshot.mood.mood() {
            Mood::Nobody => &[],
            _ => snapshot.people.get(1..).unwrap_or_default(),
        };
        let people = &people[..people.len().min(self.faces - 1)];
        self.others
            .retain(|other| people.iter().any(|p| p.track == other.track));
        for person in people {
            poses.push(self.other(person, now));
        }
        Scene {
            poses,
            lines: self.lines(view),
            indicators: match snapshot.camera {
                _ if view.preview => Indicators::Preview,
                CameraState::Running => Indicators::CameraRuns,
                _ => Indicators::None,
            },
        }
    }

    fn other(&mut self, person: &Person, now: Millis) -> Pose {
        let known = self.others.iter().position(|o| o.track == person.track);
        let at = known.unwrap_or_else(|| {
            self.others.push(OtherFace {
                track: person.track,
                animator: Animator::new(Mood::Uncertain, self.idle_motion, now),
            });
            self.others.len() - 1
        });
        let other = &mut self.others[at];
        let roll_deg = (person.roll_deg / 2.0).round() * 2.0;
        // In whole sixteenths, so that a hair's change is none.
        let confidence = (person.mood.confidence() * 16.0).round() / 16.0;
        other
            .animator
            .aim(person.mood.mood(), confidence, roll_deg, now);
        other.animator.pose(now)
    }

    fn lines(&self, view: &View<'_>) -> Vec<String> {
        let mood = view.snapshot.mood;
        let text = |key| translations::text(self.language, key).to_owned();
        // The label of the face itself: below a face that shows a lost camera stands no "nobody".
        let label = || match look_of(view.snapshot) {
            Look::Mood(Mood::Showing(expression)) => {
                let percent = (mood.confidence() * 100.0 / PERCENT_STEP).round() * PERCENT_STEP;
                let mood_label = translations::mood(self.language, Mood::Showing(expression));
                format!("{mood_label} {percent:.0}%")
            }
            Look::Mood(other) => translations::mood(self.language, other).to_owned(),
            Look::CameraOff => text("mood.off"),
            Look::Starting => text("mood.starting"),
            Look::Fault(DEVICE_AWAY) => text("mood.away"),
            Look::Fault(_) => text("mood.lost"),
        };
        match self.text {
            DisplayText::None => vec![],
            DisplayText::Label => vec![label()],
            DisplayText::Device => vec![view.device.to_owned()],
            DisplayText::Both => vec![label(), view.device.to_owned()],
        }
    }
}

impl Scene {
    /// Changes each pose, for example to leave out what a display cannot show.
    pub(super) fn map(mut self, change: impl Fn(Pose) -> Pose) -> Self {
        self.poses.iter_mut().for_each(|pose| *pose = change(*pose));
        self
    }

    /// The face of the one who counts.
    pub(super) fn first(&self) -> Option<Pose> {
        self.poses.first().copied()
    }

    /// Calls `draw` with the whole screen.
    pub(super) fn with_picture(&self, shape: ScreenShape, draw: impl FnOnce(Picture<'_>)) {
        let lines: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        draw(Picture {
            faces: &self.poses,
            lines: &lines,
            indicators: self.indicators,
            shape,
        });
    }
}

#[cfg(test)]
mod tests {
    use moodring_core::{
        detect::Face,
        expression::{Expression, Scores},
        geometry::{Point, Rect},
        mood::{FaceMood, MoodState},
    };

    use super::*;
    use moodring_base::snapshot::{BrokerState, Snapshot};

    fn person(track: u32, expression: Expression, p: f32) -> Person {
        let mut scores = [(1.0 - p) / 6.0; Expression::COUNT];
        scores[expression.index()] = p;
        let rect = Rect {
            x: 0.0,
            y: 0.0,
            w: 9.0,
            h: 9.0,
        };
        let face = Face {
            rect,
            landmarks: [Point { x: 0.0, y: 0.0 }; 5],
            score: 0.9,
        };
        let mood = FaceMood::showing(expression, p);
        Person::new(TrackId(track), face, Scores(scores), mood)
    }

    fn snapshot(people: &[Person]) -> Snapshot {
        let mut snapshot = Snapshot {
            camera: CameraState::Running,
            ..Snapshot::default()
        };
        snapshot.people.extend(people.iter().copied());
        if !people.is_empty() {
            snapshot.mood = MoodState::new(
                Mood::Showing(Expression::Happy),
                0.87,
                TrackId(1),
                Millis(0),
            );
        }
        snapshot
    }

    fn scene(faces: &mut Faces, snapshot: &Snapshot, now: u64) -> Scene {
        let view = View {
            snapshot,
            broker: BrokerState::Off,
            source: "test",
            device: "hall",
            preview: false,
            now: Millis(now),
            minute: 0,
        };
        faces.scene(&view)
    }

    fn settings(faces: usize, text: DisplayText) -> DisplaySettings {
        DisplaySettings {
            faces,
            text,
            ..DisplaySettings::default()
        }
    }

    #[test]
    fn everyone_in_view_has_a_face_and_who_leaves_takes_it_along() {
        use Expression::{Happy, Sad, Surprise};
        let mut faces = Faces::new(
            &settings(3, DisplayText::None),
            IdleMotion::Still,
            Millis(0),
        );
        let four = [(1, Happy), (2, Sad), (3, Surprise), (4, Sad)].map(|(t, e)| person(t, e, 0.8));
        scene(&mut faces, &snapshot(&four), 1_000);
        let settled = scene(&mut faces, &snapshot(&four), 3_000);
        assert_eq!(settled.poses.len(), 3, "as many as the settings allow");
        assert_eq!(settled.indicators, Indicators::CameraRuns);
        let without = [four[0], four[2]];
        scene(&mut faces, &snapshot(&without), 3_100);
        let settled_again = scene(&mut faces, &snapshot(&without), 5_000);
        assert_eq!(
            settled_again.poses[1], settled.poses[2],
            "the surprised one keeps its face"
        );
        assert_eq!(scene(&mut faces, &snapshot(&[]), 9_000).poses.len(), 1);
        assert!(faces.others.is_empty());
    }

    #[test]
    fn a_face_beside_the_first_shows_the_mood_of_the_report() {
        let mut faces = Faces::new(
            &settings(3, DisplayText::None),
            IdleMotion::Still,
            Millis(0),
        );
        // Its scores lean to sad, but its mood was decided before them: the report decides.
        let mut torn = person(2, Expression::Sad, 0.6);
        let mut pose = |faces: &mut Faces, mood, now| {
            torn.mood = mood;
            let people = [person(1, Expression::Happy, 0.9), torn];
            scene(faces, &snapshot(&people), now);
            scene(faces, &snapshot(&people), now + 2_000).poses[1]
        };
        let uncertain = pose(&mut faces, FaceMood::uncertain(0.6), 1_000);
        let sad = pose(&mut faces, FaceMood::showing(Expression::Sad, 0.6), 5_000);
        let again = pose(&mut faces, FaceMood::uncertain(0.6), 9_000);
        assert_ne!(uncertain, sad);
        assert_eq!(uncertain, again);
    }

    #[test]
    fn the_text_is_that_of_the_settings() {
        let one = snapshot(&[person(1, Expression::Happy, 0.87)]);
        let lines = |text| {
            let mut faces = Faces::new(&settings(4, text), IdleMotion::Still, Millis(0));
            scene(&mut faces, &one, 10).lines
        };
        assert!(lines(DisplayText::None).is_empty());
        assert_eq!(lines(DisplayText::Both), ["happy 85%", "hall"]);
        let german = DisplaySettings {
            language: Language::De,
            ..settings(1, DisplayText::Label)
        };
        let mut faces = Faces::new(&german, IdleMotion::Still, Millis(0));
        assert_eq!(scene(&mut faces, &one, 10).lines, ["fröhlich 85%"]);
        let mut faces = Faces::new(
            &settings(1, DisplayText::Label),
            IdleMotion::Still,
            Millis(0),
        );
        assert_eq!(scene(&mut faces, &snapshot(&[]), 10).lines, ["nobody"]);
    }
}
