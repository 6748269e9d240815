//! Accuracy on labelled face crops: where they come from, and what is counted. No net runs here.

mod dataset;
mod report;
mod tally;

pub use dataset::{Dataset, DatasetError, Sample};
pub use report::{ClassReport, Report};
pub use tally::Tally;
