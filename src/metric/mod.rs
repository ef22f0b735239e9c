//! Floor 3: scores become numbers with intervals.
//!
//! A [`Tally`] takes the trials of a run one by one, in the order of the plan, and keeps sums only:
//! its memory grows with the groups, the clusters and eight bytes a latency, not with the texts.
//! Repeats of a sample fold into one value by a [`Reducer`]; the values of a model, a prompt and a
//! scorer then become one number for each [`Metric`]. A family member is a file and an entry in its list.

mod corpus;
mod mean;
pub mod paired;
pub mod probe;
pub mod reducer;
mod tally;

use std::fmt;

pub use reducer::{REDUCERS, Reducer};
pub use tally::Tally;

use crate::domain::{measure::Estimate, run::ScorerInfo};

/// The confidence of every interval in a report.
pub const CONFIDENCE: f64 = 0.95;

/// An aggregate over the samples of one model, prompt and scorer.
pub trait Metric: Sync {
    /// Its name in config, gates and reports.
    fn name(&self) -> &'static str;

    /// What it says, in a line.
    fn summary(&self) -> &'static str;

    /// A fresh accumulator for what `scorer` says; `None` when the metric says nothing of it.
    fn start(&self, scorer: &ScorerInfo) -> Option<Box<dyn Accumulator>>;
}

/// The repeats of one sample, folded.
#[derive(Debug, Clone, Copy)]
pub struct Folded<'a> {
    /// The one value that the reducer made of them, which is finite.
    pub value: f64,
    /// The sums of what the scorer counted; empty when it does not count.
    pub counts: &'a [f64],
    /// The number of the group of samples that it belongs to; `None` stands by itself.
    pub cluster: Option<u32>,
}

/// A metric in the making.
pub trait Accumulator: fmt::Debug + Send {
    /// Takes in one sample.
    fn add(&mut self, folded: &Folded<'_>);

    /// The metric over what was taken in, of `planned` samples.
    fn estimate(&self, planned: u64) -> Estimate;
}

/// Every metric, in the order of reports.
pub static METRICS: &[&dyn Metric] = &[&mean::Mean, &corpus::OfCorpus];

#[cfg(test)]
mod tests;
