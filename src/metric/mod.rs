//! Floor 3: scores become numbers with intervals.
//!
//! A [`Tally`] takes the trials of a run one by one, in the order of the plan, and keeps sums only:
//! its memory grows with the groups, the clusters and eight bytes a latency, not with the texts.
//! Repeats of a sample fold into one value by a [`Reducer`]; the values of a model, a prompt and a
//! scorer then become one [`Metric`] each. A family member is a file and an entry in its list.

mod mean;
pub mod reducer;
mod tally;

use std::fmt;

pub use reducer::{REDUCERS, Reducer};
pub use tally::Tally;

use crate::domain::measure::Estimate;

/// The confidence of every interval in a report.
pub const CONFIDENCE: f64 = 0.95;

/// An aggregate over the samples of one model, prompt and scorer.
pub trait Metric: Sync {
    /// Its name in config, gates and reports.
    fn name(&self) -> &'static str;

    /// What it says, in a line.
    fn summary(&self) -> &'static str;

    /// A fresh accumulator; `unit_range`: whether the values lie between 0 and 1.
    fn start(&self, unit_range: bool) -> Box<dyn Accumulator>;
}

/// A metric in the making.
pub trait Accumulator: fmt::Debug + Send {
    /// Takes in the value of one sample, which is finite. `cluster` numbers the group of samples
    /// that it belongs to; `None` stands by itself.
    fn add(&mut self, value: f64, cluster: Option<u32>);

    /// The metric over what was taken in, of `planned` samples.
    fn estimate(&self, planned: u64) -> Estimate;
}

/// Every metric, in the order of reports.
pub static METRICS: &[&dyn Metric] = &[&mean::Mean];

#[cfg(test)]
mod tests;
