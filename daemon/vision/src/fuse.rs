//! Merges the faces of one photo that were found at several sizes: each size that should have seen a face votes on it.

use moodring_core::{detect::Face, geometry::Rect, nms::suppress};

/// The sizes of faces, in a search's own pixels (the root of the box's area), for which that search is reliable.
const TRUSTED_PX: std::ops::RangeInclusive<f32> = 26.0..=300.0;
/// Boxes of two searches that overlap by this IoU are the same face.
const SAME_IOU: f32 = 0.4;

/// The result of one search, in the photo's pixels.
pub(super) struct ScaleResult {
    /// Pixels of the search per pixel of the photo.
    pub(super) scale: f32,
    /// Faces down to [`least_score`].
    pub(super) faces: Vec<Face>,
}

/// The score down to which a search always reports: also a low score of one look counts against a high one of another.
const LEAST_SCORE: f32 = 0.2;
/// Below this a detector's scores mean nothing, and it would report thousands of places.
const NOISE: f32 = 0.05;

/// The score down to which a search must report, so that nothing is missed that could reach `threshold` when joined.
pub(super) fn least_score(join: Join, threshold: f32) -> f32 {
    let could_reach = match join {
        // With the best other look, whose score is 1.
        Join::Mean => 2.0 * threshold - 1.0,
        Join::HalfWayToBest => threshold,
    };
    LEAST_SCORE.min(could_reach).max(NOISE)
}

/// How the scores of several searches become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    /// The mean over the searches that should see such a face: fewest false faces where nobody asks again.
    Mean,
    /// Half way from there to the best score: more near and tilted faces, for a classifier that recognizes what is no face
    /// (docs/decisions/004).
    HalfWayToBest,
}

/// All faces whose joined score reaches `threshold`, the best first.
pub(super) fn fuse(looks: &[ScaleResult], join: Join, threshold: f32, max_iou: f32) -> Vec<Face> {
    let mut faces = Vec::new();
    for (i, look) in looks.iter().enumerate() {
        for face in &look.faces {
            let others = looks.iter().enumerate().filter(|(j, _)| *j != i);
            let (mut sum, mut count, mut best) = (face.score, 1.0, face.score);
            for (_, other) in others {
                let seen = seen_score(other, face);
                best = seen.max(best);
                if should_see(other, face) {
                    (sum, count) = (sum + seen, count + 1.0);
                }
            }
            let mean = sum / count;
            let score = match join {
                Join::Mean => mean,
                Join::HalfWayToBest => 0.5 * (mean + best),
            };
            if score >= threshold {
                faces.push(Face { score, ..*face });
            }
        }
    }
    let kept = suppress(&mut faces, max_iou);
    faces.truncate(kept);
    faces
}

/// Whether the face is in this search's reliable range.
fn should_see(look: &ScaleResult, face: &Face) -> bool {
    TRUSTED_PX.contains(&(side(&face.rect) * look.scale))
}

/// A search's score for a face that another one found: 0 if it saw none.
fn seen_score(look: &ScaleResult, face: &Face) -> f32 {
    let same = look
        .faces
        .iter()
        .filter(|other| other.rect.iou(&face.rect) >= SAME_IOU);
    same.map(|other| other.score).fold(0.0, f32::max)
}

fn side(rect: &Rect) -> f32 {
    (rect.w * rect.h).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: f32, side: f32, score: f32) -> Face {
        let rect = Rect {
            x,
            y: 0.0,
            w: side,
            h: side,
        };
        Face {
            rect,
            score,
            ..Face::default()
        }
    }

    fn scores(coarse: Vec<Face>, fine: Vec<Face>) -> Vec<f32> {
        joined(Join::HalfWayToBest, coarse, fine)
    }

    fn joined(join: Join, coarse: Vec<Face>, fine: Vec<Face>) -> Vec<f32> {
        let looks = [
            ScaleResult {
                scale: 0.5,
                faces: coarse,
            },
            ScaleResult {
                scale: 1.0,
                faces: fine,
            },
        ];
        // Rounded: means of such numbers are inexact in their last bit.
        let round = |score: f32| (score * 1e4).round() / 1e4;
        fuse(&looks, join, 0.6, 0.3)
            .iter()
            .map(|face| round(face.score))
            .collect()
    }

    #[test]
    fn by_the_mean_a_face_that_both_should_see_needs_both() {
        let mean = |coarse, fine| joined(Join::Mean, coarse, fine);
        assert_eq!(
            mean(vec![face(0.0, 100.0, 0.9)], vec![face(5.0, 100.0, 0.7)]),
            [0.8]
        );
        assert_eq!(mean(vec![], vec![face(0.0, 100.0, 0.9)]), [0.0; 0]);
        assert_eq!(mean(vec![face(0.0, 100.0, 0.9)], vec![]), [0.0; 0]);
        assert_eq!(mean(vec![], vec![face(0.0, 40.0, 0.9)]), [0.9]);
    }

    #[test]
    fn of_a_face_that_both_should_see_the_better_look_counts_more() {
        assert_eq!(
            scores(vec![face(0.0, 100.0, 0.9)], vec![face(5.0, 100.0, 0.7)]),
            [0.85]
        );
        assert_eq!(
            scores(vec![face(0.0, 100.0, 0.9)], vec![face(5.0, 100.0, 0.3)]),
            [0.75],
            "one look is in doubt"
        );
        // Half way from 0.4 to 0.8 is 0.6, from 0.39 to 0.78 less.
        assert_eq!(scores(vec![], vec![face(0.0, 100.0, 0.8)]), [0.6]);
        assert_eq!(scores(vec![], vec![face(0.0, 100.0, 0.78)]), [0.0; 0]);
        assert_eq!(scores(vec![face(0.0, 100.0, 0.78)], vec![]), [0.0; 0]);
    }

    #[test]
    fn a_look_that_sees_such_faces_badly_may_confirm_one_but_not_reject_it() {
        let huge = |score| face(0.0, 500.0, score);
        assert_eq!(scores(vec![huge(0.7)], vec![huge(0.9)]), [0.85]);
        assert_eq!(scores(vec![huge(0.9)], vec![huge(0.3)]), [0.9]);
    }

    #[test]
    fn a_small_face_needs_the_fine_look_only_and_a_huge_one_the_coarse() {
        assert_eq!(scores(vec![], vec![face(0.0, 40.0, 0.9)]), [0.9]);
        assert_eq!(scores(vec![face(0.0, 500.0, 0.9)], vec![]), [0.9]);
    }

    #[test]
    fn neighbours_stay_apart_and_the_best_comes_first() {
        let fine = vec![
            face(0.0, 30.0, 0.7),
            face(200.0, 30.0, 0.8),
            face(202.0, 30.0, 0.65),
        ];
        assert_eq!(scores(vec![], fine), [0.8, 0.7]);
    }

    #[test]
    fn a_low_threshold_is_reported_down_to_it() {
        for join in [Join::Mean, Join::HalfWayToBest] {
            assert_eq!(least_score(join, 0.65), 0.2);
            assert_eq!(
                least_score(join, 0.1),
                if join == Join::Mean { 0.05 } else { 0.1 }
            );
            assert_eq!(least_score(join, 0.0), 0.05);
        }
        assert_eq!(
            least_score(Join::Mean, 0.5),
            0.05,
            "half of a sure look is enough"
        );
        assert_eq!(least_score(Join::HalfWayToBest, 0.5), 0.2);
    }
}
