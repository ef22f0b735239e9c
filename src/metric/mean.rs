//! The mean and its 95% interval.

use crate::{
    domain::{
        measure::{Detail, Estimate},
        run::ScorerInfo,
    },
    metric::{Accumulator, CONFIDENCE, Folded, Metric, passes::PassesSoFar, quantiles::Kept},
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
        Some(Box::new(MeanInDetail {
            mean: MeanSoFar::new(scorer.unit_range),
            kept: Kept::default(),
            passes: PassesSoFar::default(),
        }))
    }
}

/// The mean with all that is said of it.
#[derive(Debug)]
struct MeanInDetail {
    mean: MeanSoFar,
    kept: Kept,
    passes: PassesSoFar,
}

impl Accumulator for MeanInDetail {
    fn add(&mut self, folded: &Folded<'_>) {
        self.mean.add(folded.value, folded.cluster);
        self.kept.add(folded.value);
        self.passes.add(folded);
    }

    fn estimate(&self, planned: u64) -> Estimate {
        self.mean.estimate(planned)
    }

    fn detail(&mut self, planned: u64) -> Detail {
        let (interval, interval_method) = self.mean.interval();
        let clusters = self.mean.is_clustered().then(|| self.mean.units());
        let unit_range = self.mean.unit_range;
        Detail {
            interval_method: interval.map_or("", |_| interval_method),
            standard_error: self.mean.standard_error(),
            clusters,
            quantiles: self.kept.quantiles(),
            correct: self.passes.correct().filter(|_| unit_range),
            cost_per_correct: None,
            passes: if unit_range { self.passes.estimates(planned) } else { Vec::new() },
        }
    }
}

/// The mean of values so far, with what its interval takes.
#[derive(Debug)]
pub(super) struct MeanSoFar {
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

impl MeanSoFar {
    /// No value yet. `unit_range`: values lie between 0 and 1.
    pub(super) fn new(unit_range: bool) -> Self {
        Self {
            unit_range,
            all: Moments::default(),
            lone: Moments::default(),
            ones: 0,
            zeros: 0,
            negative: false,
            clusters: Vec::new(),
        }
    }

    /// Takes in the value of a sample with the number of its cluster.
    pub(super) fn add(&mut self, value: f64, cluster: Option<u32>) {
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

    /// The mean with its interval, of `planned` samples.
    pub(super) fn estimate(&self, planned: u64) -> Estimate {
        let n = self.all.n();
        let interval = self.interval().0;
        Estimate {
            n,
            unscored: planned.saturating_sub(n),
            value: self.all.mean(),
            low: interval.map(|found| found.low),
            high: interval.map(|found| found.high),
        }
    }

    /// Whether all values are 0 or 1, and can be nothing between.
    pub(super) fn is_yes_no(&self) -> bool {
        self.unit_range && self.ones + self.zeros == self.all.n()
    }

    /// Count and sum of each cluster that has a value.
    fn clusters(&self) -> impl Iterator<Item = (u64, f64)> {
        self.clusters.iter().copied().filter(|(n, _)| *n > 0)
    }

    /// Clusters and lone samples.
    fn units(&self) -> u64 {
        self.clusters().count() as u64 + self.lone.n()
    }

    /// Whether samples depend on each other; clusters of one sample each say nothing about that.
    fn is_clustered(&self) -> bool {
        let units = self.units();
        !self.clusters.is_empty() && (units < self.all.n() || units < 2)
    }

    fn standard_error(&self) -> Option<f64> {
        if !self.is_clustered() {
            return self.all.standard_error();
        }
        let error = clustered_error(self.all.mean()?, self.clusters(), &self.lone)?;
        Some(error.standard_error)
    }

    /// The interval of the mean, and how it was made.
    fn interval(&self) -> (Option<Interval>, &'static str) {
        let n = self.all.n();
        let (interval, method) = if self.is_clustered() {
            self.clustered_interval()
        } else if self.is_yes_no() {
            (wilson(self.ones, n, CONFIDENCE), "Wilson")
        } else {
            let parts = self.all.mean().zip(self.all.standard_error());
            let t = |(mean, error)| t_interval(mean, error, n as f64 - 1.0, CONFIDENCE);
            (parts.and_then(t), "t")
        };
        // Times and amounts that were never negative have no mean below nothing either.
        let least = if self.negative { f64::NEG_INFINITY } else { 0.0 };
        let most = if self.unit_range { 1.0 } else { f64::INFINITY };
        (interval.map(|found| found.clipped(least, most)), method)
    }

    fn clustered_interval(&self) -> (Option<Interval>, &'static str) {
        let (n, units) = (self.all.n(), self.units());
        if self.unit_range && units > 1 && (self.ones == n || self.zeros == n) {
            let interval = wilson(if self.ones == n { units } else { 0 }, units, CONFIDENCE);
            return (interval, "Wilson, of clusters");
        }
        let interval = self.all.mean().and_then(|mean| {
            let error = clustered_error(mean, self.clusters(), &self.lone)?;
            t_interval(mean, error.standard_error, error.clusters as f64 - 1.0, CONFIDENCE)
        });
        (interval, "cluster-robust t")
    }
}
