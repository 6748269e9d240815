//! Turns a snapshot into the scene that a satellite shows.

use moodring_base::snapshot::{Person, Snapshot};
use moodring_core::mood::Mood;
use moodring_display::look_of;
use moodring_face::look::Look;
use moodring_link::message::{self, MAX_FACES, ShownLook, ToSatellite};

/// The message that shows this snapshot.
pub(super) fn scene(snapshot: &Snapshot) -> ToSatellite {
    let shown = match look_of(snapshot) {
        Look::Fault(code) => return ToSatellite::Fault { code },
        Look::CameraOff => ShownLook::CameraOff,
        Look::Starting => ShownLook::Starting,
        Look::Mood(mood) => look_of_mood(mood),
    };
    let first = message::ShownFace {
        shown,
        confidence: byte(snapshot.mood.confidence()),
        roll_deg: snapshot.people.first().map_or(0, |p| degrees(p.roll_deg)),
    };
    let others = snapshot.people.iter().skip(1).map(other);
    if shown == ShownLook::Nobody || snapshot.people.len() < 2 {
        return ToSatellite::Show(first);
    }
    let looks = std::iter::once(first).chain(others);
    ToSatellite::Scene(looks.take(MAX_FACES).collect())
}

fn other(person: &Person) -> message::ShownFace {
    message::ShownFace {
        shown: look_of_mood(person.mood.mood()),
        confidence: byte(person.mood.confidence()),
        roll_deg: degrees(person.roll_deg),
    }
}

/// The link's look for a mood. Its first seven are the expressions, in the same order.
fn look_of_mood(mood: Mood) -> ShownLook {
    match mood {
        Mood::Showing(expression) => ShownLook::ALL[expression.index()],
        Mood::Uncertain => ShownLook::Uncertain,
        Mood::Nobody => ShownLook::Nobody,
    }
}

/// 0 to 1 in sixteen steps: smaller changes are not worth a message.
fn byte(ratio: f32) -> u8 {
    ((ratio.clamp(0.0, 1.0) * 16.0).round() / 16.0 * 255.0) as u8
}

/// Rounds to every second degree.
fn degrees(roll_deg: f32) -> i8 {
    ((roll_deg / 2.0).round() * 2.0).clamp(-90.0, 90.0) as i8
}

#[cfg(test)]
mod tests {
    use moodring_core::{
        detect::Face,
        expression::{Expression, Scores},
        frame::Millis,
        mood::{FaceMood, MoodState},
        track::TrackId,
    };

    use super::*;
    use moodring_base::snapshot::CameraState;

    fn person(expression: Expression, likely: f32, roll_deg: f32) -> Person {
        let mut scores = [(1.0 - likely) / 6.0; 7];
        scores[expression.index()] = likely;
        let scores = Scores(scores);
        Person {
            roll_deg,
            ..Person::new(
                TrackId(1),
                Face::default(),
                scores,
                FaceMood::of_scores(&scores, 0.45),
            )
        }
    }

    fn snapshot(mood: Mood, people: &[Person]) -> Snapshot {
        Snapshot {
            mood: MoodState::new(mood, 0.9, TrackId(1), Millis(0)),
            people: people.iter().copied().collect(),
            camera: CameraState::Running,
            ..Snapshot::default()
        }
    }

    #[test]
    fn every_expression_has_its_look() {
        for expression in Expression::ALL {
            let name = format!("{:?}", look_of_mood(Mood::Showing(expression)));
            assert_eq!(name.to_lowercase(), expression.name());
        }
    }

    #[test]
    fn one_person_is_shown_and_several_are_a_scene() {
        let happy = person(Expression::Happy, 0.9, -13.2);
        let shown = scene(&snapshot(Mood::Showing(Expression::Happy), &[happy]));
        let look = message::ShownFace {
            shown: ShownLook::Happy,
            confidence: 223,
            roll_deg: -14,
        };
        assert_eq!(shown, ToSatellite::Show(look));
        let people = [happy, person(Expression::Sad, 0.3, 0.0)];
        let ToSatellite::Scene(looks) = scene(&snapshot(Mood::Uncertain, &people)) else {
            panic!("two people are a scene")
        };
        let shown: Vec<_> = looks.iter().map(|look| look.shown).collect();
        assert_eq!(shown, [ShownLook::Uncertain, ShownLook::Uncertain]);
        let crowd = vec![happy; 16];
        let ToSatellite::Scene(looks) = scene(&snapshot(Mood::Showing(Expression::Happy), &crowd))
        else {
            panic!("a crowd is a scene")
        };
        assert_eq!(looks.len(), MAX_FACES);
    }

    #[test]
    fn a_lost_camera_is_a_fault_and_an_empty_room_sleeps() {
        let mut empty = snapshot(Mood::Nobody, &[]);
        assert!(
            matches!(scene(&empty), ToSatellite::Show(look) if look.shown == ShownLook::Nobody)
        );
        empty.camera = CameraState::Lost;
        assert_eq!(scene(&empty), ToSatellite::Fault { code: 1 });
        empty.camera = CameraState::Starting;
        assert!(
            matches!(scene(&empty), ToSatellite::Show(look) if look.shown == ShownLook::Starting)
        );
    }

    #[test]
    fn nonsense_stays_in_range() {
        assert_eq!((byte(f32::NAN), byte(7.0), byte(-1.0)), (0, 255, 0));
        assert_eq!((degrees(f32::NAN), degrees(900.0)), (0, 90));
    }
}
