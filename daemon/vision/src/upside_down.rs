//! Notices a camera that hangs upside down: everybody's head has been upside down for a while. Writes no log and turns
//! no picture.

use moodring_core::{frame::Millis, pipeline::Person};

/// A head tilted by more than this stands on its top, in degrees.
const INVERTED_DEG: f32 = 120.0;
/// How long all heads have to, in milliseconds.
const LASTING_MS: u64 = 3_000;

/// Watches for heads that stand on their tops.
#[derive(Debug, Default)]
pub(super) struct UpsideDown {
    since: Option<Millis>,
    is_reported: bool,
}

impl UpsideDown {
    /// Takes in the people of a frame; `true` once in a run, when everybody in view has been upside down for long enough.
    pub(super) fn update(&mut self, people: &[Person], time: Millis) -> bool {
        let mut visible = people.iter().filter(|person| person.visible).peekable();
        let anybody = visible.peek().is_some();
        if !anybody || !visible.all(|person| person.roll_deg.abs() > INVERTED_DEG) {
            self.since = None;
            return false;
        }
        let since = *self.since.get_or_insert(time);
        let is_new = !self.is_reported && time.since(since) >= LASTING_MS;
        self.is_reported |= is_new;
        is_new
    }
}

#[cfg(test)]
mod tests {
    use moodring_core::{detect::Face, expression::Scores, mood::FaceMood, track::TrackId};

    use super::*;

    fn people(rolls_deg: &[f32]) -> Vec<Person> {
        let person = |&roll_deg: &f32| Person {
            track: TrackId(1),
            face: Face::default(),
            visible: true,
            scores: Scores::UNKNOWN,
            raw: Scores::UNKNOWN,
            roll_deg,
            facing: None,
            mood: FaceMood::UNKNOWN,
            since: Millis(0),
            last_seen: Millis(0),
        };
        rolls_deg.iter().map(person).collect()
    }

    #[test]
    fn reported_once_after_three_seconds_in_which_every_head_is_upside_down() {
        let mut upside_down = UpsideDown::default();
        let mut at = |time, rolls: &[f32]| upside_down.update(&people(rolls), Millis(time));
        assert!(!at(0, &[170.0]) && !at(2_900, &[-175.0, 160.0]));
        assert!(!at(2_950, &[170.0, 10.0]), "one of them is upright");
        assert!(!at(3_000, &[170.0]) && !at(5_000, &[]) && !at(6_500, &[170.0]));
        assert!(!at(9_400, &[170.0]) && at(9_500, &[170.0]));
        assert!(!at(20_000, &[170.0]), "once");
    }
}
