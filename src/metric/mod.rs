//! Floor 3: scores become numbers with intervals.
//!
//! A [`Tally`] takes the trials of a run one by one, in the order of the plan, and keeps sums and
//! numbers only: its memory grows with the groups, the clusters, four bytes a latency and eight a
//! value that is neither 0 nor 1 (with slices, eight a value), not with the texts.
//! Repeats of a sample fold into one value by a [`Reducer`]; the values of a model, a prompt and a
//! scorer then become one number for each [`Metric`], and [`derived`] makes numbers of these. A family member is a file and an entry in its list.

mod by_sample;
pub mod calibration;
mod corpus;
pub mod derived;
pub mod early;
mod expression;
mod mean;
pub mod paired;
pub mod pairwise;
mod passes;
pub mod power;
pub mod probe;
mod quantiles;
pub mod reducer;
mod slices;
mod spread;
mod tally;

use std::fmt;

pub use by_sample::{BySample, Cell};
pub use reducer::{REDUCERS, Reducer};
pub use spread::{Opinion, Spread};
pub use tally::Tally;

use crate::{
    domain::{
        calibration::Figure,
        measure::{Detail, Estimate},
        run::ScorerInfo,
    },
    stats::{Clusters, Moments, clustered_error, same, t_interval, wilson},
};

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
    /// The values that it was made of, in any order.
    pub repeats: &'a [f64],
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

    /// What more is known of it.
    fn detail(&mut self, _planned: u64) -> Detail {
        Detail::default()
    }
}

/// The mean of `values` with the interval that means of scores have: Wilson's for passes and fails,
/// else Student's t, over clusters where there are any.
fn estimated(values: &[f64], clusters: &Clusters, confidence: f64) -> Figure {
    let mut moments = Moments::default();
    for value in values {
        moments.add(*value);
    }
    let Some(mean) = moments.mean() else { return Figure::default() };
    let n = values.len() as u64;
    let binary = values.iter().all(|value| same(*value, 0.0) || same(*value, 1.0));
    let interval = if clusters.are_lone() && binary {
        wilson(moments.sum() as u64, n, confidence)
    } else if clusters.are_lone() {
        let error = moments.standard_error();
        error.and_then(|error| t_interval(mean, error, n as f64 - 1.0, confidence))
    } else {
        let sums = clusters
            .members()
            .map(|items| (items.len() as u64, items.iter().map(|item| values[*item]).sum::<f64>()));
        clustered_error(mean, sums, &Moments::default()).and_then(|error| {
            t_interval(mean, error.standard_error, error.clusters as f64 - 1.0, confidence)
        })
    };
    let (low, high) = interval.map(|interval| (interval.low, interval.high)).unzip();
    Figure { value: Some(mean), low, high }
}

/// Every metric, in the order of reports.
pub static METRICS: &[&dyn Metric] = &[&mean::Mean, &corpus::OfCorpus];

#[cfg(test)]
mod detail_tests;
#[cfg(test)]
mod tests;
