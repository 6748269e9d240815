//! Errors of nets, with the way to mend them.

use std::path::PathBuf;

use moodring_core::{detect::NetError, pipeline::SettingsError};

/// Why the nets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VisionError {
    /// A model file cannot be used.
    #[error("cannot use the model {path}: {reason}. Leave [models] empty to use the built-in ones")]
    Model {
        /// The file, or `built-in`.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// An ONNX file that the tract engine cannot use.
    #[error("cannot use the ONNX model {path}: {reason}. Accepted: {accepted}")]
    Onnx {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: String,
        /// The forms that are accepted.
        accepted: &'static str,
    },
    /// ONNX Runtime cannot run here at all; the int8 engine takes over.
    #[error("ONNX Runtime cannot be used: {0}")]
    Runtime(String),
    /// An engine for ONNX files is set, but no file for this key of `[models]`.
    #[error(
        "engines \"tract\" and \"ort\" read ONNX files and none is built in: set [models] {0}, \
         such as to models/weights/{0}.onnx of the repository"
    )]
    NoOnnx(&'static str),
    /// An engine that this build lacks.
    #[error("engine `{0}` is not in this build; build with `cargo build --release --features {0}`")]
    NotBuiltIn(&'static str),
    /// `MOODRING_KERNEL` names none of this machine's kernels.
    #[error("MOODRING_KERNEL={name} is not one of this machine's kernels: {available}")]
    Kernel {
        /// The kernel that was asked for.
        name: String,
        /// The kernels that exist.
        available: String,
    },
    /// A setting of the pipeline is out of range.
    #[error("the settings do not fit: {0}")]
    Settings(#[from] SettingsError),
    /// A net failed on a picture.
    #[error("the net failed: {0}")]
    Net(#[from] NetError),
}
