//! What pairing needs of each run.

use std::collections::HashMap;

use crate::{
    base::{digest::sha256_u64, money::Money},
    domain::{
        measure::Latency,
        run::{RunHeader, SampleMark, TrialDigest},
        trial::Status,
    },
    metric::{Reducer, reducer, tally::Times},
};

/// Marks a sample that a run does not have.
pub(super) const NOWHERE: u32 = u32::MAX;

/// The samples of several runs, by number.
#[derive(Debug, Default)]
pub struct Roster {
    numbers: HashMap<u64, u32>,
    /// The cluster of each sample: a run that was exported to a file does not know them, and takes
    /// them from the other.
    pub(super) clusters: Vec<Option<u32>>,
    cluster_numbers: HashMap<u64, u32>,
}

impl Roster {
    fn number(&mut self, mark: &SampleMark) -> u32 {
        let next = self.clusters.len() as u32;
        let number = *self.numbers.entry(sha256_u64(mark.id.as_bytes())).or_insert(next);
        if number == next {
            self.clusters.push(None);
        }
        if let (Some(name), None) = (&mark.cluster, self.clusters[number as usize]) {
            let next = self.cluster_numbers.len() as u32;
            let cluster = *self.cluster_numbers.entry(sha256_u64(name.as_bytes())).or_insert(next);
            self.clusters[number as usize] = Some(cluster);
        }
        number
    }
}

/// What one model and prompt did, sample by sample.
#[derive(Debug)]
pub struct Cell {
    /// Index of the model.
    pub model: u32,
    /// Index of the prompt.
    pub prompt: u32,
    /// Trials that ended.
    pub trials: u64,
    /// Of these, without an answer.
    pub errors: u64,
    /// Sum of the known costs.
    pub cost: Money,
    /// Calls whose cost is not known.
    pub unpriced_calls: u64,
    /// For each scorer that is kept, the value of each sample; NaN stands for none.
    scores: Vec<Vec<f64>>,
    /// What each sample cost, cached answers with what they had cost.
    pub(super) costs: Vec<Cost>,
    /// Latencies of answers that were not cached.
    measured: Times,
    /// Latencies of all answers, cached ones with what they had taken.
    pub(super) all: Times,
    first_tokens: Times,
}

/// What the trials of a sample cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cost {
    /// Not asked.
    None,
    /// So many picodollars.
    Pico(i64),
    /// Not known.
    Unknown,
}

/// The repeats of a sample, until the next one begins.
#[derive(Debug)]
struct Held {
    sample: u64,
    cell: usize,
    values: Vec<Vec<f64>>,
}

/// What pairing needs of a run.
#[derive(Debug)]
pub struct Values {
    reducer: Option<&'static dyn Reducer>,
    scorers: usize,
    /// The number in the roster of each sample.
    pub(super) numbers: Vec<u32>,
    /// The sample of each number of the roster.
    samples: Vec<u32>,
    /// What each sample asks, as a digest.
    contents: Vec<u64>,
    pub(super) cells: Vec<Cell>,
    held: Option<Held>,
}

impl std::fmt::Debug for dyn Reducer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Values {
    /// Nothing yet, of the models and prompts of `cells` in the run that `header` describes.
    pub fn new(header: &RunHeader, cells: &[(u32, u32)]) -> Self {
        let samples = usize::try_from(header.samples).unwrap_or(0);
        let scorers = header.scorers.len();
        let cell = |&(model, prompt): &(u32, u32)| Cell {
            model,
            prompt,
            trials: 0,
            errors: 0,
            cost: Money::ZERO,
            unpriced_calls: 0,
            scores: vec![vec![f64::NAN; samples]; scorers],
            costs: vec![Cost::None; samples],
            measured: Times::default(),
            all: Times::default(),
            first_tokens: Times::default(),
        };
        Self {
            reducer: reducer::find(&header.reduce).or_else(|| reducer::find("mean")),
            scorers,
            numbers: vec![NOWHERE; samples],
            samples: Vec::new(),
            contents: vec![0; samples],
            cells: cells.iter().map(cell).collect(),
            held: None,
        }
    }

    /// Takes in a sample of the run.
    pub fn add_sample(&mut self, roster: &mut Roster, mark: &SampleMark) {
        let Some(place) = self.numbers.get_mut(mark.index as usize) else { return };
        let number = roster.number(mark);
        *place = number;
        self.contents[mark.index as usize] = mark.content;
        if self.samples.len() <= number as usize {
            self.samples.resize(number as usize + 1, NOWHERE);
        }
        self.samples[number as usize] = mark.index as u32;
    }

    /// Takes in a trial. Trials come in the order of the plan.
    pub fn add(&mut self, trial: &TrialDigest) {
        let key = trial.key;
        let of = |cell: &Cell| (cell.model, cell.prompt) == (key.model, key.prompt);
        let Some(at) = self.cells.iter().position(of) else { return };
        self.cells[at].add(trial);
        let same = |held: &Held| (held.sample, held.cell) == (key.sample, at);
        if !self.held.as_ref().is_some_and(same) {
            self.fold();
            let values = vec![Vec::new(); self.scorers];
            self.held = Some(Held { sample: key.sample, cell: at, values });
        }
        if let Some(held) = &mut self.held {
            for (values, score) in held.values.iter_mut().zip(&trial.scores) {
                values.extend(score.value.filter(|value| value.is_finite()));
            }
        }
    }

    /// Ends the taking in.
    pub fn finish(&mut self) {
        self.fold();
        for cell in &mut self.cells {
            for times in [&mut cell.measured, &mut cell.all, &mut cell.first_tokens] {
                times.sort();
            }
        }
    }

    fn fold(&mut self) {
        let (Some(mut held), Some(reducer)) = (self.held.take(), self.reducer) else { return };
        let scores = &mut self.cells[held.cell].scores;
        for (column, repeats) in scores.iter_mut().zip(&mut held.values) {
            if let (Some(value), Some(place)) =
                (reducer.reduce(repeats), column.get_mut(held.sample as usize))
            {
                *place = value;
            }
        }
    }

    /// The models and prompts, in the order they were asked for.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The sample with this number of the roster.
    pub(super) fn sample(&self, number: u32) -> Option<usize> {
        let found = *self.samples.get(number as usize)?;
        (found != NOWHERE).then_some(found as usize)
    }

    /// Samples that both runs have by their ids, and of these, those of which each asks something
    /// else; samples of this run alone, and of the other alone.
    pub fn overlap(&self, other: &Self) -> Overlap {
        let mut found = Overlap::default();
        for (sample, number) in self.numbers.iter().enumerate() {
            match other.sample(*number).filter(|_| *number != NOWHERE) {
                Some(there) => {
                    found.both += 1;
                    found.changed += u64::from(self.contents[sample] != other.contents[there]);
                }
                None => found.only_here += 1,
            }
        }
        let there = other.numbers.iter().filter(|number| **number != NOWHERE).count() as u64;
        found.only_there = there.saturating_sub(found.both);
        found
    }
}

/// What two runs have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Overlap {
    /// Samples of both.
    pub both: u64,
    /// Of these, samples that ask or accept something else in each.
    pub changed: u64,
    /// Samples of the first alone.
    pub only_here: u64,
    /// Samples of the second alone.
    pub only_there: u64,
}

impl Cell {
    fn add(&mut self, trial: &TrialDigest) {
        self.trials += 1;
        self.errors += u64::from(trial.status == Status::Error);
        self.cost = self.cost + Money::from_pico(trial.cost_pico.unwrap_or(0));
        self.unpriced_calls += u64::from(trial.unpriced);
        let hit = trial.cached;
        let known = match hit {
            Some(hit) => hit.saved.map(Money::pico),
            None => trial.cost_pico.filter(|_| !trial.unpriced),
        };
        if let Some(cost) = self.costs.get_mut(trial.key.sample as usize) {
            *cost = match (*cost, known) {
                (Cost::Unknown, _) | (_, None) => Cost::Unknown,
                (Cost::None, Some(pico)) => Cost::Pico(pico),
                (Cost::Pico(sum), Some(pico)) => Cost::Pico(sum.saturating_add(pico)),
            };
        }
        if trial.status == Status::Error {
            return;
        }
        match hit {
            Some(hit) => hit.latency_us.into_iter().for_each(|us| self.all.add(us)),
            None => {
                trial.latency_us.into_iter().for_each(|us| self.all.add(us));
                trial.latency_us.into_iter().for_each(|us| self.measured.add(us));
                trial.ttft_us.into_iter().for_each(|us| self.first_tokens.add(us));
            }
        }
    }

    /// Latencies, without those of cached answers.
    pub fn latency(&self) -> Latency {
        let of = |q| self.measured.quantile_ms(q);
        Latency {
            p50: of(0.5),
            p90: of(0.9),
            p95: of(0.95),
            p99: of(0.99),
            ttft_p50: self.first_tokens.quantile_ms(0.5),
        }
    }

    /// The value that the scorer at `scorer` has for a sample.
    pub(super) fn value(&self, scorer: usize, sample: usize) -> Option<f64> {
        let value = self.scores.get(scorer).and_then(|column| column.get(sample)).copied();
        value.filter(|value| !value.is_nan())
    }
}
