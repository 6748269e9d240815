//! Whose turn it is to be classified when there are more faces than the frame's time allows.

use crate::{
    frame::Millis,
    smooth::Smoother,
    track::{MAX_FACES, Track},
};
use heapless::Vec;

/// Indices of the visible tracks to classify in this frame, at most `max_faces`.
///
/// If they are more, half the places go to the largest faces (who are likely to count) and the other half to those
/// that have waited longest, so that all have their turn. A single place goes round.
pub(super) fn choose<T>(
    tracks: &[Track<T>],
    max_faces: usize,
    smoother: impl Fn(&T) -> &Smoother,
) -> Vec<usize, MAX_FACES> {
    let visible = |i: &usize| tracks[*i].visible;
    let mut chosen: Vec<usize, MAX_FACES> = (0..tracks.len()).filter(visible).collect();
    if chosen.len() <= max_faces {
        return chosen;
    }
    let area = |i: &usize| tracks[*i].face.rect.area();
    chosen.sort_unstable_by(|a, b| area(b).total_cmp(&area(a)).then(a.cmp(b)));
    // Never seen sorts before any time.
    let last_turn = |i: usize| -> Option<Millis> { smoother(&tracks[i].note).time() };
    chosen[max_faces / 2..].sort_unstable_by_key(|&i| (last_turn(i), i));
    chosen.truncate(max_faces);
    chosen
}
