//! Runs the nets on the engine of the settings, and times the pipeline's stages. `moodring-core` holds the logic.
//!
//! | module | what it does |
//! |---|---|
//! | `int8`, `onnx`, `fallback` | the nets on our engine, on tract or ONNX Runtime, and the way back to our own |
//! | `answer`, `activation_map` | which outputs are the answer; where in a face the classifier looked |
//! | `stream`, `stage_timer`, `upside_down` | the pipeline on a stream, timed; notices a camera that hangs upside down |
//! | `photo`, `fuse` | single photos at several sizes, and one list of faces from them |
//! | `net_files`, `log_once`, [`bundle`], [`update`] | which net is used; nets that are installed later; whether there is a newer version |
//! | [`onnx_file`], [`pack`] | reads ONNX files, and packs them for the int8 engine |

mod activation_map;
mod answer;
pub mod bundle;
mod error;
#[cfg(feature = "ort")]
mod fallback;
mod fuse;
#[doc(hidden)]
pub mod fuzz;
mod heads;
mod int8;
mod log_once;
mod net_files;
#[cfg(any(feature = "tract", feature = "ort"))]
mod onnx;
pub mod onnx_file;
pub mod pack;
mod photo;
mod stage_timer;
mod stream;
mod turned_photo;
pub mod update;
mod upside_down;

use std::path::Path;

use moodring_base::config::{EngineKind, Settings, WhoCountsSetting};
use moodring_core::{
    classify::{Answer, ClassifyNet, Crop},
    detect::{DetectNet, Head, InputShape, NetError},
    expression::Expression,
    mood::{MoodSettings, WhoCounts},
    motion::MotionSettings,
    pipeline::Settings as PipelineSettings,
    track::TrackSettings,
};
use moodring_nn::Kind;

use net_files::NetFile;

pub use activation_map::{ClassMap, overlay};
pub use answer::Thresholds;
pub use error::VisionError;
pub use int8::{Int8Classifier, Int8Detector, kernel};
#[cfg(any(feature = "tract", feature = "ort"))]
pub use onnx::{Engine, OnnxClassifier, OnnxDetector};
pub use photo::{PhotoFace, PhotoReader, PhotoReading};
pub use stage_timer::StageTimer;
pub use stream::VisionPipeline;

/// A face detector on whichever engine the settings name.
// There are one or two of these, and most are the large variant, so a box would save nothing.
#[cfg_attr(
    any(feature = "tract", feature = "ort"),
    expect(clippy::large_enum_variant)
)]
pub enum Detector {
    /// Our own engine.
    Int8(Int8Detector),
    /// tract or ONNX Runtime.
    #[cfg(any(feature = "tract", feature = "ort"))]
    Onnx(OnnxDetector),
}

/// An expression classifier on whichever engine the settings name.
// See Detector.
#[cfg_attr(
    any(feature = "tract", feature = "ort"),
    expect(clippy::large_enum_variant)
)]
pub enum Classifier {
    /// Our own engine.
    Int8(Int8Classifier),
    /// tract or ONNX Runtime.
    #[cfg(any(feature = "tract", feature = "ort"))]
    Onnx(OnnxClassifier),
}

impl Detector {
    /// The detector of the settings, for pictures of this size.
    ///
    /// # Errors
    /// [`VisionError`] that names the file and the way out.
    pub fn open(settings: &Settings, size_px: (u32, u32)) -> Result<Self, VisionError> {
        let files = NetFile::of(settings, Kind::Detector);
        let int8 = |path: &Path| Int8Detector::open(path, size_px).map(Self::Int8);
        match settings.vision.engine {
            EngineKind::Int8 => files.packed(int8),
            #[cfg(feature = "tract")]
            EngineKind::Tract => {
                OnnxDetector::open(Engine::Tract, &files.onnx, size_px).map(Self::Onnx)
            }
            #[cfg(not(feature = "tract"))]
            EngineKind::Tract => Err(VisionError::NotBuiltIn("tract")),
            #[cfg(feature = "ort")]
            EngineKind::Ort => {
                match OnnxDetector::open(Engine::Ort(&settings.ort), &files.onnx, size_px) {
                    Err(VisionError::Runtime(reason)) => files.instead(&reason, int8),
                    opened => opened.map(Self::Onnx),
                }
            }
            #[cfg(not(feature = "ort"))]
            EngineKind::Ort => Err(VisionError::NotBuiltIn("ort")),
        }
    }

    /// The model's own default score threshold, from its notes.
    pub fn threshold(&self) -> f32 {
        match self {
            Self::Int8(net) => net.threshold(),
            #[cfg(any(feature = "tract", feature = "ort"))]
            Self::Onnx(net) => net.threshold(),
        }
    }

    /// The lower one for a classifier that recognizes itself what is no face; the same if the file has none.
    pub fn threshold_before_face(&self) -> f32 {
        match self {
            Self::Int8(net) => net.threshold_before_face(),
            #[cfg(any(feature = "tract", feature = "ort"))]
            Self::Onnx(net) => net.threshold_before_face(),
        }
    }
}

impl DetectNet for Detector {
    fn shape(&self) -> InputShape {
        match self {
            Self::Int8(net) => net.shape(),
            #[cfg(any(feature = "tract", feature = "ort"))]
            Self::Onnx(net) => net.shape(),
        }
    }

    fn input(&mut self) -> &mut [u8] {
        match self {
            Self::Int8(net) => net.input(),
            #[cfg(any(feature = "tract", feature = "ort"))]
            Self::Onnx(net) => net.input(),
        }
    }

    fn run(&mut self) -> Result<[Head<'_>; 3], NetError> {
        match self {
            Self::Int8(net) => net.run(),
            #[cfg(any(feature = "tract", feature = "ort"))]
            Self::Onnx(net) => net.run(),
        }
    }
}

impl Classifier {
    /// The classifier of the settings.
    ///
    /// # Errors
    /// [`VisionError`] that names the file and the way out.
    pub fn open(settings: &Settings) -> Result<Self, VisionError> {
        let files = NetFile::of(settings, Kind::Classifier);
        let labels = settings.vision.labels;
        let int8 = |path: &Path| Int8Classifier::open(path, labels).map(Self::Int8);
        match settings.vision.engine {
            EngineKind::Int8 => files.packed(int8),
            #[cfg(feature = "tract")]
            EngineKind::Tract => {
                OnnxClassifier::open(Engine::Tract, &files.onnx, labels).map(Self::Onnx)
            }
            #[cfg(not(feature = "tract"))]
            EngineKind::Tract => Err(VisionError::NotBuiltIn("tract")),
            #[cfg(feature = "ort")]
            EngineKind::Ort => {
                match OnnxClassifier::open(Engine::Ort(&settings.ort), &files.onnx, labels) {
                    Err(VisionError::Runtime(reason)) => files.instead(&reason, int8),
                    opened => opened.map(Self::Onnx),
                }
            }
            #[cfg(not(feature = "ort"))]
            EngineKind::Ort => Err(VisionError::NotBuiltIn("ort")),
        }
    }

    /// The file's thresholds.
    pub fn thresholds(&self) -> Thresholds {
        match self {
            Self::Int8(net) => net.thresholds(),
            #[cfg(any(feature = "tract", feature = "ort"))]
            Self::Onnx(net) => net.thresholds(),
        }
    }

    /// Where the last crop showed this expression; `None` if the net has no such output, or runs on another engine.
    pub fn class_map(&self, expression: Expression) -> Option<ClassMap> {
        match self {
            Self::Int8(net) => net.class_map(expression),
            #[cfg(any(feature = "tract", feature = "ort"))]
            Self::Onnx(_) => None,
        }
    }
}

impl ClassifyNet for Classifier {
    fn run(&mut self, crop: &Crop) -> Result<Answer, NetError> {
        match self {
            Self::Int8(net) => net.run(crop),
            #[cfg(any(feature = "tract", feature = "ort"))]
            Self::Onnx(net) => net.run(crop),
        }
    }
}

/// The pipeline's settings from ours; the nets' own thresholds stand in for those that are 0.
pub fn pipeline_settings(
    settings: &Settings,
    detector: &Detector,
    classifier: &Classifier,
) -> PipelineSettings {
    let thresholds = classifier.thresholds();
    let vision = &settings.vision;
    let mood = settings.mood.at_sensitivity(thresholds.certain);
    let who = match mood.who {
        WhoCountsSetting::Largest => WhoCounts::Largest,
        WhoCountsSetting::Central => WhoCounts::Central,
        WhoCountsSetting::Longest => WhoCounts::Longest,
    };
    PipelineSettings {
        score_threshold: if vision.threshold > 0.0 {
            vision.threshold
        } else if thresholds.face > 0.0 {
            detector.threshold_before_face()
        } else {
            detector.threshold()
        },
        min_face_px: vision.min_face as f32,
        max_faces: vision.max_faces,
        motion: MotionSettings {
            period_ms: vision.watch_ms,
        },
        track: TrackSettings {
            confirm_ms: mood.confirm_ms,
            lost_ms: mood.lost_ms,
        },
        face_threshold: thresholds.face,
        resting: mood.resting,
        smooth_ms: mood.smooth_ms,
        mood: MoodSettings {
            who,
            threshold: mood.certain,
            margin: mood.margin,
            settle_ms: mood.settle_ms,
            hold_ms: mood.hold_ms,
            only_facing: mood.only_facing,
        },
        ..PipelineSettings::default()
    }
}

/// Opens both nets on ONNX Runtime at the size of the settings and runs each once, so that what it builds for them is
/// kept. Never falls back to another engine.
///
/// # Errors
/// [`VisionError`], also if ONNX Runtime cannot run here.
#[cfg(feature = "ort")]
pub fn prepare_ort(settings: &Settings) -> Result<(), VisionError> {
    let engine = || Engine::Ort(&settings.ort);
    let size_px = (settings.vision.width, settings.vision.height);
    let files = [Kind::Detector, Kind::Classifier].map(|kind| NetFile::of(settings, kind).onnx);
    let mut detector = OnnxDetector::open(engine(), &files[0], size_px)?;
    detector.run()?;
    let mut classifier = OnnxClassifier::open(engine(), &files[1], settings.vision.labels)?;
    classifier.run(&[0; moodring_core::classify::CROP_PX * moodring_core::classify::CROP_PX])?;
    Ok(())
}
