//! Chooses the faces to classify when there are more than the frame's time allows.

use crate::{
    frame::Millis,
    track::{MAX_FACES, Track},
};
use heapless::Vec;

/// Indices of the visible tracks to classify in this frame, at most `max_faces`.
///
/// If they are more, half the places go to the largest faces (who are likely to count) and the other half to those
/// that have waited longest since their last turn, whatever came of it, so that all have theirs. A single place goes round.
pub(super) fn choose<T>(
    tracks: &[Track<T>],
    max_faces: usize,
    last_turn: impl Fn(&T) -> Option<Millis>,
) -> Vec<usize, MAX_FACES> {
    let visible = |i: &usize| tracks[*i].visible;
    let mut chosen: Vec<usize, MAX_FACES> = (0..tracks.len()).filter(visible).collect();
    if chosen.len() <= max_faces {
        return chosen;
    }
    let area = |i: &usize| tracks[*i].face.rect.area();
    chosen.sort_unstable_by(|a, b| area(b).total_cmp(&area(a)).then(a.cmp(b)));
    // Never read sorts before any time.
    chosen[max_faces / 2..].sort_unstable_by_key(|&i| (last_turn(&tracks[i].data), i));
    chosen.truncate(max_faces);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        detect::Face,
        event::Events,
        geometry::Rect,
        track::{TrackSettings, Tracker},
    };
    use proptest::prelude::*;
    use std::{vec, vec::Vec as StdVec};

    /// How often each of `count` faces had its turn in `frames` frames; the later ones are larger.
    fn turns(count: usize, max_faces: usize, frames: u64) -> StdVec<usize> {
        let face = |i: usize| Face {
            rect: Rect::new(100.0 * i as f32, 0.0, 50.0 + i as f32, 50.0),
            ..Face::default()
        };
        let faces: StdVec<Face> = (0..count).map(face).collect();
        let mut tracker = Tracker::<Option<Millis>>::new();
        let mut turns = vec![0; count];
        for frame in 0..frames {
            let time = Millis(frame * 33);
            let mut events = Events::new();
            tracker.update(
                &faces,
                time,
                &TrackSettings::default(),
                |_, _| true,
                &mut events,
            );
            let chosen = choose(tracker.tracks(), max_faces, |last_turn| *last_turn);
            assert_eq!(chosen.len(), count.min(max_faces));
            for i in chosen {
                tracker.tracks_mut()[i].data = Some(time);
                turns[i] += 1;
            }
        }
        turns
    }

    #[test]
    fn a_single_place_goes_round() {
        assert_eq!(turns(5, 1, 10), [2; 5]);
    }

    #[test]
    fn the_largest_are_read_in_every_frame_and_the_rest_in_turn() {
        assert_eq!(turns(6, 4, 10), [5, 5, 5, 5, 10, 10]);
    }

    proptest! {
        #[test]
        fn nobody_waits_longer_than_a_round(count in 1..20_usize, max_faces in 1..12_usize) {
            let round = count.div_ceil(max_faces.div_ceil(2)) as u64;
            prop_assert!(turns(count, max_faces, round).iter().all(|&turns| turns > 0));
        }
    }
}
