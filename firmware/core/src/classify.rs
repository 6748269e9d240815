//! Classifies a crop: logits to scores. Runs no net itself: the engine is behind [`ClassifyNet`].

use crate::{
    detect::NetError,
    expression::{Expression, Scores},
    pose::CropPose,
};

/// Width and height of the upright grey face that the classifier sees, in pixels.
pub const CROP_PX: usize = 48;

/// An upright grey face, row by row.
pub type Crop = [u8; CROP_PX * CROP_PX];

/// A classifier's outputs for one crop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// A logit for each expression, already divided by the net's calibration temperature.
    pub logits: [f32; Expression::COUNT],
    /// How the head is turned in the crop; `None` if the net has no such output.
    pub pose: Option<CropPose>,
    /// The logit that the crop shows a human face; `None` if the net has no such output.
    pub face: Option<f32>,
}

impl From<[f32; Expression::COUNT]> for Answer {
    /// The answer of a net that has scores only.
    fn from(logits: [f32; Expression::COUNT]) -> Self {
        Self {
            logits,
            pose: None,
            face: None,
        }
    }
}

/// An expression classifier's net behind whatever engine runs it.
pub trait ClassifyNet {
    /// One forward pass.
    ///
    /// # Errors
    /// [`NetError`] if the engine fails or its outputs have another shape.
    fn run(&mut self, crop: &Crop) -> Result<Answer, NetError>;
}

/// An [`Answer`] with scores instead of logits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// A probability for each expression.
    pub scores: Scores,
    /// How the head is turned in the crop, if the net has that output.
    pub pose: Option<CropPose>,
    /// The logit that the crop shows a human face, if the net has that output.
    pub face: Option<f32>,
}

/// Runs the net on a crop and turns its logits into scores.
///
/// # Errors
/// The net's own, or [`NetError::Engine`] if a logit is not a finite number.
pub fn classify(net: &mut impl ClassifyNet, crop: &Crop) -> Result<Reading, NetError> {
    let answer = net.run(crop)?;
    let face = answer.face.is_none_or(f32::is_finite);
    if face && answer.logits.iter().all(|logit| logit.is_finite()) {
        Ok(Reading {
            scores: softmax(&answer.logits),
            pose: answer.pose,
            face: answer.face,
        })
    } else {
        Err(NetError::Engine)
    }
}

/// `exp(logit) / sum(exp(logits))`, from the largest logit downwards so that nothing overflows. Logits are finite.
pub fn softmax(logits: &[f32; Expression::COUNT]) -> Scores {
    let largest = logits.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
    let powers = logits.map(|logit| libm::expf(logit - largest));
    // At least 1, the largest logit's own power.
    let sum: f32 = powers.iter().sum();
    Scores(powers.map(|power| power / sum))
}

/// The answer of two looks at one face: the geometric mean of both scores, which is that of their logits.
pub fn joined(a: &Scores, b: &Scores) -> Scores {
    // No score is 0 but by underflow.
    let log = |score: f32| libm::logf(score.max(f32::MIN_POSITIVE));
    softmax(&core::array::from_fn(|i| (log(a.0[i]) + log(b.0[i])) / 2.0))
}

/// The crop as in a mirror.
pub fn mirrored(crop: &Crop) -> Crop {
    let mut out = *crop;
    for row in out.chunks_exact_mut(CROP_PX) {
        row.reverse();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed([f32; Expression::COUNT]);

    impl ClassifyNet for Fixed {
        fn run(&mut self, _: &Crop) -> Result<Answer, NetError> {
            Ok(self.0.into())
        }
    }

    #[test]
    fn softmax_keeps_ratios_and_sums_to_one() {
        let mut logits = [0.0; 7];
        logits[3] = 2.0_f32.ln();
        let scores = softmax(&logits);
        assert!((scores.0.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((scores.of(Expression::Happy) - 0.25).abs() < 1e-6);
        assert_eq!(softmax(&[5.0; 7]), softmax(&[0.0; 7]));
    }

    #[test]
    fn two_looks_are_joined_as_their_logits_would_be() {
        let (a, b) = (
            [3.0, 0.0, 1.0, -2.0, 0.5, 0.0, 2.0],
            [1.0, 4.0, 0.0, 0.0, 0.5, -1.0, 2.0],
        );
        let both = joined(&softmax(&a), &softmax(&b));
        let mean = softmax(&core::array::from_fn(|i| (a[i] + b[i]) / 2.0));
        for (score, wanted) in both.0.iter().zip(mean.0) {
            assert!((score - wanted).abs() < 1e-6);
        }
        let far = softmax(&[900.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(joined(&far, &far).of(Expression::Angry) > 0.999);
    }

    #[test]
    fn a_mirror_turns_each_row_around() {
        let mut crop = [0; CROP_PX * CROP_PX];
        (crop[0], crop[CROP_PX + 1]) = (7, 9);
        let seen = mirrored(&crop);
        assert_eq!((seen[CROP_PX - 1], seen[2 * CROP_PX - 2]), (7, 9));
        assert_eq!(mirrored(&seen), crop);
    }

    #[test]
    fn wild_logits_stay_stable() {
        let scores = softmax(&[1e30, 0.0, 0.0, -1e30, 0.0, 0.0, 0.0]);
        assert_eq!(scores.top(), (Expression::Angry, 1.0));
        assert_eq!(scores.of(Expression::Happy), 0.0);
    }

    #[test]
    fn a_net_gone_wrong_is_an_error() {
        let crop = [0; CROP_PX * CROP_PX];
        let bad = [0.0, f32::NAN, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(classify(&mut Fixed(bad), &crop), Err(NetError::Engine));
        assert_eq!(
            classify(&mut Fixed([0.0; 7]), &crop).map(|reading| reading.scores),
            Ok(Scores([1.0 / 7.0; 7]))
        );
    }
}
