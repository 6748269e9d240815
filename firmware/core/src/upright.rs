//! A face of a single picture, cut again until the head is upright. A stream needs no second cut: see
//! [`crate::pose::HeadPose`].

use crate::{
    align::{align_at, landmarks_roll_deg, wrap_deg},
    classify::{ClassifyNet, Crop, Reading, classify},
    detect::{Face, NetError},
    frame::Frame,
};

/// A crop with less tilt than this left is not cut again, in degrees.
pub const LEVEL_DEG: f32 = 4.0;
/// The most cuts of one face.
pub const MAX_CUTS: usize = 3;

/// What an upright crop of a face shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Upright {
    /// The net's answer for the crop.
    pub reading: Reading,
    /// How far the crop is turned against the picture, in degrees, clockwise positive.
    pub crop_roll_deg: f32,
    /// The head's tilt in the picture, in degrees, clockwise positive: the crop's and what is left in it.
    pub roll_deg: f32,
}

impl Upright {
    fn left_deg(&self) -> f32 {
        self.reading.pose.map_or(0.0, |pose| pose.roll_deg.abs())
    }
}

/// Cuts and reads a face: first as its landmarks lie, then turned by what the net says is left, until that is less than
/// [`LEVEL_DEG`] and at most [`MAX_CUTS`] times. A cut with more left than the one before is not taken. Afterwards `crop`
/// and the net's other outputs are those of the answer.
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
    let mut best = read_at(net, frame, face, landmarks_roll_deg(face), crop)?;
    for _ in 1..MAX_CUTS {
        if best.left_deg() < LEVEL_DEG {
            break;
        }
        let next = read_at(net, frame, face, best.roll_deg, crop)?;
        if next.left_deg() > best.left_deg() {
            return read_at(net, frame, face, best.crop_roll_deg, crop);
        }
        best = next;
    }
    Ok(best)
}

fn read_at(
    net: &mut impl ClassifyNet,
    frame: &Frame<'_>,
    face: &Face,
    crop_roll_deg: f32,
    crop: &mut Crop,
) -> Result<Upright, NetError> {
    align_at(frame, face, crop_roll_deg, crop);
    let reading = classify(net, crop)?;
    let roll_deg = match &reading.pose {
        Some(pose) => wrap_deg(crop_roll_deg + pose.roll_deg),
        None => face.roll_deg(),
    };
    Ok(Upright {
        reading,
        crop_roll_deg,
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
        geometry::{Point, Rect},
        pose::CropPose,
    };
    use std::vec::Vec;

    /// Says that of the tilt of `head_deg` a share is left that it cannot see, whatever the crop shows.
    struct Scripted {
        left_deg: Vec<f32>,
        runs: usize,
    }

    impl ClassifyNet for Scripted {
        fn run(&mut self, _: &Crop) -> Result<Answer, NetError> {
            let roll_deg = self.left_deg[self.runs];
            self.runs += 1;
            let pose = CropPose {
                roll_deg,
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

    /// The crop's rolls of the answer and the tilt it says, and how often the net was asked.
    fn read(left_deg: &[f32]) -> (f32, f32, usize) {
        let picture = [100; 100 * 100];
        let frame = Frame::packed(&picture, PixelFormat::Grey, (100, 100), Millis(0)).unwrap();
        let mut net = Scripted {
            left_deg: left_deg.to_vec(),
            runs: 0,
        };
        let mut crop = [0; CROP_PX * CROP_PX];
        let read = read_upright(&mut net, &frame, &face(), &mut crop).unwrap();
        let whole = |deg: f32| libm::roundf(deg * 10.0) / 10.0;
        (whole(read.crop_roll_deg), whole(read.roll_deg), net.runs)
    }

    #[test]
    fn cut_again_until_level_and_three_times_at_most() {
        assert_eq!(read(&[3.9]), (0.0, 3.9, 1));
        assert_eq!(read(&[20.0, 2.0]), (20.0, 22.0, 2));
        assert_eq!(read(&[-30.0, -12.0, 5.0]), (-42.0, -37.0, 3));
        assert_eq!(read(&[170.0, 20.0, 1.0]), (-170.0, -169.0, 3));
    }

    #[test]
    fn a_cut_that_made_it_worse_is_not_taken() {
        assert_eq!(read(&[10.0, -25.0, 10.0]), (0.0, 10.0, 3));
    }
}
