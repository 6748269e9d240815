//! The settings of the pipeline, their defaults and ranges. Reads no file.

use crate::{
    mood::MoodSettings, motion::MotionSettings, nms::DEFAULT_IOU, pipeline::MAX_CROPS,
    resting::Calibration, track::TrackSettings,
};

/// All settings of the pipeline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Detections below this score are no faces, above 0 to below 1.
    pub score_threshold: f32,
    /// Boxes that overlap by more than this IoU are one face, 0 to 1.
    pub nms_iou: f32,
    /// Faces lower than this are ignored, in frame pixels; 0 for none.
    pub min_face_px: f32,
    /// Faces classified per frame, 1 to [`MAX_CROPS`]; if there are more they take turns.
    pub max_faces: usize,
    /// How often to look for faces while nobody is in view.
    pub motion: MotionSettings,
    /// When a face counts and when it is gone.
    pub track: TrackSettings,
    /// The probability from which the net's face output takes a crop for a human face, 0 (everything is one, as with a net
    /// that has no such output) to below 1.
    pub face_threshold: f32,
    /// Whether each person's calm face is learned and subtracted from the scores: see [`crate::resting`].
    pub resting: bool,
    /// The resting face of the one person before this device, subtracted from all scores: see [`crate::calibration`].
    pub calibration: Option<Calibration>,
    /// Time constant of the scores' smoothing in milliseconds, 0 for none.
    pub smooth_ms: u64,
    /// How sure and how steady a mood has to be.
    pub mood: MoodSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            score_threshold: 0.5,
            nms_iou: DEFAULT_IOU,
            min_face_px: 20.0,
            max_faces: 8,
            motion: MotionSettings::default(),
            track: TrackSettings::default(),
            face_threshold: 0.0,
            resting: false,
            calibration: None,
            smooth_ms: 150,
            mood: MoodSettings::default(),
        }
    }
}

impl Settings {
    /// The longest time that may be set, in milliseconds.
    pub const MAX_MS: u64 = 60_000;

    /// Checks every range.
    ///
    /// # Errors
    /// The first [`SettingsError`] found.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let TrackSettings {
            confirm_ms,
            lost_ms,
        } = self.track;
        let MotionSettings { period_ms } = self.motion;
        let times = [
            confirm_ms,
            lost_ms,
            period_ms,
            self.smooth_ms,
            self.mood.hold_ms,
            self.mood.settle_ms,
        ];
        // NaN is in no range.
        let checks = [
            (
                self.score_threshold > 0.0 && self.score_threshold < 1.0,
                SettingsError::ScoreThreshold,
            ),
            ((0.0..=1.0).contains(&self.nms_iou), SettingsError::NmsIou),
            (
                self.min_face_px >= 0.0 && self.min_face_px.is_finite(),
                SettingsError::MinFace,
            ),
            (
                (1..=MAX_CROPS).contains(&self.max_faces),
                SettingsError::MaxFaces,
            ),
            (
                (0.0..1.0).contains(&self.face_threshold),
                SettingsError::FaceThreshold,
            ),
            (
                times.iter().all(|&ms| ms <= Self::MAX_MS),
                SettingsError::Time,
            ),
            (
                (0.0..=1.0).contains(&self.mood.threshold),
                SettingsError::MoodThreshold,
            ),
            (
                (0.0..=1.0).contains(&self.mood.margin),
                SettingsError::MoodMargin,
            ),
        ];
        let broken = checks.into_iter().find(|(kept, _)| !kept);
        broken.map_or(Ok(()), |(_, error)| Err(error))
    }
}

/// Which setting is out of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingsError {
    /// [`Settings::score_threshold`]: choose a value above 0 and below 1.
    ScoreThreshold,
    /// [`Settings::nms_iou`]: choose 0 to 1.
    NmsIou,
    /// [`Settings::min_face_px`]: choose 0 or more.
    MinFace,
    /// [`Settings::max_faces`]: choose 1 to [`MAX_CROPS`].
    MaxFaces,
    /// [`Settings::face_threshold`]: choose 0 to below 1.
    FaceThreshold,
    /// A time above [`Settings::MAX_MS`]: choose less than a minute.
    Time,
    /// [`MoodSettings::threshold`]: choose 0 to 1.
    MoodThreshold,
    /// [`MoodSettings::margin`]: choose 0 to 1.
    MoodMargin,
}

impl core::fmt::Display for SettingsError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::ScoreThreshold => "the detector's score threshold must be above 0 and below 1",
            Self::NmsIou => "the IoU from which boxes are one face must be 0 to 1",
            Self::MinFace => "the least height of a face must be 0 pixels or more",
            Self::MaxFaces => "the number of faces read per frame must be 1 to 32",
            Self::FaceThreshold => "the probability of a human face must be 0 to below 1",
            Self::Time => "times must be at most 60000 milliseconds",
            Self::MoodThreshold => "the probability that names a mood must be 0 to 1",
            Self::MoodMargin => "the margin between two moods must be 0 to 1",
        })
    }
}

impl core::error::Error for SettingsError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn the_defaults_are_in_range_and_each_range_is_checked() {
        let good = Settings::default();
        assert_eq!(good.validate(), Ok(()));
        let broken = |break_it: fn(&mut Settings)| {
            let mut settings = good;
            break_it(&mut settings);
            settings.validate().err()
        };
        use SettingsError::*;
        assert_eq!(broken(|s| s.score_threshold = 0.0), Some(ScoreThreshold));
        assert_eq!(broken(|s| s.nms_iou = f32::NAN), Some(NmsIou));
        assert_eq!(broken(|s| s.min_face_px = f32::INFINITY), Some(MinFace));
        assert_eq!(broken(|s| s.max_faces = 0), Some(MaxFaces));
        assert_eq!(broken(|s| s.max_faces = MAX_CROPS + 1), Some(MaxFaces));
        assert_eq!(broken(|s| s.face_threshold = 1.0), Some(FaceThreshold));
        assert_eq!(broken(|s| s.track.lost_ms = 60_001), Some(Time));
        assert_eq!(broken(|s| s.motion.period_ms = 60_001), Some(Time));
        assert_eq!(broken(|s| s.mood.settle_ms = 60_001), Some(Time));
        assert_eq!(broken(|s| s.mood.threshold = -0.1), Some(MoodThreshold));
        assert_eq!(broken(|s| s.mood.margin = 1.1), Some(MoodMargin));
        let text = SettingsError::MaxFaces.to_string();
        assert!(text.contains(&MAX_CROPS.to_string()), "{text}");
    }
}
