//! Greedy non-maximum suppression: one face for many overlapping boxes. Knows no net.

use crate::detect::Face;
use core::cmp::Ordering;

/// Two boxes that overlap by more than this IoU are one face, unless the settings have another limit.
pub const DEFAULT_IOU: f32 = 0.3;

/// Sorts `faces` by falling score and moves those to the front that no better kept one overlaps by more than `max_iou`.
/// Returns how many those are; what follows them is leftover.
///
/// The result does not depend on the order of the input.
pub fn suppress(faces: &mut [Face], max_iou: f32) -> usize {
    faces.sort_unstable_by(by_falling_score);
    let mut kept = 0;
    for i in 0..faces.len() {
        let face = faces[i];
        if faces[..kept]
            .iter()
            .all(|better| better.rect.iou(&face.rect) <= max_iou)
        {
            faces[kept] = face;
            kept += 1;
        }
    }
    kept
}

/// Best score first. Equal scores are ordered by their boxes, so that the order is the same on every run.
fn by_falling_score(a: &Face, b: &Face) -> Ordering {
    let key = |face: &Face| {
        [
            -face.score,
            face.rect.x,
            face.rect.y,
            face.rect.w,
            face.rect.h,
        ]
    };
    let (a, b) = (key(a), key(b));
    a.iter()
        .zip(&b)
        .map(|(a, b)| a.total_cmp(b))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Rect;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn face(x: f32, score: f32) -> Face {
        Face {
            rect: Rect::new(x, 0.0, 10.0, 10.0),
            score,
            ..Face::default()
        }
    }

    fn kept(mut faces: Vec<Face>, max_iou: f32) -> Vec<Face> {
        let n = suppress(&mut faces, max_iou);
        faces.truncate(n);
        faces
    }

    #[test]
    fn a_suppressed_box_suppresses_nothing() {
        // B overlaps A and C, but A and C hardly meet: C must survive B's fall.
        let faces = std::vec![face(0.0, 0.9), face(4.0, 0.8), face(8.0, 0.7)];
        let left = kept(faces, 0.3);
        assert_eq!(left.iter().map(|f| f.score).collect::<Vec<_>>(), [0.9, 0.7]);
    }

    #[test]
    fn exactly_at_the_limit_both_stay() {
        // Half of each 10x10 box is common: IoU is 50 / 150.
        let faces = std::vec![face(0.0, 0.9), face(5.0, 0.8)];
        assert_eq!(kept(faces.clone(), 50.0 / 150.0).len(), 2);
        assert_eq!(kept(faces, 0.33).len(), 1);
    }

    prop_compose! {
        fn faces()(x in 0.0..60.0_f32, y in 0.0..60.0_f32, w in 5.0..40.0_f32, h in 5.0..40.0_f32, score in 0.0..1.0_f32)
            -> Face { Face { rect: Rect::new(x, y, w, h), score, ..Face::default() } }
    }

    proptest! {
        #[test]
        fn greedy_suppression_by_its_definition(all in prop::collection::vec(faces(), 0..40), max in 0.1..0.9_f32) {
            let left = kept(all.clone(), max);
            for (i, a) in left.iter().enumerate() {
                for b in &left[i + 1..] {
                    prop_assert!(a.rect.iou(&b.rect) <= max);
                    prop_assert!(a.score >= b.score);
                }
            }
            for gone in all.iter().filter(|face| !left.contains(face)) {
                prop_assert!(left.iter().any(|k| k.score >= gone.score && k.rect.iou(&gone.rect) > max));
            }
            prop_assert_eq!(kept(left.clone(), max), left);
        }

        #[test]
        fn the_order_of_the_input_does_not_matter(
            (all, shuffled) in prop::collection::vec(faces(), 0..30)
                .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        ) {
            prop_assert_eq!(kept(all, 0.3), kept(shuffled, 0.3));
        }
    }
}
