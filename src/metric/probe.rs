//! What gates ask of scores beyond what a run's own measures hold: other statistics than the mean, a
//! slice of the samples, repeats folded in another way, and why samples have no score.

use std::collections::HashSet;

use super::{Accumulator, CONFIDENCE, Folded, METRICS, Reducer, reducer, tally::Times};
use crate::{
    domain::{
        measure::Estimate,
        run::{RunHeader, TrialDigest},
        trial::Status,
    },
    stats::{self, Interval},
};

/// Samples below the full value that are remembered.
const REMEMBERED: usize = 5;

/// A statistic of a scorer's values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stat {
    /// One of [`METRICS`], by its name.
    Metric(&'static str),
    /// A quantile over samples; 0.5 is the median, 0 and 1 are the smallest and the largest value.
    Quantile(f64),
    /// The mean over samples of the chance that one at least of k repeats has the value 1.
    PassAt(u32),
    /// The mean over samples of the chance that all of k repeats have the value 1.
    PassAll(u32),
    /// The share of samples of which k repeats at least have the value 1.
    AtLeast(u32),
}

impl Stat {
    /// Repeats that it needs.
    pub fn repeats(self) -> u32 {
        match self {
            Self::Metric(_) | Self::Quantile(_) => 1,
            Self::PassAt(k) | Self::PassAll(k) | Self::AtLeast(k) => k,
        }
    }

    /// The value of a sample out of those of its repeats; `None` when there are too few.
    fn fold(self, reducer: &dyn Reducer, repeats: &mut [f64]) -> Option<f64> {
        let (n, k) = (repeats.len() as u64, u64::from(self.repeats()));
        if matches!(self, Self::Metric(_) | Self::Quantile(_)) {
            return reducer.reduce(repeats);
        }
        if n < k {
            return None;
        }
        let right = repeats.iter().filter(|value| **value >= 1.0).count() as u64;
        Some(match self {
            Self::AtLeast(_) => f64::from(u8::from(right >= k)),
            Self::PassAll(_) => all_of(right, n, k),
            _ => 1.0 - all_of(n - right, n, k),
        })
    }
}

/// The chance that `k` drawn of `n` without replacement are all among `marked` ones.
fn all_of(marked: u64, n: u64, k: u64) -> f64 {
    if marked < k {
        return 0.0;
    }
    (0..k).map(|i| (marked - i) as f64 / (n - i) as f64).product()
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Index of the scorer.
    pub scorer: usize,
    /// Of its values.
    pub stat: Stat,
    /// The samples that it is about; all of them when `None`.
    pub samples: Option<HashSet<u64>>,
}

/// What was found of one model and prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Probed {
    /// Index of the model.
    pub model: u32,
    /// Index of the prompt.
    pub prompt: u32,
    /// The value, with its interval.
    pub estimate: Estimate,
    /// Samples without a value since a call or a scorer failed, or trials are missing.
    pub failed: u64,
    /// Samples without a value since an answer was refused, cut or empty.
    pub declined: u64,
    /// Samples that the scorer does not apply to.
    pub skipped: u64,
    /// Samples whose value is below 1.
    pub below: u64,
    /// The first ones of these.
    pub first_below: Vec<u64>,
}

/// Takes the trials of a run for several probes at once.
#[derive(Debug)]
pub struct Probes<'p> {
    asked: &'p [Probe],
    shape: (usize, usize),
    samples: u64,
    reducer: &'static dyn Reducer,
    /// For each probe, model and prompt.
    cells: Vec<Vec<CellSoFar>>,
    held: Option<Held>,
    clusters: std::collections::HashMap<String, u32>,
}

#[derive(Debug)]
struct CellSoFar {
    mean: Option<Box<dyn Accumulator>>,
    values: Vec<f64>,
    /// Samples that were looked at.
    seen: u64,
    failed: u64,
    declined: u64,
    skipped: u64,
    below: u64,
    first_below: Vec<u64>,
}

/// The repeats of one sample, model and prompt.
#[derive(Debug)]
struct Held {
    key: (u64, u32, u32),
    cluster: Option<u32>,
    trials: u32,
    errors: bool,
    odd: bool,
    scores: Vec<Repeats>,
}

#[derive(Debug, Clone, Default)]
struct Repeats {
    values: Vec<f64>,
    counts: Vec<f64>,
    failed: bool,
}

impl<'p> Probes<'p> {
    /// Nothing yet, of the run that `header` describes; `None` when its reducer is not known.
    pub fn new(header: &RunHeader, probes: &'p [Probe]) -> Option<Self> {
        let shape = (header.models.len(), header.prompts.len());
        let cell = |probe: &Probe| {
            let info = &header.scorers[probe.scorer];
            let name = match probe.stat {
                Stat::Quantile(_) => None,
                Stat::Metric(name) => Some(name),
                _ => Some("mean"),
            };
            let metric = METRICS.iter().find(|metric| Some(metric.name()) == name);
            CellSoFar {
                mean: metric.and_then(|metric| metric.start(info)),
                values: Vec::new(),
                seen: 0,
                failed: 0,
                declined: 0,
                skipped: 0,
                below: 0,
                first_below: Vec::new(),
            }
        };
        let cells = probes.iter().map(|p| (0..shape.0 * shape.1).map(|_| cell(p)).collect());
        Some(Self {
            asked: probes,
            shape,
            samples: header.samples,
            reducer: reducer::find(&header.reduce).or_else(|| reducer::find("mean"))?,
            cells: cells.collect(),
            held: None,
            clusters: std::collections::HashMap::new(),
        })
    }

    /// Takes in a trial. Trials come in the order of the plan.
    pub fn add(&mut self, trial: &TrialDigest) {
        let key = (trial.key.sample, trial.key.prompt, trial.key.model);
        if self.held.as_ref().is_none_or(|held| held.key != key) {
            self.fold();
            let next = self.clusters.len() as u32;
            let cluster = trial.cluster.as_ref();
            let cluster = cluster.map(|name| *self.clusters.entry(name.clone()).or_insert(next));
            self.held = Some(Held {
                key,
                cluster,
                trials: 0,
                errors: false,
                odd: false,
                scores: Vec::new(),
            });
        }
        let Some(held) = &mut self.held else { return };
        held.trials += 1;
        held.errors |= trial.status == Status::Error;
        held.odd |= !matches!(trial.status, Status::Error | Status::Ok);
        if held.scores.len() < trial.scores.len() {
            held.scores.resize(trial.scores.len(), Repeats::default());
        }
        for (repeats, score) in held.scores.iter_mut().zip(&trial.scores) {
            repeats.failed |= score.failed;
            let Some(value) = score.value.filter(|value| value.is_finite()) else { continue };
            repeats.values.push(value);
            repeats.counts.resize(score.counts.len(), 0.0);
            repeats.counts.iter_mut().zip(&score.counts).for_each(|(sum, count)| *sum += count);
        }
    }

    fn fold(&mut self) {
        let Some(mut held) = self.held.take() else { return };
        let (sample, prompt, model) = held.key;
        let place = model as usize * self.shape.1 + prompt as usize;
        for (probe, cells) in self.asked.iter().zip(&mut self.cells) {
            let Some(cell) = cells.get_mut(place) else { continue };
            if probe.samples.as_ref().is_some_and(|wanted| !wanted.contains(&sample)) {
                continue;
            }
            cell.seen += 1;
            let mut none = Repeats { failed: true, ..Repeats::default() };
            let repeats = held.scores.get_mut(probe.scorer).unwrap_or(&mut none);
            match probe.stat.fold(self.reducer, &mut repeats.values.clone()) {
                Some(value) => {
                    if let Some(mean) = &mut cell.mean {
                        let counts = &repeats.counts;
                        let (cluster, values) = (held.cluster, &repeats.values);
                        mean.add(&Folded { value, repeats: values, counts, cluster });
                    } else {
                        cell.values.push(value);
                    }
                    if value < 1.0 {
                        cell.below += 1;
                        if cell.first_below.len() < REMEMBERED {
                            cell.first_below.push(sample);
                        }
                    }
                }
                None if held.errors || repeats.failed => cell.failed += 1,
                None if held.odd => cell.declined += 1,
                None => cell.skipped += 1,
            }
        }
    }

    /// What was found: for each probe, each model and prompt.
    pub fn finish(mut self) -> Vec<Vec<Probed>> {
        self.fold();
        let (_, prompts) = self.shape;
        let probed = self.asked.iter().zip(self.cells);
        let of_probe = |(probe, cells): (&Probe, Vec<CellSoFar>)| {
            let planned = probe.samples.as_ref().map_or(self.samples, |some| some.len() as u64);
            let of_cell = |(place, cell): (usize, CellSoFar)| {
                let (model, prompt) = ((place / prompts) as u32, (place % prompts) as u32);
                let missing = planned.saturating_sub(cell.seen);
                Probed {
                    model,
                    prompt,
                    estimate: match (&cell.mean, probe.stat) {
                        (Some(mean), _) => mean.estimate(planned),
                        (None, Stat::Quantile(q)) => quantile(cell.values, q, planned),
                        (None, _) => {
                            Estimate { n: 0, unscored: planned, value: None, low: None, high: None }
                        }
                    },
                    failed: cell.failed + missing,
                    declined: cell.declined,
                    skipped: cell.skipped,
                    below: cell.below,
                    first_below: cell.first_below,
                }
            };
            cells.into_iter().enumerate().map(of_cell).collect()
        };
        probed.map(of_probe).collect()
    }
}

fn quantile(mut values: Vec<f64>, q: f64, planned: u64) -> Estimate {
    values.sort_unstable_by(f64::total_cmp);
    let interval = stats::quantile_interval(&values, q, CONFIDENCE);
    let n = values.len() as u64;
    Estimate {
        n,
        unscored: planned.saturating_sub(n),
        value: stats::quantile(&values, q),
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
    }
}

/// The latencies of each model of a run, for the intervals of their quantiles: without those of cached
/// answers, as in the run's measures.
#[derive(Debug)]
pub struct Latencies(Vec<(Times, Times)>);

impl Latencies {
    /// Nothing yet, of so many models.
    pub fn new(models: usize) -> Self {
        Self((0..models).map(|_| (Times::default(), Times::default())).collect())
    }

    /// Takes in a trial.
    pub fn add(&mut self, trial: &TrialDigest) {
        if trial.cached.is_some() || trial.status == Status::Error {
            return;
        }
        if let Some((whole, first)) = self.0.get_mut(trial.key.model as usize) {
            trial.latency_us.into_iter().for_each(|us| whole.add(us));
            trial.ttft_us.into_iter().for_each(|us| first.add(us));
        }
    }

    /// Ends the taking in.
    pub fn finish(&mut self) {
        for (whole, first) in &mut self.0 {
            whole.sort();
            first.sort();
        }
    }

    /// The 95% interval, in milliseconds, of a quantile of the latencies of a model, or of its times to
    /// first token; with how many there are.
    pub fn interval(&self, model: usize, first: bool, q: f64) -> Option<(Interval, u64)> {
        let (whole, first_tokens) = self.0.get(model)?;
        let times = if first { first_tokens } else { whole };
        Some((times.interval_ms(q, CONFIDENCE)?, times.count() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_of_a_sample_fold_by_what_is_asked() {
        let mean = reducer::find("mean").expect("in the list");
        let fold = |stat: Stat, values: &[f64]| stat.fold(mean, &mut values.to_vec());
        let values = [1.0, 0.0, 1.0, 1.0];
        // C(3, 2) / C(4, 2), and 1 - C(1, 2) / C(4, 2).
        assert_eq!(fold(Stat::PassAll(2), &values), Some(0.5));
        assert_eq!(fold(Stat::PassAt(2), &values), Some(1.0));
        assert_eq!(fold(Stat::PassAt(1), &values), Some(0.75));
        assert_eq!(fold(Stat::AtLeast(3), &values), Some(1.0));
        assert_eq!(fold(Stat::AtLeast(4), &values), Some(0.0));
        assert_eq!(fold(Stat::AtLeast(5), &values), None);
        assert_eq!(fold(Stat::Metric("mean"), &values), Some(0.75));
        assert_eq!(fold(Stat::Quantile(0.5), &[]), None);
    }
}
