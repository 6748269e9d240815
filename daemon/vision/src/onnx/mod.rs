//! The nets on engines for float ONNX files: tract, the slow reference for our own engine in tests, and ONNX Runtime.
//!
//! No net is built in here: the built-in ones are packed for our engine. A run allocates. `graph`, `detector` and
//! `classifier` read a file and its outputs for both engines; each engine has one file.

mod classifier;
mod detector;
mod graph;
#[cfg(feature = "ort")]
mod ort;
mod runner;
#[cfg(test)]
mod tests;
#[cfg(feature = "tract")]
mod tract;

pub use classifier::OnnxClassifier;
pub use detector::OnnxDetector;
pub use runner::Engine;
