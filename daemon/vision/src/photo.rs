//! Single photos: searches for faces at two scales, for portraits and group photos, and where nobody is found also for heads
//! that are tilted far. Remembers nobody.

use std::ops::RangeInclusive;

use moodring_base::config::Settings;
use moodring_core::{
    align::landmarks_at,
    classify::{CROP_PX, Crop, Reading, classify},
    detect::{DetectNet, Face},
    expression::Scores,
    frame::Frame,
    geometry::Similarity,
    mood::FaceMood,
    nms::suppress,
    pipeline::{Candidates, Settings as PipelineSettings, find},
    presence::is_face,
    second_look::{TURNS_DEG, is_sure},
    upright::{Upright, read_mirrored, read_turned, read_upright},
};

use super::{
    ClassMap, Classifier, Detector, VisionError,
    fuse::{self, Join, fuse, least_score},
    heads::Heads,
    pipeline_settings,
    turned_photo::{self, TurnedPhoto},
};

/// The long side of the coarse search, which finds faces up to the size of the picture.
const COARSE_PX: u32 = 320;
/// The long side of the fine search, which finds the small faces of a group: the photo's own within this range. Smaller
/// photos are enlarged, at most to the double: by measurement that finds more small faces than their own size.
const FINE_PX: RangeInclusive<u32> = 640..=1280;
/// The detector's sides are multiples of this.
const STEP_PX: u32 = 32;
/// Of one photo so many faces that are refused are looked at again, the best first: a picture full of them must not take minutes.
const SECOND_LOOKS: usize = 16;
/// The least score of a face in a photo that was turned, unless the threshold is higher.
const TURNED_SCORE: f32 = 0.65;
/// How many detectors are kept ready for photos of the same shape.
const KEPT: usize = 4;

/// Finds and classifies the faces of single photos.
pub struct PhotoReader {
    settings: Settings,
    wanted: PipelineSettings,
    /// The least score where nobody asks the classifier whether it is a face.
    detector_alone: f32,
    classifier: Classifier,
    looks: Vec<ScaledDetector>,
    found: Box<Candidates>,
}

/// What a face or a crop shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhotoReading {
    /// A probability for each expression.
    pub scores: Scores,
    /// The likeliest expression; uncertain below the threshold and in profile.
    pub mood: FaceMood,
    /// Whether the person looks toward the camera; `None` if the net has no such output.
    pub facing: Option<bool>,
}

/// A face of a photo and what it shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhotoFace {
    /// Where it is, in the photo's pixels; the landmarks turned as `roll_deg` says.
    pub face: Face,
    /// What it shows.
    pub reading: PhotoReading,
    /// The head's tilt in degrees, clockwise positive: the net's, or without such an output that of the eyes.
    pub roll_deg: f32,
    /// Where the crop that was read lies: the transform from the crop to the photo.
    pub from_crop: Similarity,
    /// Where the crop showed the likeliest expression, if the net has maps.
    pub map: Option<ClassMap>,
}

/// A detector prepared for one size.
struct ScaledDetector {
    size_px: (u32, u32),
    detector: Detector,
}

impl PhotoReader {
    /// Loads the nets, so that broken files are found before the first photo.
    ///
    /// # Errors
    /// [`VisionError`] that names the file or setting.
    pub fn open(settings: &Settings) -> Result<Self, VisionError> {
        let size_px = (COARSE_PX, COARSE_PX);
        let detector = Detector::open(settings, size_px)?;
        let classifier = Classifier::open(settings)?;
        let wanted = pipeline_settings(settings, &detector, &classifier);
        wanted.validate()?;
        let detector_alone = match settings.vision.threshold {
            set if set > 0.0 => set,
            _ => detector.threshold(),
        };
        Ok(Self {
            wanted,
            detector_alone,
            classifier,
            looks: vec![ScaledDetector { size_px, detector }],
            found: Box::default(),
            settings: settings.clone(),
        })
    }

    /// All faces by the detector alone, the best first, in the photo's pixels.
    ///
    /// # Errors
    /// [`VisionError`] if a net fails.
    pub fn detect(&mut self, frame: &Frame<'_>) -> Result<Vec<Face>, VisionError> {
        self.find(frame, Join::Mean, self.detector_alone)
    }

    fn find(
        &mut self,
        frame: &Frame<'_>,
        join: Join,
        threshold: f32,
    ) -> Result<Vec<Face>, VisionError> {
        let long = frame.width_px().max(frame.height_px());
        let wanted = PipelineSettings {
            score_threshold: least_score(join, threshold),
            ..self.wanted
        };
        let mut seen = Vec::new();
        for size_px in looks((frame.width_px(), frame.height_px())) {
            let at = self.look(size_px)?;
            let detector = &mut self.looks[at].detector;
            find(detector, frame, &wanted, &mut self.found, &mut |_| {})?;
            // Ask the net: an ONNX file may be made for one size only.
            let shape = detector.shape();
            let scale = shape.width_px.max(shape.height_px) as f32 / long as f32;
            seen.push(fuse::ScaleResult {
                scale,
                faces: self.found.to_vec(),
            });
        }
        Ok(fuse(&seen, join, threshold, self.wanted.nms_iou))
    }

    /// All human faces and what each shows. What the detector took for one and the classifier does not is left out.
    ///
    /// # Errors
    /// [`VisionError`] if a net fails.
    pub fn analyze(&mut self, frame: &Frame<'_>) -> Result<Vec<PhotoFace>, VisionError> {
        let join = if self.wanted.face_threshold > 0.0 {
            Join::HalfWayToBest
        } else {
            Join::Mean
        };
        let faces = self.find(frame, join, self.wanted.score_threshold)?;
        let (mut heads, mut refused) = (Heads::default(), 0);
        for face in faces {
            if heads.has(&face.rect) {
                continue;
            }
            let mut found = self.read_human(frame, face)?;
            if found.is_none() && refused < SECOND_LOOKS {
                refused += 1;
                found = self.read_again(frame, face)?;
            }
            found.into_iter().for_each(|found| heads.add(found));
        }
        if heads.is_empty() && self.wanted.face_threshold > 0.0 {
            return self.analyze_turned(frame, join);
        }
        Ok(heads.into_faces())
    }

    /// The faces of a photo in which nobody was found: heads that are tilted far. Only those that surely are some.
    fn analyze_turned(
        &mut self,
        frame: &Frame<'_>,
        join: Join,
    ) -> Result<Vec<PhotoFace>, VisionError> {
        let threshold = self.wanted.score_threshold.max(TURNED_SCORE);
        let mut faces = Vec::new();
        for turn_deg in turned_photo::TURNS_DEG {
            let turned = TurnedPhoto::new(frame, turn_deg, *FINE_PX.end())?;
            let found = self.find(&turned.frame()?, join, threshold)?;
            faces.extend(found.iter().map(|face| turned.face_to_photo(face)));
        }
        let kept = suppress(&mut faces, self.wanted.nms_iou);
        let mut heads = Heads::default();
        for &face in faces[..kept].iter().take(SECOND_LOOKS) {
            if heads.has(&face.rect) {
                continue;
            }
            let mut crop: Crop = [0; CROP_PX * CROP_PX];
            let upright = read_upright(&mut self.classifier, frame, &face, &mut crop)?;
            if is_sure(&upright.reading) {
                heads.add(self.conclude(face, &upright, &crop)?);
            }
        }
        Ok(heads.into_faces())
    }

    /// The expression of a face that was found before.
    ///
    /// # Errors
    /// [`VisionError`] if the net fails.
    pub fn read(&mut self, frame: &Frame<'_>, face: Face) -> Result<PhotoFace, VisionError> {
        let mut crop: Crop = [0; CROP_PX * CROP_PX];
        let upright = read_upright(&mut self.classifier, frame, &face, &mut crop)?;
        self.conclude(face, &upright, &crop)
    }

    /// The same; `None` if the classifier takes it for none.
    fn read_human(
        &mut self,
        frame: &Frame<'_>,
        face: Face,
    ) -> Result<Option<PhotoFace>, VisionError> {
        let mut crop: Crop = [0; CROP_PX * CROP_PX];
        let upright = read_upright(&mut self.classifier, frame, &face, &mut crop)?;
        if !is_face(upright.reading.face, self.wanted.face_threshold) {
            return Ok(None);
        }
        self.conclude(face, &upright, &crop).map(Some)
    }

    /// The same of a face that was refused, if it surely is one with another side up.
    fn read_again(
        &mut self,
        frame: &Frame<'_>,
        face: Face,
    ) -> Result<Option<PhotoFace>, VisionError> {
        let mut crop: Crop = [0; CROP_PX * CROP_PX];
        for turn_deg in TURNS_DEG {
            let net = &mut self.classifier;
            let upright = read_turned(net, frame, &face, turn_deg, &mut crop)?;
            if is_sure(&upright.reading) {
                return self.conclude(face, &upright, &crop).map(Some);
            }
        }
        Ok(None)
    }

    fn conclude(
        &mut self,
        face: Face,
        upright: &Upright,
        crop: &Crop,
    ) -> Result<PhotoFace, VisionError> {
        let both = read_mirrored(&mut self.classifier, crop)?;
        let reading = self.reading(&both);
        let landmarks = match upright.reading.pose {
            Some(_) => landmarks_at(&face, upright.roll_deg),
            None => face.landmarks,
        };
        Ok(PhotoFace {
            face: Face { landmarks, ..face },
            reading,
            roll_deg: upright.roll_deg,
            from_crop: upright.from_crop,
            map: self.classifier.class_map(reading.scores.top().0),
        })
    }

    /// The expression of an upright crop.
    ///
    /// # Errors
    /// [`VisionError`] if the net fails.
    pub fn classify(&mut self, crop: &Crop) -> Result<PhotoReading, VisionError> {
        let reading = classify(&mut self.classifier, crop)?;
        Ok(self.reading(&reading))
    }

    fn reading(&self, reading: &Reading) -> PhotoReading {
        let (scores, pose) = (reading.scores, reading.pose);
        let mood = if pose.is_some_and(|pose| pose.is_profile()) {
            FaceMood::uncertain(scores.top().1)
        } else {
            FaceMood::of_scores(&scores, self.wanted.mood.threshold)
        };
        PhotoReading {
            scores,
            mood,
            facing: pose.map(|pose| pose.is_facing()),
        }
    }

    /// The index of the detector for this size; a new one replaces the oldest.
    fn look(&mut self, size_px: (u32, u32)) -> Result<usize, VisionError> {
        if let Some(at) = self.looks.iter().position(|look| look.size_px == size_px) {
            return Ok(at);
        }
        if self.looks.len() == KEPT {
            self.looks.remove(0);
        }
        let detector = Detector::open(&self.settings, size_px)?;
        self.looks.push(ScaledDetector { size_px, detector });
        Ok(self.looks.len() - 1)
    }
}

/// The detector sizes for a photo: a coarse one, and a fine one unless that would show no more.
fn looks((width, height): (u32, u32)) -> impl Iterator<Item = (u32, u32)> {
    let long = width.max(height);
    let sides = |limit: u32| {
        // The photo's shape, rounded up to whole steps.
        let side = |px: u32| (u64::from(px) * u64::from(limit) / u64::from(long)) as u32;
        let whole = |px: u32| px.max(1).next_multiple_of(STEP_PX);
        (whole(side(width)), whole(side(height)))
    };
    let enlarged = (2 * long).min(*FINE_PX.start());
    let fine = long.max(enlarged).min(*FINE_PX.end());
    let fine = (fine > COARSE_PX * 5 / 4).then(|| sides(fine));
    std::iter::once(sides(COARSE_PX)).chain(fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(photo_px: (u32, u32)) -> Vec<(u32, u32)> {
        looks(photo_px).collect()
    }

    #[test]
    fn a_tiny_photo_is_looked_at_once_and_a_larger_one_twice() {
        assert_eq!(sizes((200, 150)), [(320, 256)]);
        assert_eq!(sizes((320, 240)), [(320, 256), (640, 480)]);
        assert_eq!(sizes((416, 312)), [(320, 256), (640, 480)]);
        assert_eq!(sizes((1024, 768)), [(320, 256), (1024, 768)]);
        assert_eq!(sizes((4000, 3000)), [(320, 256), (1280, 960)]);
        assert_eq!(sizes((48, 48)), [(320, 320)]);
    }

    #[test]
    fn a_strip_still_has_a_height() {
        assert_eq!(sizes((20_000, 20)), [(320, 32), (1280, 32)]);
        assert_eq!(sizes((16, 32_000)), [(32, 320), (32, 1280)]);
    }
}
