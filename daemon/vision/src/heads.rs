//! The heads of one photo, each once: of a head that lies on its side or stands on its top the detector draws several boxes, and
//! each of them is read upright.

use moodring_core::{
    align::{BOX_IN_CROP, TURN_CENTER},
    geometry::Rect,
};

use super::photo::PhotoFace;

/// Of the smaller of two boxes on one head so much lies in the larger.
const NESTED_SHARE: f32 = 0.5;
/// Faces whose middles, as read, are nearer than so many sides of a face are one.
const APART_SIDES: f32 = 0.4;

/// Faces in the order in which they were found, the best first.
#[derive(Default)]
pub(super) struct Heads {
    faces: Vec<PhotoFace>,
}

impl Heads {
    /// Whether a box lies on a head that is there already, so that it need not be read.
    pub(super) fn has(&self, rect: &Rect) -> bool {
        self.faces
            .iter()
            .any(|face| is_nested(&face.face.rect, rect))
    }

    /// Adds a face, unless its crop shows a head that is there already.
    pub(super) fn add(&mut self, face: PhotoFace) {
        if !self.faces.iter().any(|other| is_same(other, &face)) {
            self.faces.push(face);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.faces.is_empty()
    }

    pub(super) fn into_faces(self) -> Vec<PhotoFace> {
        self.faces
    }
}

fn is_nested(a: &Rect, b: &Rect) -> bool {
    a.intersection(b).area() > NESTED_SHARE * a.area().min(b.area())
}

/// Both crops are upright and in place, so those of one head show it at the same place.
fn is_same(a: &PhotoFace, b: &PhotoFace) -> bool {
    let middle = |face: &PhotoFace| face.from_crop.apply(TURN_CENTER);
    let side = |face: &PhotoFace| BOX_IN_CROP.side() * face.from_crop.scale();
    middle(a).distance(middle(b)) < APART_SIDES * side(a).max(side(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::PhotoReading;
    use moodring_core::{detect::Face, expression::Scores, geometry::Similarity, mood::FaceMood};

    /// A face read at this place, `scale` times as large as its crop.
    fn face(x: f32, y: f32, scale: f32) -> PhotoFace {
        let from_crop = Similarity {
            a: scale,
            b: 0.0,
            tx: x,
            ty: y,
        };
        let rect = Rect::new(
            x + BOX_IN_CROP.x * scale,
            y + BOX_IN_CROP.y * scale,
            BOX_IN_CROP.w * scale,
            BOX_IN_CROP.h * scale,
        );
        PhotoFace {
            face: Face {
                rect,
                ..Face::default()
            },
            reading: PhotoReading {
                scores: Scores::UNKNOWN,
                mood: FaceMood::UNKNOWN,
                facing: None,
            },
            roll_deg: 0.0,
            from_crop,
            map: None,
        }
    }

    fn count(faces: &[PhotoFace]) -> usize {
        let mut heads = Heads::default();
        faces.iter().for_each(|face| heads.add(*face));
        heads.into_faces().len()
    }

    #[test]
    fn crops_at_one_place_are_one_head_and_neighbours_are_several() {
        assert_eq!(count(&[face(0.0, 0.0, 3.0), face(20.0, 10.0, 3.0)]), 1);
        assert_eq!(count(&[face(0.0, 0.0, 3.0), face(30.0, 40.0, 1.5)]), 1);
        assert_eq!(count(&[face(0.0, 0.0, 3.0), face(90.0, 0.0, 3.0)]), 2);
        assert_eq!(count(&[face(0.0, 0.0, 3.0), face(130.0, 0.0, 1.0)]), 2);
    }

    #[test]
    fn a_box_in_a_box_lies_on_one_head_and_a_neighbour_does_not() {
        let mut heads = Heads::default();
        heads.add(face(0.0, 0.0, 5.0));
        assert!(heads.has(&Rect::new(80.0, 50.0, 96.0, 119.0)));
        assert!(!heads.has(&Rect::new(200.0, 40.0, 80.0, 90.0)));
    }
}
