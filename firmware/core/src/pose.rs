//! How a head is turned, read from the net's pose output and followed over time. Cuts no crop.

use crate::{frame::Millis, geometry::Point, smooth::smoothing_factor};

/// How the head in a crop is turned, by one run of the net.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CropPose {
    /// The tilt that is left in the crop, in degrees, clockwise positive; 0 if the net is not sure of it.
    pub roll_deg: f32,
    /// How far the face's middle lies from where it should be, in crop pixels; 0 if the net is not sure of the roll.
    pub offset_px: Point,
    /// The natural logarithm of the face's size against what it should be; 0 if the net is not sure of the roll.
    pub log_size: f32,
    /// Probability that the face is seen from the front, 0 to 1.
    pub frontal: f32,
    /// Probability that the face is seen in profile, from either side, 0 to 1.
    pub profile: f32,
    /// Probability that the head is lowered, 0 to 1.
    pub lowered: f32,
}

/// Values of the net's pose output.
pub const POSE_VALUES: usize = 13;
/// Pixels of one step of the net's offset, and the farthest offset that is believed.
const OFFSET_UNIT_PX: f32 = 10.0;
const OFFSET_LIMIT_PX: f32 = 8.0;
/// The largest logarithm of a size that is believed.
const SIZE_LIMIT: f32 = 0.35;
/// The length of the roll vector from which it is believed, unless the model has another.
pub const ROLL_TRUST: f32 = 0.35;

impl CropPose {
    /// The pose of a net's values: the sine and cosine of the roll, logits of five classes of yaw (profile and half profile to
    /// the picture's left, frontal, half profile and profile to the right), logits of three classes of pitch (down, level,
    /// up), the middle's offset and the logarithm of the size. A roll vector shorter than `roll_trust` counts as no roll,
    /// no offset and the right size. `None` if a value is not finite.
    pub fn decode(values: &[f32; POSE_VALUES], roll_trust: f32) -> Option<Self> {
        if !values.iter().all(|value| value.is_finite()) {
            return None;
        }
        let [
            sin,
            cos,
            left,
            half_left,
            front,
            half_right,
            right,
            down,
            level,
            up,
            x,
            y,
            size,
        ] = *values;
        let yaw = probabilities([left, half_left, front, half_right, right]);
        let [lowered, _, _] = probabilities([down, level, up]);
        let is_sure = libm::hypotf(sin, cos) >= roll_trust;
        let known = |value: f32| if is_sure { value } else { 0.0 };
        let offset =
            |value: f32| known((value * OFFSET_UNIT_PX).clamp(-OFFSET_LIMIT_PX, OFFSET_LIMIT_PX));
        Some(Self {
            roll_deg: known(libm::atan2f(sin, cos).to_degrees()),
            offset_px: Point::new(offset(x), offset(y)),
            log_size: known(size.clamp(-SIZE_LIMIT, SIZE_LIMIT)),
            frontal: yaw[2],
            profile: yaw[0] + yaw[4],
            lowered,
        })
    }

    /// Whether the expression cannot be read because the face is seen from the side.
    pub fn is_profile(&self) -> bool {
        self.profile > 0.5
    }

    /// Whether the person looks toward the camera.
    pub fn is_facing(&self) -> bool {
        self.frontal > 0.5 && self.lowered < 0.5
    }
}

fn probabilities<const N: usize>(logits: [f32; N]) -> [f32; N] {
    let largest = logits.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
    let powers = logits.map(|logit| libm::expf(logit - largest));
    let sum: f32 = powers.iter().sum();
    powers.map(|power| power / sum)
}

/// A face stays in profile until the probability of a profile is below this, so that nothing flickers at one half.
const PROFILE_EXIT_PROBABILITY: f32 = 0.4;
/// Time constant over which poses are smoothed, in milliseconds.
const POSE_TAU_MS: u64 = 200;
/// The roll of one run is noisy by about 3 degrees: of a small difference this share is taken over ...
const ROLL_STEP: f32 = 0.5;
/// ... and all of one from this many degrees on, which is a movement.
const MOVED_DEG: f32 = 10.0;

/// How one person's head is turned, over time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HeadPose {
    last: Option<(CropPose, Millis)>,
    roll_deg: Option<f32>,
    is_profile: bool,
    is_facing: bool,
}

impl HeadPose {
    /// The head's roll in the frame, in degrees, clockwise positive; `None` before the first pose.
    pub const fn roll_deg(&self) -> Option<f32> {
        self.roll_deg
    }

    /// Whether the face is seen from the side, so that its expression is not named.
    pub const fn is_profile(&self) -> bool {
        self.is_profile
    }

    /// Whether the person looks toward the camera; `None` before the first pose.
    pub fn is_facing(&self) -> Option<bool> {
        self.last.map(|_| self.is_facing)
    }

    /// Takes in the pose of a crop that was cut at `crop_roll_deg` in the frame at `time`.
    pub fn update(&mut self, pose: &CropPose, crop_roll_deg: f32, time: Millis) {
        let step = match self.roll_deg {
            Some(_) => (pose.roll_deg.abs() / MOVED_DEG).clamp(ROLL_STEP, 1.0),
            None => 1.0,
        };
        self.roll_deg = Some(crate::align::wrap_deg(crop_roll_deg + step * pose.roll_deg));
        let smoothed = match self.last {
            Some((last, before)) => {
                let factor = smoothing_factor(time.since(before), POSE_TAU_MS);
                let blend = |old: f32, new: f32| old + (new - old) * factor;
                CropPose {
                    frontal: blend(last.frontal, pose.frontal),
                    profile: blend(last.profile, pose.profile),
                    lowered: blend(last.lowered, pose.lowered),
                    ..*pose
                }
            }
            None => *pose,
        };
        self.last = Some((smoothed, time));
        self.is_profile =
            smoothed.is_profile() || self.is_profile && smoothed.profile > PROFILE_EXIT_PROBABILITY;
        self.is_facing = smoothed.is_facing()
            || self.is_facing
                && smoothed.frontal > PROFILE_EXIT_PROBABILITY
                && smoothed.lowered < 1.0 - PROFILE_EXIT_PROBABILITY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(roll_deg: f32, length: f32, yaw: usize, pitch: usize) -> [f32; POSE_VALUES] {
        let mut values = [0.0; POSE_VALUES];
        let (sin, cos) = libm::sincosf(roll_deg.to_radians());
        (values[0], values[1]) = (length * sin, length * cos);
        values[2 + yaw] = 6.0;
        values[7 + pitch] = 6.0;
        (values[10], values[11], values[12]) = (0.3, -5.0, 0.1);
        values
    }

    #[test]
    fn ten_values_are_a_pose() {
        let pose = CropPose::decode(&values(-30.0, 0.9, 2, 1), ROLL_TRUST).unwrap();
        assert!((pose.roll_deg + 30.0).abs() < 1e-3);
        assert!(pose.is_facing() && !pose.is_profile());
        assert_eq!(
            pose.offset_px,
            Point::new(3.0, -8.0),
            "ten pixels a step, eight at most"
        );
        assert_eq!(pose.log_size, 0.1);
        for side in [0, 4] {
            let pose = CropPose::decode(&values(0.0, 1.0, side, 1), ROLL_TRUST).unwrap();
            assert!(pose.is_profile() && !pose.is_facing());
        }
        let half = CropPose::decode(&values(0.0, 1.0, 1, 1), ROLL_TRUST).unwrap();
        assert!(!half.is_profile() && !half.is_facing());
        let lowered = CropPose::decode(&values(0.0, 1.0, 2, 0), ROLL_TRUST).unwrap();
        assert!(!lowered.is_facing() && !lowered.is_profile());
    }

    #[test]
    fn a_roll_that_the_net_is_not_sure_of_is_none_and_broken_values_are_no_pose() {
        let unsure = values(80.0, 0.3, 2, 1);
        let pose = CropPose::decode(&unsure, ROLL_TRUST).unwrap();
        let place = (pose.roll_deg, pose.offset_px, pose.log_size);
        assert_eq!(place, (0.0, Point::default(), 0.0));
        let mut broken = unsure;
        broken[9] = f32::NAN;
        assert_eq!(CropPose::decode(&broken, ROLL_TRUST), None);
    }

    #[test]
    fn the_roll_follows_a_turn_at_once_and_noise_by_half() {
        let pose = |roll_deg| CropPose::decode(&values(roll_deg, 1.0, 2, 1), 0.3).unwrap();
        let mut head = HeadPose::default();
        assert_eq!((head.roll_deg(), head.is_facing()), (None, None));
        head.update(&pose(6.0), 20.0, Millis(0));
        assert!(
            (head.roll_deg().unwrap() - 26.0).abs() < 1e-3,
            "the first counts fully"
        );
        head.update(&pose(2.0), 26.0, Millis(33));
        assert!((head.roll_deg().unwrap() - 27.0).abs() < 1e-3);
        head.update(&pose(-40.0), 27.0, Millis(66));
        assert!((head.roll_deg().unwrap() + 13.0).abs() < 1e-3);
        head.update(&pose(20.0), 170.0, Millis(99));
        assert!(
            (head.roll_deg().unwrap() + 170.0).abs() < 1e-3,
            "never beyond the circle"
        );
        assert_eq!(head.is_facing(), Some(true));
    }

    #[test]
    fn a_glance_aside_is_no_profile_and_a_profile_does_not_flicker() {
        let pose = |yaw| CropPose::decode(&values(0.0, 1.0, yaw, 1), 0.3).unwrap();
        let mut head = HeadPose::default();
        head.update(&pose(2), 0.0, Millis(0));
        head.update(&pose(0), 0.0, Millis(60));
        assert!(!head.is_profile());
        for time in 3..20 {
            head.update(&pose(0), 0.0, Millis(time * 60));
        }
        assert!(head.is_profile() && head.is_facing() == Some(false));
        head.update(&pose(2), 0.0, Millis(1_240));
        assert!(head.is_profile());
    }

    proptest! {
        #[test]
        fn any_values_give_a_pose_in_range(
            values in prop::collection::vec(-1e30..1e30_f32, POSE_VALUES),
        ) {
            let values = values.try_into().unwrap();
            let pose = CropPose::decode(&values, ROLL_TRUST).unwrap();
            prop_assert!((-180.0..=180.0).contains(&pose.roll_deg));
            for p in [pose.frontal, pose.profile, pose.lowered] {
                prop_assert!((0.0..=1.0001).contains(&p));
            }
            let mut head = HeadPose::default();
            head.update(&pose, 1e9, Millis(5));
            prop_assert!((-180.0..=180.0).contains(&head.roll_deg().unwrap()));
        }
    }
}
