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

/// The score that a search must report, so that the mean of two can reach `threshold`.
pub(super) fn least_score(threshold: f32) -> f32 {
    (2.0 * threshold - 1.0).clamp(0.05, threshold.max(0.05))
}

/// All faces whose mean score, over the searches that should see them, reaches `threshold`; the best first.
pub(super) fn fuse(looks: &[ScaleResult], threshold: f32, max_iou: f32) -> Vec<Face> {
    let mut faces = Vec::new();
    for (i, look) in looks.iter().enumerate() {
        for face in &look.faces {
            let others = looks.iter().enumerate().filter(|(j, _)| *j != i);
            let second = others.filter_map(|(_, other)| opinion(other, face));
            let (sum, count) =
                second.fold((face.score, 1.0), |(sum, n), score| (sum + score, n + 1.0));
            let score = sum / count;
            if score >= threshold {
                faces.push(Face { score, ..*face });
            }
        }
    }
    let kept = suppress(&mut faces, max_iou);
    faces.truncate(kept);
    faces
}

/// A search's score for a face that another one found: its own, 0 if it saw none; `None` if the face is out of its
/// range.
fn opinion(look: &ScaleResult, face: &Face) -> Option<f32> {
    let side_px = side(&face.rect) * look.scale;
    if !TRUSTED_PX.contains(&side_px) {
        return None;
    }
    let same = look
        .faces
        .iter()
        .filter(|other| other.rect.iou(&face.rect) >= SAME_IOU);
    Some(same.map(|other| other.score).fold(0.0, f32::max))
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
        fuse(&looks, 0.6, 0.3)
            .iter()
            .map(|face| round(face.score))
            .collect()
    }

    #[test]
    fn a_face_that_both_should_see_needs_both() {
        assert_eq!(
            scores(vec![face(0.0, 100.0, 0.9)], vec![face(5.0, 100.0, 0.7)]),
            [0.8]
        );
        assert_eq!(scores(vec![], vec![face(0.0, 100.0, 0.9)]), [0.0; 0]);
        assert_eq!(scores(vec![face(0.0, 100.0, 0.9)], vec![]), [0.0; 0]);
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
    fn what_could_still_reach_the_threshold_is_reported() {
        assert_eq!(least_score(0.75), 0.5);
        assert_eq!(least_score(0.5), 0.05);
        assert_eq!(least_score(0.01), 0.05);
    }
}
