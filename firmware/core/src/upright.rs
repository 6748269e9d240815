//! Turns the head upright in a single picture: cuts the face's crop again until it is upright by the net's pose output. A
//! stream needs no second cut: there [`crate::pose::HeadPose`] gives the roll at which the next crop is cut.

use crate::{
    align::{cut, from_crop, from_crop_at, landmarks_roll_deg, mended, rotation_deg, wrap_deg},
    classify::{ClassifyNet, Crop, Reading, classify, joined, mirrored},
    detect::{Face, NetError},
    frame::Frame,
    geometry::{Point, Similarity},
    pose::CropPose,
};

/// A crop with less tilt than this left is not cut again, in degrees, ...
pub const LEVEL_DEG: f32 = 4.0;
/// ... if its middle is nearer than this, in crop pixels, ...
const MIDDLE_PX: f32 = 1.5;
/// ... and its size within this, as a logarithm.
const LOG_SIZE: f32 = 0.08;
/// The most cuts of one face.
pub const MAX_CUTS: usize = 3;

/// What an upright crop of a face shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Upright {
    /// The net's answer for the crop.
    pub reading: Reading,
    /// The transform from the crop to the picture.
    pub from_crop: Similarity,
    /// The head's tilt in the picture, in degrees, clockwise positive: the crop's and what is left in it.
    pub roll_deg: f32,
}

impl Upright {
    /// How far the crop is from what it should be; below 1 it is good.
    fn error(&self) -> f32 {
        let Some(pose) = &self.reading.pose else {
            return 0.0;
        };
        let turn = pose.roll_deg.abs() / LEVEL_DEG;
        let offset = pose.offset_px.distance(Point::default()) / MIDDLE_PX;
        turn.max(offset).max(pose.log_size.abs() / LOG_SIZE)
    }
}

/// Cuts and reads a face: first as its landmarks lie, then mended by the net's pose for the crop, until that is good and at
/// most [`MAX_CUTS`] times. The best of the cuts counts. Afterwards `crop` and the net's other outputs are those of the answer.
///
/// A net without a pose is asked once; the tilt is then that of the eyes.
///
/// # Errors
/// [`NetError`] from the net.
pub fn read_upright(
    net: &mut impl ClassifyNet,
    frame: &Frame<'_>,
    face: &Face,
    crop: &mut Crop,
) -> Result<Upright, NetError> {
    read_from(net, frame, face, from_crop(face), crop)
}

/// The same, beginning so far from the landmarks' roll: see [`crate::second_look`].
///
/// # Errors
/// [`NetError`] from the net.
pub fn read_turned(
    net: &mut impl ClassifyNet,
    frame: &Frame<'_>,
    face: &Face,
    turn_deg: f32,
    crop: &mut Crop,
) -> Result<Upright, NetError> {
    let roll_deg = wrap_deg(landmarks_roll_deg(face) + turn_deg);
    read_from(net, frame, face, from_crop_at(face, roll_deg), crop)
}

/// The scores of a crop and of its mirror image together, which are right more often than those of one. Afterwards the net's
/// other outputs are those of the crop itself.
///
/// # Errors
/// [`NetError`] from the net.
pub fn read_mirrored(net: &mut impl ClassifyNet, crop: &Crop) -> Result<Reading, NetError> {
    let other = classify(net, &mirrored(crop))?;
    let own = classify(net, crop)?;
    Ok(Reading {
        scores: joined(&own.scores, &other.scores),
        ..own
    })
}

fn read_from(
    net: &mut impl ClassifyNet,
    frame: &Frame<'_>,
    face: &Face,
    first: Similarity,
    crop: &mut Crop,
) -> Result<Upright, NetError> {
    let mut last = read_at(net, frame, face, first, crop)?;
    let mut best = last;
    for _ in 1..MAX_CUTS {
        let pose: CropPose = match last.reading.pose {
            Some(pose) if last.error() >= 1.0 => pose,
            _ => break,
        };
        last = read_at(net, frame, face, mended(&last.from_crop, &pose), crop)?;
        if last.error() < best.error() {
            best = last;
        }
    }
    if best == last {
        return Ok(best);
    }
    read_at(net, frame, face, best.from_crop, crop)
}

fn read_at(
    net: &mut impl ClassifyNet,
    frame: &Frame<'_>,
    face: &Face,
    from_crop: Similarity,
    crop: &mut Crop,
) -> Result<Upright, NetError> {
    cut(frame, &from_crop, crop);
    let reading = classify(net, crop)?;
    let roll_deg = match &reading.pose {
        Some(pose) => wrap_deg(rotation_deg(&from_crop) + pose.roll_deg),
        None => face.roll_deg(),
    };
    Ok(Upright {
        reading,
        from_crop,
        roll_deg,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        classify::{Answer, CROP_PX},
        expression::Expression,
        frame::{Millis, PixelFormat},
        geometry::Rect,
    };
    use std::vec::Vec;

    /// Answers these rolls, one after the other, whatever the crop shows.
    struct Scripted {
        left_deg: Vec<f32>,
        offset_px: Point,
        runs: usize,
    }

    impl ClassifyNet for Scripted {
        fn run(&mut self, _: &Crop) -> Result<Answer, NetError> {
            let roll_deg = self.left_deg[self.runs % self.left_deg.len()];
            self.runs += 1;
            let pose = CropPose {
                roll_deg,
                offset_px: self.offset_px,
                log_size: 0.0,
                frontal: 1.0,
                profile: 0.0,
                lowered: 0.0,
            };
            Ok(Answer {
                pose: Some(pose),
                ..Answer::from([0.0; Expression::COUNT])
            })
        }
    }

    fn face() -> Face {
        Face {
            rect: Rect::new(30.0, 30.0, 40.0, 50.0),
            landmarks: crate::align::LANDMARKS_IN_CROP.map(|p| p + Point::new(26.0, 30.0)),
            score: 0.9,
        }
    }

    /// The roll of the resulting crop, the tilt in the answer, and how often the net was asked.
    fn read(left_deg: &[f32]) -> (f32, f32, usize) {
        let picture = [100; 100 * 100];
        let frame = Frame::packed(&picture, PixelFormat::Grey, (100, 100), Millis(0)).unwrap();
        let mut net = Scripted {
            left_deg: left_deg.to_vec(),
            offset_px: Point::default(),
            runs: 0,
        };
        let mut crop = [0; CROP_PX * CROP_PX];
        let read = read_upright(&mut net, &frame, &face(), &mut crop).unwrap();
        let whole = |deg: f32| libm::roundf(deg * 10.0) / 10.0;
        (
            whole(rotation_deg(&read.from_crop)),
            whole(read.roll_deg),
            net.runs,
        )
    }

    #[test]
    fn cut_again_until_level_and_three_times_at_most() {
        assert_eq!(read(&[3.9]), (0.0, 3.9, 1));
        assert_eq!(read(&[20.0, 2.0]), (20.0, 22.0, 2));
        assert_eq!(read(&[-30.0, -12.0, 5.0]), (-42.0, -37.0, 3));
        assert_eq!(read(&[170.0, 20.0, 1.0]), (-170.0, -169.0, 3));
    }

    /// Answers happy for a crop that is bright on the left and sad for others; the brightness there is its face output.
    struct OneSided;

    impl ClassifyNet for OneSided {
        fn run(&mut self, crop: &Crop) -> Result<Answer, NetError> {
            let happy = if crop[0] > 100 { 4.0 } else { 0.0 };
            let mut answer = Answer::from([0.0, 0.0, 0.0, happy, 3.0, 0.0, 0.0]);
            answer.face = Some(f32::from(crop[0]));
            Ok(answer)
        }
    }

    #[test]
    fn a_crop_and_its_mirror_image_have_one_answer_and_the_rest_is_the_crops() {
        let mut crop = [0; CROP_PX * CROP_PX];
        crop.iter_mut().step_by(CROP_PX).for_each(|px| *px = 200);
        let one = classify(&mut OneSided, &crop).unwrap();
        assert_eq!(one.scores.top().0, Expression::Happy);
        let own = read_mirrored(&mut OneSided, &crop).unwrap();
        let other = read_mirrored(&mut OneSided, &mirrored(&crop)).unwrap();
        assert_eq!(own.scores.top().0, Expression::Sad);
        for (a, b) in own.scores.0.iter().zip(other.scores.0) {
            assert!((a - b).abs() < 1e-6);
        }
        assert_eq!((own.face, other.face), (Some(200.0), Some(0.0)));
    }

    #[test]
    fn a_head_on_its_top_is_begun_half_a_turn_further() {
        let picture = [100; 100 * 100];
        let frame = Frame::packed(&picture, PixelFormat::Grey, (100, 100), Millis(0)).unwrap();
        let mut net = Scripted {
            left_deg: std::vec![5.0, 1.0],
            offset_px: Point::default(),
            runs: 0,
        };
        let mut crop = [0; CROP_PX * CROP_PX];
        let read = read_turned(&mut net, &frame, &face(), 180.0, &mut crop).unwrap();
        assert!((read.roll_deg + 174.0).abs() < 0.1, "{read:?}");
    }

    #[test]
    fn the_best_of_the_cuts_counts() {
        // The net is asked once more, so that its other outputs belong to the answer.
        assert_eq!(read(&[10.0, -25.0, 12.0, 10.0]), (0.0, 10.0, 4));
        assert_eq!(read(&[10.0, -5.0, 12.0, -5.0]), (10.0, 5.0, 4));
    }

    #[test]
    fn a_face_beside_the_middle_is_cut_again_there() {
        let picture = [100; 100 * 100];
        let frame = Frame::packed(&picture, PixelFormat::Grey, (100, 100), Millis(0)).unwrap();
        let mut net = Scripted {
            left_deg: std::vec![0.0],
            offset_px: Point::new(4.0, 0.0),
            runs: 0,
        };
        let mut crop = [0; CROP_PX * CROP_PX];
        read_upright(&mut net, &frame, &face(), &mut crop).unwrap();
        assert_eq!(net.runs, 4, "three cuts, none better than the first");
        net.offset_px = Point::new(1.0, 1.0);
        net.runs = 0;
        read_upright(&mut net, &frame, &face(), &mut crop).unwrap();
        assert_eq!(net.runs, 1);
    }
}
