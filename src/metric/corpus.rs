//! One value for the run as a whole, out of the sums of what a scorer counted.

use std::collections::BTreeMap;

use crate::{
    domain::{
        measure::{Detail, Estimate},
        run::ScorerInfo,
        score::Corpus,
    },
    metric::{Accumulator, CONFIDENCE, Folded, Metric},
    stats::{Interval, pooled, t_interval},
};

/// The value of all answers taken as one text: corpus BLEU, chrF, TER, the error rate of all words.
///
/// Repeats of a sample are all a part of the corpus, whatever the reducer does with their values.
/// Its interval is Student's t around the value, with the error of the linearised value (the delta
/// method); samples of one cluster are added up first.
#[derive(Debug)]
pub(super) struct OfCorpus;

impl Metric for OfCorpus {
    fn name(&self) -> &'static str {
        "corpus"
    }

    fn summary(&self) -> &'static str {
        "value of all samples taken as one text; of scorers that count"
    }

    fn start(&self, scorer: &ScorerInfo) -> Option<Box<dyn Accumulator>> {
        Some(Box::new(Pool {
            corpus: scorer.corpus?,
            unit_range: scorer.unit_range,
            n: 0,
            sums: Vec::new(),
            products: Vec::new(),
            lone: 0,
            clusters: BTreeMap::new(),
        }))
    }
}

#[derive(Debug)]
struct Pool {
    corpus: Corpus,
    unit_range: bool,
    /// Samples with counts.
    n: u64,
    sums: Vec<f64>,
    /// Sums of the products of every two counts of samples outside of clusters, row by row.
    products: Vec<f64>,
    /// Samples outside of clusters.
    lone: u64,
    clusters: BTreeMap<u32, Vec<f64>>,
}

impl Accumulator for Pool {
    fn add(&mut self, folded: &Folded<'_>) {
        let counts = folded.counts;
        if counts.is_empty() || (self.n > 0 && counts.len() != self.sums.len()) {
            return;
        }
        self.n += 1;
        add_to(&mut self.sums, counts);
        match folded.cluster {
            Some(cluster) => add_to(self.clusters.entry(cluster).or_default(), counts),
            None => {
                self.lone += 1;
                self.products.resize(counts.len() * counts.len(), 0.0);
                let pairs = counts.iter().flat_map(|a| counts.iter().map(move |b| a * b));
                self.products.iter_mut().zip(pairs).for_each(|(sum, product)| *sum += product);
            }
        }
    }

    fn estimate(&self, planned: u64) -> Estimate {
        let value = if self.n == 0 { None } else { pooled(self.corpus, &self.sums) };
        let interval = value.and_then(|value| self.interval(value));
        Estimate {
            n: self.n,
            unscored: planned.saturating_sub(self.n),
            value,
            low: interval.map(|found| found.low),
            high: interval.map(|found| found.high),
        }
    }

    fn detail(&mut self, planned: u64) -> Detail {
        let has_interval = self.estimate(planned).low.is_some();
        Detail {
            interval_method: if has_interval { "t, by the delta method" } else { "" },
            clusters: (!self.clusters.is_empty()).then(|| self.units()),
            ..Detail::default()
        }
    }
}

impl Pool {
    /// Clusters and samples outside of them.
    fn units(&self) -> u64 {
        self.lone + self.clusters.len() as u64
    }

    fn interval(&self, value: f64) -> Option<Interval> {
        let units = self.units() as f64;
        if units < 2.0 {
            return None;
        }
        let slopes = self.slopes()?;
        let of =
            |counts: &[f64]| counts.iter().zip(&slopes).map(|(c, slope)| c * slope).sum::<f64>();
        let lone: f64 = self
            .products
            .chunks(slopes.len().max(1))
            .map(of)
            .zip(&slopes)
            .map(|(row, slope)| row * slope)
            .sum();
        let clustered: f64 = self.clusters.values().map(|counts| of(counts).powi(2)).sum();
        let squares = (lone + clustered - of(&self.sums).powi(2) / units).max(0.0);
        let error = (units / (units - 1.0) * squares).sqrt();
        let most = if self.unit_range { 1.0 } else { f64::INFINITY };
        Some(t_interval(value, error, units - 1.0, CONFIDENCE)?.clipped(0.0, most))
    }

    /// How much the value changes with each sum, by a small step to either side.
    fn slopes(&self) -> Option<Vec<f64>> {
        let at = |place: usize, sum: f64| {
            let mut sums = self.sums.clone();
            sums[place] = sum;
            pooled(self.corpus, &sums)
        };
        let slope = |(place, sum): (usize, &f64)| {
            // Where nothing was counted, no smaller count can be tried.
            if *sum <= 0.0 {
                return Some(0.0);
            }
            let step = sum * 1e-5;
            Some((at(place, sum + step)? - at(place, sum - step)?) / (2.0 * step))
        };
        self.sums.iter().enumerate().map(slope).collect()
    }
}

fn add_to(sums: &mut Vec<f64>, counts: &[f64]) {
    sums.resize(counts.len(), 0.0);
    sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
}
