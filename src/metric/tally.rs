//! Adds up a run, trial by trial.

use std::collections::{BTreeMap, HashMap};

use crate::{
    base::money::Money,
    domain::{
        measure::{Latency, Measure, ModelTotals, RunMeasures, Spreads},
        run::{RunHeader, TrialDigest},
        slice::Slices,
        trial::Status,
    },
    metric::{
        Accumulator, BySample, Folded, METRICS, Metric, Reducer, early::EarlyStop, reducer, slices,
    },
    stats::{Interval, quantile_interval_of, quantile_of},
};

/// The sums of a run so far.
pub struct Tally {
    planned: u64,
    samples: u64,
    /// How many prompts, models and scorers there are.
    shape: Shape,
    reducer: Option<&'static dyn Reducer>,
    /// Model x prompt x scorer, in this order; each with its metrics.
    groups: Vec<Vec<(&'static str, Box<dyn Accumulator>)>>,
    clusters: HashMap<String, u32>,
    pending: Option<Pending>,
    models: Vec<ModelTally>,
    errors: BTreeMap<String, u64>,
    scorer_failures: u64,
    /// What the calls of each model x prompt cost.
    spent: Vec<Spent>,
    /// The values of every sample, where they are asked for.
    kept: Option<BySample>,
    slices: Slices,
    /// Whether the run could end early, and of how many samples each model x prompt was asked.
    early: Option<EarlyStop>,
    asked: Vec<u64>,
}

/// What calls cost, with what the cache saved.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    known: Money,
    /// Whether a part is not known.
    unknown: bool,
}

impl Spent {
    fn add(&mut self, trial: &TrialDigest) {
        let hit = trial.cached.map(|hit| hit.saved);
        self.unknown |= trial.unpriced || hit.is_some_and(|saved| saved.is_none());
        let saved = hit.flatten().unwrap_or(Money::ZERO);
        self.known = self.known + Money::from_pico(trial.cost_pico.unwrap_or(0)) + saved;
    }

    /// What one of `correct` answers cost, in dollars.
    fn per(self, correct: Option<u64>) -> Option<f64> {
        let correct = correct.filter(|correct| *correct > 0 && !self.unknown)?;
        Some(self.known.usd() / correct as f64)
    }
}

#[derive(Debug, Clone, Copy)]
struct Shape {
    models: usize,
    prompts: usize,
    scorers: usize,
}

/// The repeats of one sample, prompt and model, until the next one begins.
#[derive(Debug)]
struct Pending {
    sample: u64,
    prompt: u32,
    model: u32,
    cluster: Option<u32>,
    /// One entry a scorer.
    scores: Vec<Repeats>,
}

/// What a scorer said of the repeats.
#[derive(Debug, Clone, Default)]
struct Repeats {
    values: Vec<f64>,
    /// Sums of what it counted.
    counts: Vec<f64>,
}

#[derive(Debug, Default)]
struct ModelTally {
    totals: ModelTotals,
    latencies: Times,
    first_tokens: Times,
}

/// Times in microseconds: those of up to an hour take four bytes.
#[derive(Debug, Default)]
pub(super) struct Times {
    short: Vec<u32>,
    long: Vec<u64>,
}

impl Times {
    pub(super) fn add(&mut self, us: u64) {
        match u32::try_from(us) {
            Ok(us) => self.short.push(us),
            Err(_) => self.long.push(us),
        }
    }

    pub(super) fn sort(&mut self) {
        self.short.sort_unstable();
        self.long.sort_unstable();
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.short.len() + self.long.len()
    }

    /// The interval of a quantile in milliseconds, of times that are sorted.
    pub(super) fn interval_ms(&self, q: f64, confidence: f64) -> Option<Interval> {
        let at = |place: usize| self.at(place);
        let found = quantile_interval_of(self.count(), at, q, confidence)?;
        Some(Interval { low: found.low / 1000.0, high: found.high / 1000.0 })
    }

    fn at(&self, place: usize) -> f64 {
        match self.short.get(place) {
            Some(us) => f64::from(*us),
            None => self.long.get(place - self.short.len()).map_or(0.0, |us| *us as f64),
        }
    }

    /// A quantile in milliseconds, of times that are sorted.
    pub(super) fn quantile_ms(&self, q: f64) -> Option<f64> {
        quantile_of(self.count(), |place| self.at(place), q).map(|us| us / 1000.0)
    }
}

impl std::fmt::Debug for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Tally");
        shown.field("planned", &self.planned).field("shape", &self.shape);
        shown.field("models", &self.models).finish_non_exhaustive()
    }
}

impl Tally {
    /// Nothing yet, of the run that `header` describes. A reducer that is not known is `mean`.
    pub fn new(header: &RunHeader) -> Self {
        let shape = Shape {
            models: header.models.len(),
            prompts: header.prompts.len(),
            scorers: header.scorers.len(),
        };
        let mut groups = Vec::new();
        for _ in 0..shape.models * shape.prompts {
            for scorer in &header.scorers {
                let start = |metric: &&dyn Metric| Some((metric.name(), metric.start(scorer)?));
                groups.push(METRICS.iter().filter_map(start).collect());
            }
        }
        Self {
            planned: header.planned_trials(),
            samples: header.samples,
            shape,
            reducer: reducer::find(&header.reduce).or_else(|| reducer::find("mean")),
            groups,
            clusters: HashMap::new(),
            pending: None,
            models: (0..shape.models).map(|_| ModelTally::default()).collect(),
            errors: BTreeMap::new(),
            scorer_failures: 0,
            spent: vec![Spent::default(); shape.models * shape.prompts],
            kept: None,
            slices: Slices::default(),
            early: EarlyStop::new(header),
            asked: vec![0; shape.models * shape.prompts],
        }
    }

    /// Measures these slices of the samples of `header`'s run as well.
    #[must_use]
    pub fn slicing(self, slices: Slices, header: &RunHeader) -> Self {
        if slices.is_empty() {
            return self;
        }
        Self { slices, ..self.keeping(header) }
    }

    /// Keeps the values of every sample of `header`'s run.
    #[must_use]
    pub fn keeping(mut self, header: &RunHeader) -> Self {
        self.kept = Some(BySample::new(header));
        self
    }

    /// Takes in one trial. Trials come in the order of the plan; some may be missing.
    ///
    /// One of a model or a prompt that the header does not have is left out.
    pub fn add(&mut self, trial: &TrialDigest) {
        let (model, prompt) = (trial.key.model as usize, trial.key.prompt as usize);
        if prompt >= self.shape.prompts {
            return;
        }
        let Some(tally) = self.models.get_mut(model) else { return };
        tally.add(trial);
        if let Some(spent) = self.spent.get_mut(model * self.shape.prompts + prompt) {
            spent.add(trial);
        }
        if trial.status == Status::Error {
            let kind = trial.error_kind.as_deref().unwrap_or("unknown");
            match self.errors.get_mut(kind) {
                Some(count) => *count += 1,
                None => drop(self.errors.insert(kind.to_owned(), 1)),
            }
        }
        let failures = trial.scores.iter().filter(|score| score.failed).count();
        self.scorer_failures += failures as u64;
        if let Some(early) = &mut self.early {
            early.add_recorded(trial, self.shape.scorers);
        }
        self.hold(trial);
    }

    /// Takes in what was spent on a trial of `model` that has no answer yet; `None`: not known.
    pub fn add_open(&mut self, model: u32, cost: Option<Money>) {
        let Some(ModelTally { totals, .. }) = self.models.get_mut(model as usize) else { return };
        match cost {
            Some(cost) => totals.cost = totals.cost + cost,
            None => totals.unpriced_calls += 1,
        }
    }

    /// The values of every sample; `None` unless they are kept.
    pub fn finish_values(mut self) -> Option<BySample> {
        self.fold_pending();
        self.kept
    }

    /// The numbers of all that was added.
    pub fn finish(mut self) -> RunMeasures {
        self.fold_pending();
        let sliced = self.kept.as_ref().map(|kept| slices::measures(&self.slices, kept));
        let ended: u64 = self.models.iter().map(|model| model.totals.trials).sum();
        let early = self.early.as_ref().filter(|_| ended < self.planned);
        let stopped = early.and_then(EarlyStop::reached);
        let Shape { models, prompts, scorers } = self.shape;
        let mut measures = Vec::with_capacity(self.groups.len());
        let mut groups = self.groups.iter_mut();
        for model in 0..models as u32 {
            for prompt in 0..prompts as u32 {
                for scorer in 0..scorers as u32 {
                    let cell = model as usize * prompts + prompt as usize;
                    let spent = self.spent[cell];
                    // What a run had no need to ask is not unscored.
                    let samples = if stopped.is_some() { self.asked[cell] } else { self.samples };
                    for (metric, group) in groups.next().into_iter().flatten() {
                        let (metric, estimate) = (*metric, group.estimate(samples));
                        let mut detail = group.detail(samples);
                        detail.cost_per_correct = spent.per(detail.correct);
                        measures.push(Measure { model, prompt, scorer, metric, estimate, detail });
                    }
                }
            }
        }
        RunMeasures {
            planned: self.planned,
            measures,
            models: self.models.into_iter().map(ModelTally::finish).collect(),
            errors: self.errors.into_iter().collect(),
            scorer_failures: self.scorer_failures,
            reasons: Vec::new(),
            derived: Vec::new(),
            judges: Vec::new(),
            spreads: Spreads::default(),
            calibrations: Vec::new(),
            pairwise: Vec::new(),
            slices: sliced.unwrap_or_default(),
            unsliced: self.slices.left_out(),
            stopped,
        }
    }

    /// Puts the trial's values with the other repeats of its sample.
    fn hold(&mut self, trial: &TrialDigest) {
        let key = trial.key;
        let same = |held: &Pending| {
            (held.sample, held.prompt, held.model) == (key.sample, key.prompt, key.model)
        };
        if !self.pending.as_ref().is_some_and(same) {
            self.fold_pending();
            let cluster = trial.cluster.as_deref().map(|name| self.cluster(name));
            // The emptied lists are kept, so that a trial costs no allocation.
            let mut held = self.pending.take().unwrap_or_else(|| Pending {
                sample: 0,
                prompt: 0,
                model: 0,
                cluster: None,
                scores: vec![Repeats::default(); self.shape.scorers],
            });
            (held.sample, held.prompt, held.model) = (key.sample, key.prompt, key.model);
            held.cluster = cluster;
            self.pending = Some(held);
        }
        if let Some(held) = &mut self.pending {
            for (held, score) in held.scores.iter_mut().zip(&trial.scores) {
                let Some(value) = score.value.filter(|value| value.is_finite()) else { continue };
                held.values.push(value);
                held.counts.resize(score.counts.len(), 0.0);
                held.counts.iter_mut().zip(&score.counts).for_each(|(sum, count)| *sum += count);
            }
        }
    }

    /// Folds the held repeats into one value each and passes these on; the lists stay, emptied.
    fn fold_pending(&mut self) {
        let (Some(held), Some(reducer)) = (&mut self.pending, self.reducer) else { return };
        let Shape { prompts, scorers, .. } = self.shape;
        let cell = held.model as usize * prompts + held.prompt as usize;
        self.asked[cell] += 1;
        let first = cell * scorers;
        let groups = self.groups.iter_mut().enumerate().skip(first);
        for (scores, (place, groups)) in held.scores.iter_mut().zip(groups) {
            if let Some(value) = reducer.reduce(&mut scores.values) {
                let cluster = held.cluster;
                let folded =
                    Folded { value, repeats: &scores.values, counts: &scores.counts, cluster };
                for (_, group) in groups {
                    group.add(&folded);
                }
                if let Some(kept) = &mut self.kept {
                    kept.add(place, held.sample, value, cluster);
                }
            }
            scores.values.clear();
            scores.counts.clear();
        }
    }

    /// The number of the cluster called `name`.
    fn cluster(&mut self, name: &str) -> u32 {
        if let Some(number) = self.clusters.get(name) {
            return *number;
        }
        let number = self.clusters.len() as u32;
        self.clusters.insert(name.to_owned(), number);
        number
    }
}

impl ModelTally {
    fn add(&mut self, trial: &TrialDigest) {
        let totals = &mut self.totals;
        totals.trials += 1;
        match trial.status {
            Status::Ok => {}
            Status::Refused => totals.refused += 1,
            Status::Length => totals.length += 1,
            Status::Empty => totals.empty += 1,
            Status::Error => {
                totals.errors += 1;
                let kind = trial.error_kind.as_deref().unwrap_or("unknown");
                *totals.error_kinds.entry(kind.to_owned()).or_insert(0) += 1;
            }
        }
        if let Some(name) = &trial.stand_in
            && trial.status != Status::Error
        {
            *totals.stand_ins.entry(name.clone()).or_insert(0) += 1;
        }
        if let Some(hit) = trial.cached {
            totals.cached += 1;
            totals.saved = totals.saved + hit.saved.unwrap_or(Money::ZERO);
            totals.unpriced_hits += u64::from(hit.saved.is_none());
        }
        totals.cost = totals.cost + Money::from_pico(trial.cost_pico.unwrap_or(0));
        totals.unpriced_calls += u64::from(trial.unpriced);
        if let Some(usage) = trial.usage {
            let add = |sum: Option<u64>, more| Some(sum.unwrap_or(0).saturating_add(more));
            totals.input_tokens = add(totals.input_tokens, usage.input);
            totals.output_tokens = add(totals.output_tokens, usage.output);
        }
        // How fast the cache answers, or how fast a call fails, is not the model's latency.
        if trial.cached.is_none() && trial.status != Status::Error {
            trial.latency_us.into_iter().for_each(|us| self.latencies.add(us));
            trial.ttft_us.into_iter().for_each(|us| self.first_tokens.add(us));
        }
    }

    fn finish(mut self) -> ModelTotals {
        self.latencies.sort();
        self.first_tokens.sort();
        let latency = |q| self.latencies.quantile_ms(q);
        self.totals.latency = Latency {
            p50: latency(0.5),
            p90: latency(0.9),
            p95: latency(0.95),
            p99: latency(0.99),
            ttft_p50: self.first_tokens.quantile_ms(0.5),
        };
        self.totals
    }
}
