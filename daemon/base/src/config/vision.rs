//! `[vision]`, `[models]` and `[ort]`: how faces are found and read, and by which nets and library.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, error::range};

/// Which engine runs the nets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// Our own int8 engine.
    #[default]
    Int8,
    /// tract: any float ONNX (needs the `tract` feature).
    Tract,
    /// ONNX Runtime, on TensorRT, CUDA or the CPU (needs the `ort` feature).
    Ort,
}

/// The labels whose judgement the classifier follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Labels {
    /// Both judgements combined, weighed for faces as they are before a mirror.
    #[default]
    Blend,
    /// FER2013's labels: one per picture, found by web search.
    Fer2013,
    /// FER+: the same pictures judged by ten people each.
    Ferplus,
}

/// How faces are found and read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VisionSettings {
    /// `int8`, `tract` or `ort`.
    pub engine: EngineKind,
    /// `blend`, `fer2013` or `ferplus`.
    pub labels: Labels,
    /// Width of the detector's input, in pixels; a multiple of 32.
    pub width: u32,
    /// Its height, likewise.
    pub height: u32,
    /// Faces below this detector score, 0 to 1, are ignored; 0: the model's own threshold.
    pub threshold: f32,
    /// Faces below this height in the camera's pixels are ignored.
    pub min_face: u32,
    /// The most faces that are read per frame; if there are more, they take turns.
    pub max_faces: usize,
    /// Milliseconds between two searches for faces while nobody is in view and nothing moves; 0: search every frame.
    pub watch_ms: u64,
}

impl Default for VisionSettings {
    fn default() -> Self {
        Self {
            engine: EngineKind::Int8,
            labels: Labels::Blend,
            width: 320,
            height: 256,
            threshold: 0.0,
            min_face: 20,
            max_faces: 8,
            watch_ms: 500,
        }
    }
}

impl VisionSettings {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let side = |px: u32| (64..=1920).contains(&px) && px.is_multiple_of(32);
        let sides = "a multiple of 32 from 64 to 1920";
        range(side(self.width), "vision.width", self.width, sides)?;
        range(side(self.height), "vision.height", self.height, sides)?;
        range(
            (0.0..1.0).contains(&self.threshold),
            "vision.threshold",
            self.threshold,
            "0 (the model's own) to below 1",
        )?;
        range(
            (8..=1000).contains(&self.min_face),
            "vision.min_face",
            self.min_face,
            "8 to 1000 pixels",
        )?;
        range(
            (1..=32).contains(&self.max_faces),
            "vision.max_faces",
            self.max_faces,
            "1 to 32",
        )?;
        range(
            self.watch_ms <= 60_000,
            "vision.watch_ms",
            self.watch_ms,
            "0 (look at every frame) to 60000 milliseconds",
        )
    }
}

/// Model files other than the built-in ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelSettings {
    /// A detector's file; empty: the installed or built-in one.
    pub detector: PathBuf,
    /// A classifier's file; empty: the installed or built-in one.
    pub classifier: PathBuf,
    /// Where `moodring model install` puts nets; empty: `models` where a service or a user keeps state.
    pub folder: PathBuf,
    /// The minisign public key of those who make bundles, or a file with it; empty: the key that the program was built
    /// with.
    pub public_key: String,
}

/// The device for ONNX Runtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrtDevice {
    /// TensorRT or CUDA if the library has them, else its CPU kernels.
    #[default]
    Auto,
    /// TensorRT, with CUDA for what it cannot do.
    Tensorrt,
    /// CUDA.
    Cuda,
    /// The library's CPU kernels.
    Cpu,
}

/// `engine = "ort"`: the library of ONNX Runtime and its device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrtSettings {
    /// libonnxruntime.so; empty: `ORT_DYLIB_PATH`, else where the loader looks.
    pub library: PathBuf,
    /// `auto`, `tensorrt`, `cuda` or `cpu`.
    pub device: OrtDevice,
    /// A folder for the engines that TensorRT builds; empty: they are built at every start.
    pub cache: PathBuf,
}
