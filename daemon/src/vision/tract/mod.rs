//! The two nets on tract: any float ONNX file of an accepted form, and the slow truth for our own engine in tests.
//!
//! Nothing is built in: the built-in nets are packed for our engine, and tract reads ONNX. Unlike there, a run allocates.

mod classifier;
mod detector;
mod onnx;
#[cfg(test)]
mod tests;

pub use classifier::TractClassifier;
pub use detector::TractDetector;
