//! The two nets on engines that run float ONNX files: tract, the slow truth for our own engine in tests, and ONNX Runtime.
//!
//! Nothing is built in: the built-in nets are packed for our engine. Unlike there, a run allocates. What a file is and how
//! its outputs are read is the same for both engines, in `graph`, `detector` and `classifier`; each engine is one file.

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
