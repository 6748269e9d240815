//! Remembers faces of a moment ago, so that they stay blurred while a detector misses them for some frames.

use moodring_base::snapshot::Person;
use moodring_core::{detect::Face, frame::Millis, track::TrackId};

/// How long a face is remembered that is not seen.
const LINGER_MS: u64 = 500;

/// The last place of every track, and when that was.
#[derive(Debug, Default)]
pub(super) struct LingeringFaces(Vec<(TrackId, Face, Millis)>);

impl LingeringFaces {
    /// Takes in who is in view at `now`, and gives all that were seen within the last half second.
    pub(super) fn update<'a>(
        &'a mut self,
        people: impl Iterator<Item = &'a Person>,
        now: Millis,
    ) -> impl Iterator<Item = Face> + 'a {
        for person in people {
            self.0.retain(|(track, ..)| *track != person.track);
            self.0.push((person.track, person.face, person.last_seen));
        }
        // A source that begins anew begins with an earlier time.
        self.0
            .retain(|(.., seen)| seen.0 <= now.0 && now.0.saturating_sub(seen.0) <= LINGER_MS);
        self.0.iter().map(|(_, face, _)| *face)
    }
}

#[cfg(test)]
mod tests {
    use moodring_core::geometry::{Point, Rect};

    use super::*;

    fn face(x: f32) -> Face {
        Face {
            rect: Rect {
                x,
                y: 0.0,
                w: 9.0,
                h: 9.0,
            },
            landmarks: [Point { x: 0.0, y: 0.0 }; 5],
            score: 0.9,
        }
    }

    fn seen(lingering: &mut LingeringFaces, now: u64) -> Vec<f32> {
        let none = std::iter::empty::<&Person>();
        lingering
            .update(none, Millis(now))
            .map(|face| face.rect.x)
            .collect()
    }

    #[test]
    fn a_face_that_is_missed_lasts_half_a_second_where_it_was() {
        let mut lingering = LingeringFaces(vec![(TrackId(1), face(5.0), Millis(1_000))]);
        assert_eq!(seen(&mut lingering, 1_500), [5.0]);
        assert!(seen(&mut lingering, 1_501).is_empty());
        assert!(lingering.0.is_empty(), "it is forgotten");
    }

    #[test]
    fn a_clock_that_begins_anew_keeps_nothing() {
        let mut lingering = LingeringFaces(vec![(TrackId(1), face(5.0), Millis(9_000))]);
        assert!(seen(&mut lingering, 10).is_empty());
    }
}
