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
    /// What more is known of it.
    pub detail: Detail,
}

/// What more is known of a cell; `None` where it cannot be told or means nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Detail {
    /// How the interval was made; empty without one.
    pub interval_method: &'static str,
    /// The standard error of the value, cluster-robust where the interval is.
    pub standard_error: Option<f64>,
    /// Clusters that the interval counts, a sample by itself counting as one; `None` when it counts
    /// samples.
    pub clusters: Option<u64>,
    /// Quantiles of the samples' values; `None` where all values are 0 or 1.
    pub quantiles: Option<Quantiles>,
    /// Answers with the value 1, each repeat by itself; `None` unless all values are 0 or 1.
    pub correct: Option<u64>,
    /// What such an answer cost, in dollars: the cost of all calls of this model and prompt, with
    /// what the cache saved, by `correct`. `None` when a part of the cost is unknown or nothing is
    /// correct.
    pub cost_per_correct: Option<f64>,
    /// How often some and how often all of k repeats are correct; empty without repeats and where a
    /// value is neither 0 nor 1.
    pub passes: Vec<Passes>,
}

/// Quantiles of the values of samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quantiles {
    /// 10th percentile.
    pub p10: f64,
    /// 25th percentile.
    pub p25: f64,
    /// Median.
    pub p50: f64,
    /// Lower end of the median's 95% interval; `None` for fewer than 6 samples.
    pub p50_low: Option<f64>,
    /// Upper end of the median's 95% interval; `None` for fewer than 6 samples.
    pub p50_high: Option<f64>,
    /// 75th percentile.
    pub p75: f64,
    /// 90th percentile.
    pub p90: f64,
}

/// Chances over k repeats of a sample, each estimated without bias from all its repeats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Passes {
    /// How many repeats.
    pub k: u32,
    /// pass@k: that one at least is correct.
    pub any: Estimate,
    /// pass^k: that all are correct.
    pub all: Estimate,
}

/// A part of the samples in one cell of the results, compared with the rest of them.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceMeasure {
    /// The column, or the word for tags, as it was named.
    pub column: String,
    /// The value that the samples have in common.
    pub value: String,
    /// Index of the model.
    pub model: u32,
    /// Index of the prompt.
    pub prompt: u32,
    /// Index of the scorer.
    pub scorer: u32,
    /// The mean over the slice. What is unscored is counted among its own samples.
    pub estimate: Estimate,
    /// Its mean less that of the rest; `None` when one of them has no value.
    pub difference: Option<f64>,
    /// Lower end of the difference's 95% interval.
    pub difference_low: Option<f64>,
    /// Upper end of the difference's 95% interval.
    pub difference_high: Option<f64>,
    /// The chance of a difference at least as large, were there none; for this slice alone.
    pub p_value: Option<f64>,
    /// The same, adjusted for all slices of the run by Benjamini and Hochberg.
    pub p_adjusted: Option<f64>,
    /// How the p-value was made.
    pub test: &'static str,
}

/// A metric made of others, for one model and prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct DerivedMeasure {
    /// The metric's name.
    pub name: String,
    /// What it is made of, as written.
    pub expression: String,
    /// Index of the model.
    pub model: u32,
    /// Index of the prompt.
    pub prompt: u32,
    /// Its value; `None` when it cannot be told.
    pub value: Option<f64>,
    /// Why there is none.
    pub reason: Option<String>,
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
    /// Trials that ended in an error, by kind, sorted by kind.
    pub error_kinds: BTreeMap<String, u64>,
}

impl ModelTotals {
    /// What an ended trial cost on average, in dollars, with what the cache saved; `None` when no
    /// trial ended or a part of the cost is unknown.
    pub fn cost_per_trial(&self) -> Option<f64> {
        let known = self.unpriced_calls == 0 && self.unpriced_hits == 0;
        (known && self.trials > 0).then(|| (self.cost + self.saved).usd() / self.trials as f64)
    }
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
    /// Metrics made of others: model x prompt x metric, in the order of the plan.
    pub derived: Vec<DerivedMeasure>,
    /// What the models did that scorers asked, by scorer and then in the order of their names.
    pub judges: Vec<JudgeTotals>,
    /// How far verdicts of models differ, where several were given.
    pub spreads: Spreads,
    /// What people's labels say of scorers, one entry a scorer with labels.
    pub calibrations: Vec<Calibration>,
    /// What comparisons of two answers each say, one entry a scorer that made some.
    pub pairwise: Vec<Pairwise>,
    /// Means by slice: by column and value, then model, prompt and scorer, in the order of the plan.
    pub slices: Vec<SliceMeasure>,
    /// Columns that were to be sliced by and are not, each with the reason.
    pub unsliced: Vec<(String, String)>,
    /// What was known when the run ended before its last sample, by its own rule.
    pub stopped: Option<StoppedEarly>,
}

/// What is known of a scorer's means once that is enough for a run to end.
#[derive(Debug, Clone, PartialEq)]
pub struct StoppedEarly {
    /// Index of the scorer.
    pub scorer: u32,
    /// The half width that was asked for.
    pub half_width: f64,
    /// Samples, in the order of the plan, that this is known from.
    pub samples: u64,
    /// Model x prompt, in the order of the plan.
    pub cells: Vec<StoppedCell>,
}

/// The mean of a scorer by its confidence sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct StoppedCell {
    /// Index of the model.
    pub model: u32,
    /// Index of the prompt.
    pub prompt: u32,
    /// Samples with a value.
    pub n: u64,
    /// Their mean.
    pub mean: Option<f64>,
    /// The interval, valid however often it was looked at: its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// How far verdicts of models differ.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spreads {
    /// Of models that were asked the same several times, by scorer.
    pub judges: Vec<JudgeSpread>,
    /// Of several models about the same answers, by scorer.
    pub agreements: Vec<Agreement>,
}

/// How far the verdicts of one model lie apart: standard deviations of what they are worth. `None`
/// cannot be told.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgeSpread {
    /// Index of the scorer.
    pub scorer: u32,
    /// The model that judges.
    pub judge: String,
    /// Of the same question asked again: the judge's own noise.
    pub asked_again: Option<f64>,
    /// Between repeats of a trial, the judge's noise taken off: that of the model that is judged.
    pub between_epochs: Option<f64>,
    /// Between samples, both taken off.
    pub between_samples: Option<f64>,
}

/// How far several models agree.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// Index of the scorer.
    pub scorer: u32,
    /// Answers that several models judged.
    pub answers: u64,
    /// Krippendorff's alpha of what their verdicts are worth; `None` when all are worth the same.
    pub alpha: Option<f64>,
}

/// What one model did when one scorer asked it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JudgeTotals {
    /// Index of the scorer.
    pub scorer: u32,
    /// The model's name.
    pub model: String,
    /// Questions, those put again because a reply could not be used included.
    pub questions: u64,
    /// Of these, answered by what was known already.
    pub cached: u64,
    /// Questions without a reply.
    pub errors: u64,
    /// Replies that could not be used.
    pub unusable: u64,
    /// Requests made.
    pub requests: u64,
    /// Sum of the known costs.
    pub cost: Money,
    /// Questions whose cost is not known.
    pub unpriced: u64,
    /// Sum of what is known of the costs of replies that were known already.
    pub saved: Money,
    /// Replies that were known already and of which nobody knows what they had cost.
    pub unpriced_hits: u64,
    /// Sum of the tokens said to it; `None` when none were reported.
    pub input_tokens: Option<u64>,
    /// Sum of the tokens of its replies; `None` when none were reported.
    pub output_tokens: Option<u64>,
    /// The median and the 95th percentile of its latency, in milliseconds.
    pub latency: (Option<f64>, Option<f64>),
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

    /// Sum of the known costs of scorers that ask models; no part of [`RunMeasures::cost`].
    pub fn judge_cost(&self) -> Money {
        self.judges.iter().map(|judge| judge.cost).sum()
    }

    /// Questions of scorers whose cost is not known.
    pub fn unpriced_judgements(&self) -> u64 {
        self.judges.iter().map(|judge| judge.unpriced).sum()
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
