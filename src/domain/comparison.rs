//! Sides that were compared in pairs: what every report of a comparison renders.
//!
//! A side is a model with a prompt in a run. Two sides are compared over the samples that both have a
//! value of, found by their ids, so that rows may have been added, removed or moved in between.
//! Differences are always the second side minus the first. Plain data; `metric::paired` makes it.

use serde::Serialize;

use crate::{
    base::money::Money,
    domain::{measure::Latency, run::RunStatus},
};

/// Sides, and what was found of each two of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Confidence of every interval, such as 0.95.
    pub confidence: f64,
    /// The sides, in the order they were named; two at least.
    pub sides: Vec<Side>,
    /// The side that all others are compared with; `None`: each two are compared.
    pub baseline: Option<usize>,
    /// The pairs, in the order of the sides.
    pub pairs: Vec<Pair>,
    /// How many tests the p-values of all pairs were adjusted for.
    pub tests: u64,
    /// What a reader must know before trusting the numbers, in a sentence each.
    pub warnings: Vec<String>,
}

impl Comparison {
    /// The two sides of `pair`.
    ///
    /// # Panics
    /// Never for a pair of this comparison.
    pub fn sides_of(&self, pair: &Pair) -> (&Side, &Side) {
        (&self.sides[pair.a], &self.sides[pair.b])
    }

    /// The scorers of all pairs, each once, in order.
    pub fn scorers(&self) -> Vec<&str> {
        let mut known: Vec<&str> = Vec::new();
        for score in self.pairs.iter().flat_map(|pair| &pair.scores) {
            if !known.contains(&score.scorer.as_str()) {
                known.push(&score.scorer);
            }
        }
        known
    }
}

/// A model with a prompt in a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// What tells it from the other sides, as short as that can be: a model, a prompt, a run, or
    /// several of these. Written by strangers, as all names here.
    pub label: String,
    /// The run's id.
    pub run_id: String,
    /// The run's name.
    pub run_name: String,
    /// When the run began, in milliseconds since the epoch; `None` for an exported file.
    pub created_ms: Option<i64>,
    /// How the run stands.
    pub status: RunStatus,
    /// The branch that was checked out when the run began.
    pub branch: Option<String>,
    /// The commit that was checked out when the run began.
    pub commit: Option<String>,
    /// The file, when the run is an exported one.
    pub file: Option<String>,
    /// The model's name.
    pub model: String,
    /// What people call the model.
    pub model_label: String,
    /// The prompt's id.
    pub prompt: String,
    /// Samples of the run.
    pub samples: u64,
    /// Trials of this model and prompt that ended.
    pub trials: u64,
    /// Of these, without an answer.
    pub errors: u64,
    /// Sum of the known costs of these trials.
    pub cost: Money,
    /// Of these trials: calls whose cost is not known. Unknown is not free.
    pub unpriced_calls: u64,
    /// Latencies of this model and prompt, without those of cached answers.
    pub latency: Latency,
}

impl Side {
    /// What the trials cost; `None` when one of them has no known cost.
    pub fn known_cost(&self) -> Option<Money> {
        (self.unpriced_calls == 0).then_some(self.cost)
    }
}

/// Two sides, compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Index of the first side: the one that the other is compared with.
    pub a: usize,
    /// Index of the second side.
    pub b: usize,
    /// One entry for each scorer that both have, in the order of the first side's run.
    pub scores: Vec<PairedScore>,
    /// Scorers that only one of them has, by id.
    pub unmatched_scorers: Vec<String>,
    /// What the second costs for one sample, divided by what the first does; over the samples of
    /// which both costs are known, answers from the cache with what they had cost. `None` when there
    /// are none, or the first is free.
    pub cost_ratio: Option<f64>,
    /// Median latency of the second divided by that of the first; answers from the cache count with
    /// what they took when they were made. `None` when one is not known.
    pub latency_ratio: Option<f64>,
    /// What differs between the two besides what was to be compared.
    pub differences: Vec<Difference>,
}

/// What one scorer says of two sides.
#[derive(Debug, Clone, PartialEq)]
pub struct PairedScore {
    /// The scorer's id.
    pub scorer: String,
    /// Whether its values lie between 0 and 1, so that a difference is told in points.
    pub unit_range: bool,
    /// Whether lower values are better.
    pub lower_is_better: bool,
    /// The unit of its values, where they have one and do not lie between 0 and 1.
    pub unit: Option<String>,
    /// Samples that both sides have a value of.
    pub n: u64,
    /// Independent units among these: clusters, and samples outside of clusters. Equal to `n` when
    /// there are no clusters.
    pub units: u64,
    /// Mean of the first side over these samples; `None` when there are none.
    pub mean_a: Option<f64>,
    /// Mean of the second side over these samples.
    pub mean_b: Option<f64>,
    /// `mean_b - mean_a`.
    pub difference: Option<f64>,
    /// Lower end of the difference's interval; `None` when it cannot be told.
    pub low: Option<f64>,
    /// Upper end of the difference's interval.
    pub high: Option<f64>,
    /// How the interval was made, for a reader: `Tango score`, `t of the differences`, …
    pub interval_method: &'static str,
    /// How likely a difference like this is when there is none, in `0..=1`; two-sided.
    pub p: Option<f64>,
    /// `p`, adjusted by Holm for all tests of the comparison.
    pub p_adjusted: Option<f64>,
    /// The test that `p` is from, for a reader: `McNemar exact mid-p`, `sign flips, all of them`, …
    pub test: &'static str,
    /// How large the difference is on a scale without unit; `None` where it has none.
    pub effect: Option<f64>,
    /// Which scale: `Cohen's d_z`, or of yes and no `Cohen's g`.
    pub effect_name: &'static str,
    /// Samples of which the second side's value is the better one.
    pub wins: u64,
    /// Samples of which the second side's value is the worse one.
    pub losses: u64,
    /// Samples of which the values are equal.
    pub ties: u64,
    /// Which side is better, by the adjusted p-value.
    pub verdict: PairVerdict,
    /// The smallest difference that so many samples show with a chance of 80%; `None` when it cannot
    /// be told.
    pub detectable: Option<f64>,
    /// Samples that have a value on the second side only.
    pub missing_a: Missing,
    /// Samples that have a value on the first side only.
    pub missing_b: Missing,
}

/// Which of two sides is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PairVerdict {
    /// The first one, significantly.
    A,
    /// The second one, significantly.
    B,
    /// The difference is within what chance makes: the two are tied.
    Tied,
    /// Too few samples to say anything.
    Unknown,
}

impl PairVerdict {
    /// The verdict's name in exports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
            Self::Tied => "tied",
            Self::Unknown => "unknown",
        }
    }
}

/// Samples without a value that have one on the other side.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Missing {
    /// How many.
    pub samples: u64,
    /// Of these, samples that are no part of this side's run; the others have no score in it.
    pub absent: u64,
    /// Ids of the first ones, in the order of the other side's run.
    pub first: Vec<String>,
}

/// Something that differs between two sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What kind of thing.
    pub what: What,
    /// Of what: a scorer's id, a parameter's name; empty when there is only one.
    pub of: String,
    /// How it is on the first side, for a person; `None`: not there, or not known.
    pub a: Option<String>,
    /// How it is on the second side.
    pub b: Option<String>,
    /// Whether the first, or the second, is not known (as in an exported file), so that nobody can
    /// say whether they differ.
    pub unknown: bool,
}

/// Kinds of things that may differ between runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The rows.
    Dataset,
    /// The template.
    Prompt,
    /// Who was asked: provider, upstream name, address, who stands in.
    Model,
    /// Who answered, by the provider's own word.
    ServedModel,
    /// What was sent along: temperature and the like.
    Params,
    /// How answers are scored: scorer, options, extraction.
    Scorer,
    /// A scorer that asks a model: its model, prompt or version.
    Judge,
    /// Repeats, and how they fold.
    Epochs,
    /// What a token costs.
    Price,
    /// The version of this program.
    Version,
}

impl What {
    /// Every kind, in the order of reports.
    pub const ALL: [Self; 10] = [
        Self::Dataset,
        Self::Prompt,
        Self::Model,
        Self::ServedModel,
        Self::Params,
        Self::Scorer,
        Self::Judge,
        Self::Epochs,
        Self::Price,
        Self::Version,
    ];

    /// The kind's name in flags, gates and exports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dataset => "dataset",
            Self::Prompt => "prompt",
            Self::Model => "model",
            Self::ServedModel => "served_model",
            Self::Params => "params",
            Self::Scorer => "scorer",
            Self::Judge => "judge",
            Self::Epochs => "epochs",
            Self::Price => "price",
            Self::Version => "version",
        }
    }

    /// What the kind is called in a sentence.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Dataset => "the dataset",
            Self::Prompt => "the prompt",
            Self::Model => "the model",
            Self::ServedModel => "the model that answered",
            Self::Params => "parameters",
            Self::Scorer => "how answers are scored",
            Self::Judge => "the judge",
            Self::Epochs => "the repeats",
            Self::Price => "prices",
            Self::Version => "the version of evals",
        }
    }

    /// The kind called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.name() == name)
    }

    /// Whether scores of the two sides cannot be told apart from it, so that a gate refuses to compare
    /// them unless told that it is meant. Prices and the program's version are only listed.
    pub const fn matters(self) -> bool {
        !matches!(self, Self::Price | Self::Version)
    }
}
