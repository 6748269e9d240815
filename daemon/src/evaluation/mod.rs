//! Accuracy on labelled face crops: where they come from, what is counted, and the report. No net runs here.

mod dataset;
mod mistakes;
mod page;
mod plot;
mod report;
mod tally;

pub use dataset::{Dataset, DatasetError, Majority, Sample, Seen};
pub use mistakes::Mistakes;
pub use page::page;
pub use plot::{PlotError, confusion, reliability};
pub use report::{ClassReport, Report, Share};
pub use tally::{Bin, Tally};
