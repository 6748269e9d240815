//! Collects the worst mistakes: faces that got a wrong answer with high confidence.

use image::{GrayImage, Luma, imageops};
use moodring_core::{
    classify::CROP_PX,
    expression::{Expression, Scores},
};

use super::Sample;

/// How many are kept for each label.
pub(super) const KEPT: usize = 12;
/// Pixels between crops on the sheet, in the sheet's own enlarged pixels.
const GAP_PX: u32 = 4;
/// A crop is shown twice as large.
const SIDE_PX: u32 = 2 * CROP_PX as u32;

/// A face with a wrong answer.
pub struct Mistake {
    /// Where it comes from.
    pub name: String,
    /// The answer.
    pub read: Expression,
    /// The score of the answer, 0 to 1.
    pub confidence: f32,
    crop: GrayImage,
}

/// By label; the most confident first.
#[derive(Default)]
pub struct Mistakes([Vec<Mistake>; Expression::COUNT]);

impl Mistakes {
    /// Keeps the sample if its answer is wrong and confident enough to be among the worst of its label.
    pub fn look(&mut self, sample: &Sample, scores: &Scores) {
        let (read, confidence) = scores.top();
        let worst = &mut self.0[sample.label.index()];
        let place = worst.partition_point(|m| m.confidence >= confidence);
        if read == sample.label || place >= KEPT {
            return;
        }
        let side = CROP_PX as u32;
        let pixel = |x: u32, y: u32| Luma([sample.crop[(y * side + x) as usize]]);
        let mistake = Mistake {
            name: sample.name.clone(),
            read,
            confidence,
            crop: GrayImage::from_fn(side, side, pixel),
        };
        worst.insert(place, mistake);
        worst.truncate(KEPT);
    }

    /// The worst mistakes of one label, the most confident first.
    pub fn of(&self, label: Expression) -> &[Mistake] {
        &self.0[label.index()]
    }

    /// A contact sheet: a row for each label in FER2013's order, the most confident mistake on the left.
    pub fn sheet(&self) -> GrayImage {
        let step = SIDE_PX + GAP_PX;
        let size = |n: usize| n as u32 * step + GAP_PX;
        let mut sheet = GrayImage::from_pixel(size(KEPT), size(Expression::COUNT), Luma([255]));
        for (row, worst) in self.0.iter().enumerate() {
            for (column, mistake) in worst.iter().enumerate() {
                let face = mistake.enlarged();
                imageops::replace(&mut sheet, &face, size(column).into(), size(row).into());
            }
        }
        sheet
    }
}

impl Mistake {
    /// The crop at twice its size, for people.
    pub fn enlarged(&self) -> GrayImage {
        imageops::resize(
            &self.crop,
            SIDE_PX,
            SIDE_PX,
            imageops::FilterType::CatmullRom,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(label: Expression, grey: u8) -> Sample {
        Sample {
            name: grey.to_string(),
            label,
            crop: [grey; CROP_PX * CROP_PX],
            majority: None,
        }
    }

    fn happy(p: f32) -> Scores {
        let mut scores = [(1.0 - p) / 6.0; Expression::COUNT];
        scores[Expression::Happy.index()] = p;
        Scores(scores)
    }

    #[test]
    fn the_surest_mistakes_stay_and_right_answers_never_enter() {
        let mut mistakes = Mistakes::default();
        for grey in 0..40_u8 {
            mistakes.look(
                &sample(Expression::Sad, grey),
                &happy(0.5 + f32::from(grey) / 100.0),
            );
            mistakes.look(&sample(Expression::Happy, grey), &happy(0.9));
        }
        let worst: Vec<_> = mistakes
            .of(Expression::Sad)
            .iter()
            .map(|m| &m.name)
            .collect();
        assert_eq!(worst.len(), KEPT);
        assert_eq!((worst[0].as_str(), worst[11].as_str()), ("39", "28"));
        assert!(mistakes.of(Expression::Happy).is_empty());
        let sheet = mistakes.sheet();
        let row = GAP_PX + 4 * (SIDE_PX + GAP_PX); // sad is label 4
        assert_eq!(sheet.get_pixel(GAP_PX + 5, row + 5).0, [39]);
        assert_eq!(sheet.get_pixel(GAP_PX + 5, GAP_PX + 5).0, [255]);
    }
}
