//! Aggregates over trials, each with what one may believe of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    base::money::Money,
    domain::{calibration::Calibration, pairwise::Pairwise},
};

/// A mean with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// Samples that entered the mean.
    pub n: u64,
    /// Samples that have no score: errors, answers that cannot be scored, failed scorers.
    pub unscored: u64,
    /// The mean; `None` when `n` is 0.
    pub value: Option<f64>,
    /// Lower end of the 95% interval; `None` when it cannot be told.
    pub low: Option<f64>,
    /// Upper end of the 95% interval; `None` when it cannot be told.
    pub high: Option<f64>,
}

/// One cell of the results: a metric of one scorer for one model and prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// Index of the model.
    pub model: u32,
    /// Index of the prompt.
    pub prompt: u32,
    /// Index of the scorer.
    pub scorer: u32,
    /// The metric's name.
    pub metric: &'static str,
    /// Its value.
    pub estimate: Estimate,
}

/// Latency quantiles of one model over its answered trials, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Latency {
    /// Median.
    pub p50: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// Median time to first token; `None` when nothing was streamed.
    pub ttft_p50: Option<f64>,
}

/// What one model did in a run, all prompts together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ModelTotals {
    /// Trials that ended, by whatever status.
    pub trials: u64,
    /// Trials without an answer.
    pub errors: u64,
    /// Answers that were declined.
    pub refused: u64,
    /// Answers cut at the token limit.
    pub length: u64,
    /// Answers without text.
    pub empty: u64,
    /// Answers of other models in its place, by their names, sorted.
    pub stand_ins: BTreeMap<String, u64>,
    /// Answers from the response cache.
    pub cached: u64,
    /// Sum of what is known of the costs that the cache saved; no part of `cost`.
    pub saved: Money,
    /// Answers from the response cache of which nobody knows what they had cost.
    pub unpriced_hits: u64,
    /// Sum of the known costs.
    pub cost: Money,
    /// Calls that were made and whose cost is not known.
    pub unpriced_calls: u64,
    /// Sum of the prompt tokens reported; `None` when none were reported.
    pub input_tokens: Option<u64>,
    /// Sum of the answer tokens reported; `None` when none were reported.
    pub output_tokens: Option<u64>,
    /// Latency quantiles.
    pub latency: Latency,
}

/// Everything a finished or unfinished run says in numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunMeasures {
    /// Trials planned.
    pub planned: u64,
    /// Model x prompt x scorer, in the order of the plan.
    pub measures: Vec<Measure>,
    /// One entry a model, in the order of the plan.
    pub models: Vec<ModelTotals>,
    /// Trials that ended in an error, by kind, sorted by kind.
    pub errors: Vec<(String, u64)>,
    /// Verdicts that are failures of the scorer itself.
    pub scorer_failures: u64,
    /// Why answers have no score, by scorer and then by how many; the rarest are put together.
    pub reasons: Vec<Unscored>,
    /// What people's labels say of scorers, one entry a scorer with labels.
    pub calibrations: Vec<Calibration>,
    /// What comparisons of two answers each say, one entry a scorer that made some.
    pub pairwise: Vec<Pairwise>,
}

/// Why answers have no score of a scorer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unscored {
    /// Index of the scorer.
    pub scorer: u32,
    /// Whether the scorer itself failed (rather than not applying).
    pub failed: bool,
    /// Why; `None` stands for all reasons that are not listed.
    pub why: Option<String>,
    /// Answers.
    pub n: u64,
}

impl RunMeasures {
    /// Trials that ended, by whatever status.
    pub fn ended(&self) -> u64 {
        self.models.iter().map(|model| model.trials).sum()
    }

    /// Trials without an answer.
    pub fn failed(&self) -> u64 {
        self.models.iter().map(|model| model.errors).sum()
    }

    /// Share of the ended trials that are without an answer; 0 when none ended.
    pub fn error_rate(&self) -> f64 {
        self.failed() as f64 / self.ended().max(1) as f64
    }

    /// Sum of the known costs.
    pub fn cost(&self) -> Money {
        self.models.iter().map(|model| model.cost).sum()
    }

    /// Answers from the response cache.
    pub fn cached(&self) -> u64 {
        self.models.iter().map(|model| model.cached).sum()
    }

    /// Sum of what is known of the costs that the response cache saved.
    pub fn saved(&self) -> Money {
        self.models.iter().map(|model| model.saved).sum()
    }

    /// Answers from the response cache of which nobody knows what they had cost.
    pub fn unpriced_hits(&self) -> u64 {
        self.models.iter().map(|model| model.unpriced_hits).sum()
    }

    /// Calls that were made and whose cost is not known.
    pub fn unpriced_calls(&self) -> u64 {
        self.models.iter().map(|model| model.unpriced_calls).sum()
    }
}

/// What became of a gate: a condition on the measures, decided for one model and prompt or for the
/// whole run.
#[derive(Debug, Clone, PartialEq)]
pub struct GateResult {
    /// The condition as written.
    pub gate: String,
    /// The model it was decided for; `None` when it is about the whole run.
    pub model: Option<String>,
    /// The prompt it was decided for; `None` when it is about all of them.
    pub prompt: Option<String>,
    /// Whether it holds; `None` when that could not be decided.
    pub passed: Option<bool>,
    /// What was measured, in the gate's own unit.
    pub measured: Option<f64>,
    /// Why, for a person.
    pub reason: String,
}
