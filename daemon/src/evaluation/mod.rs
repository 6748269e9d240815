//! Accuracy on labelled face crops: data sets, counts, and the report. Runs no net.

mod counts;
mod dataset;
mod html_report;
mod mistakes;
mod plot;
mod report;

pub use counts::{Bin, EvalCounts};
pub use dataset::{Dataset, DatasetError, Majority, Sample, TrainingCrops};
pub use html_report::html_report;
pub use mistakes::Mistakes;
pub use plot::{PlotError, confusion, reliability};
pub use report::{ClassReport, Report, Share};
