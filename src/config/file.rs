//! The config file's shape. Every field is optional here; what is needed is checked by `plan`.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    at::At,
    budget::BudgetEntry,
    engine::{ConcurrencyEntry, RetryEntry, Schedule},
    entry::{CacheEntry, DatasetEntry, EpochsEntry, ModelEntry, PromptEntry, ScorerEntry},
    route::AliasEntry,
    stop::StopEntry,
};
use crate::domain::trial::Status;

/// An experiment: a dataset, prompts, models, scorers and gates.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    /// What runs of this experiment are called. Default: the file's name.
    pub name: Option<At<String>>,
    /// The project that this belongs to; a registered credential may be limited to some.
    pub project: Option<At<String>>,
    /// The rows: a path, or a mapping with a path and options.
    pub dataset: Option<At<DatasetEntry>>,
    /// What is asked, one or several ways. Default: the sample's input as it is.
    pub prompts: Vec<At<PromptEntry>>,
    /// Who is asked: references such as `sim/good`, or mappings that describe an endpoint.
    pub models: Vec<At<ModelEntry>>,
    /// Names for models with fallbacks or pools, to be used in `models`.
    pub aliases: BTreeMap<String, At<AliasEntry>>,
    /// Sampling parameters for all models.
    pub params: At<ParamsEntry>,
    /// How often each trial is repeated: a count, or `{count, reduce}`.
    pub epochs: Option<At<EpochsEntry>>,
    /// Which part of an output scorers see: steps, or a list of pipelines with ids.
    pub extract: Option<At<Value>>,
    /// How answers are scored.
    pub scorers: Vec<At<ScorerEntry>>,
    /// Which unusual answers are scored all the same: `length`, `empty`, `refused`.
    pub score_also: Vec<At<Status>>,
    /// Metrics made of others, by name: `f1: 2 * p.mean * r.mean / (p.mean + r.mean)`.
    pub metrics: BTreeMap<String, At<String>>,
    /// Columns that results are told apart by; `tag` means the tags of samples.
    pub slices: Vec<At<String>>,
    /// Conditions that set the exit code.
    pub gates: Vec<At<String>>,
    /// The run that gates compare with: an id, a name, a tag, `last:main`, or an exported file.
    pub baseline: Option<At<String>>,
    /// What the whole run may use up.
    pub budget: BudgetEntry,
    /// Ends the run as soon as a mean is known well enough: `{scorer: exact_match, half_width: 0.02}`.
    pub stop: Option<At<StopEntry>>,
    /// Calls in flight at most, or `auto`: found out for each account. Default: auto.
    pub concurrency: Option<At<ConcurrencyEntry>>,
    /// In which order models are asked. Default: side-by-side.
    pub schedule: Option<At<Schedule>>,
    /// When failed requests are made again.
    pub retry: RetryEntry,
    /// Whether answers are used that were given before: `false`, or `{ttl: 14d}`. Default: those
    /// of the last 14 days.
    pub cache: Option<At<CacheEntry>>,
    /// Where the HTML report goes. Default: beside the database.
    pub report: Option<At<PathBuf>>,
}

/// Sampling parameters. Only what is set is sent.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct ParamsEntry {
    /// Randomness, from 0.
    pub temperature: Option<f64>,
    /// Nucleus sampling, 0 to 1.
    pub top_p: Option<f64>,
    /// Longest answer, in tokens.
    pub max_tokens: Option<u64>,
    /// Sampling seed.
    pub seed: Option<i64>,
    /// Strings that end an answer.
    pub stop: Vec<String>,
    /// Sample from the most likely tokens only.
    pub top_k: Option<u64>,
    /// Sample from tokens above this share of the likeliest.
    pub min_p: Option<f64>,
    /// Penalty for tokens that occurred.
    pub presence_penalty: Option<f64>,
    /// Penalty for tokens by how often they occurred.
    pub frequency_penalty: Option<f64>,
    /// Multiplicative penalty for tokens that occurred.
    pub repetition_penalty: Option<f64>,
    /// Longest answer under the name that newer OpenAI models want.
    pub max_completion_tokens: Option<u64>,
    /// How much a reasoning model thinks: `{effort: low}` or `{max_tokens: 2000}`.
    pub reasoning: Option<Value>,
    /// The same as `reasoning: {effort: …}`.
    pub reasoning_effort: Option<String>,
    /// The form of the answer: `json`, `{schema: …}`, or the provider's own words.
    pub response_format: Option<Value>,
    /// Functions that the model may ask to call: `{name, description, parameters}` each.
    pub tools: Vec<Value>,
    /// Whether it has to: `auto`, `none`, `required` or `{name: …}`.
    pub tool_choice: Option<Value>,
    /// Log probabilities of the answer's tokens, with this many alternatives to each.
    pub logprobs: Option<u32>,
    /// Further fields of the request, sent verbatim.
    pub extra: BTreeMap<String, Value>,
    /// Names of parameters that are not sent although the run or a registered model sets them.
    pub omit: Vec<String>,
}

impl File {
    /// This file with what `over` says taking precedence; its lists replace, not extend.
    #[must_use]
    pub fn overridden_by(mut self, over: Self) -> Self {
        fn list<T>(base: Vec<T>, over: Vec<T>) -> Vec<T> {
            if over.is_empty() { base } else { over }
        }
        self.dataset = match (self.dataset, over.dataset) {
            (Some(base), Some(over)) => {
                Some(At { value: base.value.overridden_by(over.value), place: base.place })
            }
            (base, over) => over.or(base),
        };
        Self {
            name: over.name.or(self.name),
            project: over.project.or(self.project),
            dataset: self.dataset,
            prompts: list(self.prompts, over.prompts),
            models: list(self.models, over.models),
            aliases: self.aliases,
            params: if over.params.value == ParamsEntry::default() {
                self.params
            } else {
                At {
                    value: self.params.value.overridden_by(over.params.value),
                    place: self.params.place,
                }
            },
            epochs: over.epochs.or(self.epochs),
            extract: over.extract.or(self.extract),
            scorers: list(self.scorers, over.scorers),
            score_also: list(self.score_also, over.score_also),
            metrics: self.metrics.into_iter().chain(over.metrics).collect(),
            slices: list(self.slices, over.slices),
            gates: list(self.gates, over.gates),
            baseline: over.baseline.or(self.baseline),
            budget: self.budget.overridden_by(over.budget),
            stop: over.stop.or(self.stop),
            concurrency: over.concurrency.or(self.concurrency),
            cache: match (self.cache, over.cache) {
                (Some(own), Some(over)) => {
                    Some(At { value: own.value.overridden_by(over.value), place: own.place })
                }
                (own, over) => over.or(own),
            },
            schedule: over.schedule.or(self.schedule),
            retry: self.retry.overridden_by(over.retry),
            report: over.report.or(self.report),
        }
    }
}

impl ParamsEntry {
    /// These parameters with those set in `over` taking precedence.
    #[must_use]
    pub fn overridden_by(mut self, over: Self) -> Self {
        self.extra.extend(over.extra);
        Self {
            temperature: over.temperature.or(self.temperature),
            top_p: over.top_p.or(self.top_p),
            max_tokens: over.max_tokens.or(self.max_tokens),
            seed: over.seed.or(self.seed),
            stop: if over.stop.is_empty() { self.stop } else { over.stop },
            top_k: over.top_k.or(self.top_k),
            min_p: over.min_p.or(self.min_p),
            presence_penalty: over.presence_penalty.or(self.presence_penalty),
            frequency_penalty: over.frequency_penalty.or(self.frequency_penalty),
            repetition_penalty: over.repetition_penalty.or(self.repetition_penalty),
            max_completion_tokens: over.max_completion_tokens.or(self.max_completion_tokens),
            reasoning: over.reasoning.or(self.reasoning),
            reasoning_effort: over.reasoning_effort.or(self.reasoning_effort),
            response_format: over.response_format.or(self.response_format),
            tools: if over.tools.is_empty() { self.tools } else { over.tools },
            tool_choice: over.tool_choice.or(self.tool_choice),
            logprobs: over.logprobs.or(self.logprobs),
            extra: self.extra,
            omit: if over.omit.is_empty() { self.omit } else { over.omit },
        }
    }
}
