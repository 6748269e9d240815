//! The lines of `analyze`, `detect` and `classify` with `--json`: one object for each picture, its keys in a fixed
//! order.

use moodring_core::{
    detect::Face,
    expression::{Expression, Scores},
    mood::FaceMood,
};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{Ratio, Tenths};

/// A line of `analyze` or `detect`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhotoLine<'a> {
    /// The picture's path as the user gave it.
    pub image: &'a str,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Every face; may be empty.
    pub faces: Vec<FaceRecord>,
}

/// A line of `classify`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CropLine<'a> {
    /// The picture's path as the user gave it.
    pub image: &'a str,
    /// What it shows.
    #[serde(flatten)]
    pub reading: ReadingRecord,
}

/// A picture that could not be read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ErrorLine<'a> {
    /// The picture's path as the user gave it.
    pub image: &'a str,
    /// Why, and the way out.
    pub error: &'a str,
}

/// A face in a picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FaceRecord {
    /// Left, top, width, height in the picture's pixels; never beyond the picture.
    #[serde(rename = "box")]
    pub rect: [Tenths; 4],
    /// How sure the detector is, 0 to 1.
    pub score: Ratio,
    /// `x, y` (at the border perhaps beyond the picture) of the subject's right eye, left eye, nose tip, right and left mouth corner.
    pub landmarks: [[Tenths; 2]; 5],
    /// The head's tilt in degrees, clockwise positive.
    pub roll_deg: Tenths,
    /// What it shows; absent in `detect`.
    #[serde(flatten)]
    pub reading: Option<ReadingRecord>,
    /// The crop as the classifier sees it, a PNG as a `data:` URL; only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop: Option<String>,
    /// Where in the crop the net looked, a PNG of the same size to lay over it, as a `data:` URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heat: Option<String>,
}

impl FaceRecord {
    /// A face of a picture of this width and height and, if the classifier ran, what it shows.
    pub fn new(
        face: &Face,
        picture_px: (u32, u32),
        roll_deg: f32,
        reading: Option<ReadingRecord>,
    ) -> Self {
        Self {
            rect: box_of(face, picture_px),
            score: Ratio::new(face.score),
            landmarks: face.landmarks.map(|p| [Tenths::new(p.x), Tenths::new(p.y)]),
            roll_deg: Tenths::new(roll_deg),
            reading,
            crop: None,
            heat: None,
        }
    }
}

/// Left, top, width, height of a face's box, as far as it is in a picture of this width and height: whoever cuts by it may do so
/// without looking.
pub(super) fn box_of(face: &Face, picture_px: (u32, u32)) -> [Tenths; 4] {
    let r = face.rect.within(picture_px);
    // By the rounded corner, or the sum of both rounded numbers could pass the border.
    let rounded = |value: f32| (value * 10.0).round() / 10.0;
    let (x, y) = (rounded(r.x), rounded(r.y));
    [x, y, r.x + r.w - x, r.y + r.h - y].map(Tenths::new)
}

/// What a single picture shows: the likeliest expression, and whether it is sure enough to be named.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReadingRecord {
    /// The likeliest expression, its probability, and all scores.
    #[serde(flatten)]
    pub likeliest: ExpressionRecord,
    /// The same name as in a state's people: the expression's name, or `uncertain` below the threshold and in profile.
    pub mood: &'static str,
    /// Whether the person looks toward the camera; absent if the net has no such output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facing: Option<bool>,
}

impl ReadingRecord {
    /// The record of these scores and of what they show.
    pub fn new(scores: &Scores, mood: FaceMood, facing: Option<bool>) -> Self {
        Self {
            likeliest: ExpressionRecord::new(scores),
            mood: mood.mood().name(),
            facing,
        }
    }
}

/// The likeliest expression, how likely it is, and all scores.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExpressionRecord {
    /// Its name.
    pub expression: &'static str,
    /// Its score, 0 to 1.
    pub confidence: Ratio,
    /// All seven.
    pub scores: ScoresRecord,
}

impl ExpressionRecord {
    /// The record of these scores.
    pub fn new(scores: &Scores) -> Self {
        let (top, confidence) = scores.top();
        Self {
            expression: top.name(),
            confidence: Ratio::new(confidence),
            scores: ScoresRecord(*scores),
        }
    }
}

/// Scores as an object with the seven expressions' names as keys, in FER2013's order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoresRecord(pub Scores);

impl Serialize for ScoresRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Expression::COUNT))?;
        for expression in Expression::ALL {
            map.serialize_entry(expression.name(), &Ratio::new(self.0.of(expression)))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use moodring_core::geometry::{Point, Rect};

    use super::*;
    use crate::message::json;

    const SCORES: Scores = Scores([0.01, 0.02, 0.03, 0.84, 0.04, 0.05, 0.01]);
    const READING: &str = r#""expression":"happy","confidence":0.84,"scores":{"angry":0.01,"disgust":0.02,"fear":0.03,"happy":0.84,"sad":0.04,"surprise":0.05,"neutral":0.01},"mood":"happy""#;
    const FACE: &str = r#"{"box":[1.2,2.0,30.0,40.0],"score":0.98,"landmarks":[[1.0,2.5],[1.0,2.5],[1.0,2.5],[1.0,2.5],[1.0,2.5]],"roll_deg":-7.5"#;

    fn face() -> Face {
        Face {
            rect: Rect {
                x: 1.23,
                y: 2.0,
                w: 30.0,
                h: 40.0,
            },
            landmarks: [Point { x: 1.0, y: 2.5 }; 5],
            score: 0.98,
        }
    }

    fn record(scores: &Scores) -> ReadingRecord {
        ReadingRecord::new(scores, FaceMood::of_scores(scores, 0.45), None)
    }

    #[test]
    fn a_face_below_the_threshold_is_uncertain_and_its_likeliest_expression_still_there() {
        // Issue 24, fault 5: 83 of 238 faces were under 45 % and still got a named emoji.
        let unsure = Scores([0.2, 0.05, 0.05, 0.3, 0.1, 0.1, 0.2]);
        let mut reading = record(&unsure);
        reading.facing = Some(false);
        let text = json(&reading);
        assert!(
            text.starts_with(r#"{"expression":"happy","confidence":0.3,"#),
            "{text}"
        );
        assert!(
            text.ends_with(r#""mood":"uncertain","facing":false}"#),
            "{text}"
        );
    }

    fn line(scores: Option<&Scores>) -> String {
        json(&PhotoLine {
            image: "a.jpg",
            width: 640,
            height: 480,
            faces: vec![FaceRecord::new(
                &face(),
                (640, 480),
                -7.5,
                scores.map(record),
            )],
        })
    }

    #[test]
    fn analyze_has_the_keys_of_the_design_in_order() {
        let head = r#"{"image":"a.jpg","width":640,"height":480,"faces":["#;
        assert_eq!(line(Some(&SCORES)), format!("{head}{FACE},{READING}}}]}}"));
        assert_eq!(line(None), format!("{head}{FACE}}}]}}"));
    }

    #[test]
    fn a_box_ends_with_the_picture() {
        let boxed = |x, y, w, h| {
            let rect = Rect { x, y, w, h };
            let face = Face { rect, ..face() };
            json(&box_of(&face, (640, 480)))
        };
        assert_eq!(boxed(-5.6, -1.8, 62.3, 72.9), "[0.0,0.0,56.7,71.1]");
        assert_eq!(boxed(600.04, 470.0, 80.0, 80.0), "[600.0,470.0,40.0,10.0]");
        assert_eq!(boxed(0.05, 0.05, 900.0, 900.0), "[0.1,0.1,639.9,479.9]");
        assert_eq!(boxed(-90.0, 500.0, 80.0, 80.0), "[0.0,480.0,0.0,0.0]");
        assert_eq!(json(&box_of(&face(), (0, 0))), "[1.2,2.0,30.0,40.0]");
    }

    #[test]
    fn classify_and_errors() {
        let crop = CropLine {
            image: "a.png",
            reading: record(&SCORES),
        };
        assert_eq!(json(&crop), format!(r#"{{"image":"a.png",{READING}}}"#));
        let error = ErrorLine {
            image: "b \"x\".png",
            error: "it is empty",
        };
        assert_eq!(
            json(&error),
            r#"{"image":"b \"x\".png","error":"it is empty"}"#
        );
    }
}
