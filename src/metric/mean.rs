//! The mean and its 95% interval.

use crate::{
    domain::{measure::Estimate, run::ScorerInfo},
    metric::{Accumulator, CONFIDENCE, Folded, Metric},
    stats::{Interval, Moments, clustered_error, t_interval, wilson},
};

/// The arithmetic mean.
///
/// Its interval: of values that are all 0 or 1, Wilson's; of others, Student's t. Where samples
/// belong to clusters of several, the error is the cluster-robust one and the t has one degree of
/// freedom less than there are clusters. An interval is cut to where values can lie: between 0 and 1
/// for scores that do, from 0 for others that were never negative.
///
/// Clustered values that are all 0, or all 1, would have an error of nothing, which nobody may
/// believe: they get Wilson's interval with each cluster counted once.
#[derive(Debug)]
pub(super) struct Mean;

impl Metric for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn summary(&self) -> &'static str {
        "arithmetic mean over samples"
    }

    fn start(&self, scorer: &ScorerInfo) -> Option<Box<dyn Accumulator>> {
        Some(Box::new(MeanSoFar {
            unit_range: scorer.unit_range,
            all: Moments::default(),
            lone: Moments::default(),
            ones: 0,
            zeros: 0,
            negative: false,
            clusters: Vec::new(),
        }))
    }
}

#[derive(Debug)]
struct MeanSoFar {
    unit_range: bool,
    all: Moments,
    /// Values outside of any cluster.
    lone: Moments,
    ones: u64,
    zeros: u64,
    /// Whether a value was below 0.
    negative: bool,
    /// Count and sum of each cluster, by its number. A count of 0 is none of this group's.
    clusters: Vec<(u64, f64)>,
}

impl Accumulator for MeanSoFar {
    fn add(&mut self, folded: &Folded<'_>) {
        let Folded { value, cluster, .. } = *folded;
        self.all.add(value);
        self.ones += u64::from(value.to_bits() == 1.0_f64.to_bits());
        self.zeros += u64::from(value.abs().to_bits() == 0.0_f64.to_bits());
        self.negative |= value < 0.0;
        match cluster {
            None => self.lone.add(value),
            Some(cluster) => {
                let at = cluster as usize;
                if at >= self.clusters.len() {
                    self.clusters.resize(at + 1, (0, 0.0));
                }
                let (n, sum) = &mut self.clusters[at];
                *n += 1;
                *sum += value;
            }
        }
    }

    fn estimate(&self, planned: u64) -> Estimate {
        let n = self.all.n();
        let value = self.all.mean();
        let interval = value.and_then(|mean| self.interval(mean));
        Estimate {
            n,
            unscored: planned.saturating_sub(n),
            value,
            low: interval.map(|found| found.low),
            high: interval.map(|found| found.high),
        }
    }
}

impl MeanSoFar {
    /// Count and sum of each cluster that has a value.
    fn clusters(&self) -> impl Iterator<Item = (u64, f64)> {
        self.clusters.iter().copied().filter(|(n, _)| *n > 0)
    }

    fn interval(&self, mean: f64) -> Option<Interval> {
        let n = self.all.n();
        let units = self.clusters().count() as u64 + self.lone.n();
        // Clusters of one sample each say nothing about dependence.
        let clustered = !self.clusters.is_empty() && (units < n || units < 2);
        let interval = if clustered {
            self.clustered_interval(mean, units)
        } else if self.unit_range && self.ones + self.zeros == n {
            wilson(self.ones, n, CONFIDENCE)
        } else {
            t_interval(mean, self.all.standard_error()?, n as f64 - 1.0, CONFIDENCE)
        };
        // Times and amounts that were never negative have no mean below nothing either.
        let least = if self.negative { f64::NEG_INFINITY } else { 0.0 };
        let most = if self.unit_range { 1.0 } else { f64::INFINITY };
        interval.map(|found| found.clipped(least, most))
    }

    fn clustered_interval(&self, mean: f64, units: u64) -> Option<Interval> {
        let n = self.all.n();
        if self.unit_range && units > 1 && (self.ones == n || self.zeros == n) {
            return wilson(if self.ones == n { units } else { 0 }, units, CONFIDENCE);
        }
        let error = clustered_error(mean, self.clusters(), &self.lone)?;
        t_interval(mean, error.standard_error, error.clusters as f64 - 1.0, CONFIDENCE)
    }
}
