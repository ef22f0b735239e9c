//! A run as it is stored: what was asked of whom, and how it ended.

use std::borrow::Cow;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{
    generation::{TokenLogprob, Usage},
    judgement::JudgementRecord,
    message::Message,
    sample::Vars,
    score::Corpus,
    target::Price,
    trial::{Hit, Status, TrialKey},
};

/// Everything about a run that is known before its first call. Stored as JSON; holds no secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunHeader {
    /// ULID.
    pub id: String,
    /// The config's name, or one made from the dataset's.
    pub name: String,
    /// Milliseconds since the epoch.
    pub created_ms: i64,
    /// Version of the program.
    pub version: String,
    /// The resolved config, for the reader and for `resume`; `${NAME}` stays unresolved.
    pub config: Value,
    /// Where the rows came from, as shown to people.
    pub dataset: String,
    /// SHA-256 of the selected rows' content, hexadecimal.
    pub dataset_digest: String,
    /// Selected samples.
    pub samples: u64,
    /// Prompts, in order.
    pub prompts: Vec<PromptInfo>,
    /// Models, in order.
    pub models: Vec<ModelInfo>,
    /// Scorers, in order.
    pub scorers: Vec<ScorerInfo>,
    /// Ids of the extraction pipelines, in order.
    pub extracts: Vec<String>,
    /// Repeats of each trial.
    pub epochs: u32,
    /// How repeats fold into one value.
    pub reduce: String,
    /// Gates as written.
    pub gates: Vec<String>,
    /// How the run was begun; `None` where that was not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandInfo>,
    /// The run that this one was made from, with what had changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<String>,
    /// The models that scorers ask, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub judges: Vec<ModelInfo>,
    /// Where the run stands among others.
    #[serde(default, skip_serializing_if = "RunContext::is_empty")]
    pub context: RunContext,
}

/// Where a run stands among others: in the history of a project, and as a part of a larger run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunContext {
    /// The branch of git that was checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit of git that was checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Which part of a larger run this one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// The runs that this one was merged from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_from: Vec<String>,
    /// The run that gates compare this one with: its id, or the path of an exported file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// What gates may disregard: kinds of differences to the baseline, and `unscored`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
}

impl RunContext {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Which part of a run another one is: the samples whose clusters, or ids, fall into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which one, from 1.
    pub index: u32,
    /// How many there are.
    pub of: u32,
    /// Samples of all of them.
    pub total: u64,
    /// Which samples of the whole are in it: a bit each, the lowest of each byte first, in base64.
    pub places: String,
}

impl Shard {
    /// Shard `index` of `of`, with the samples of the whole whose bit is set in `bits`.
    pub fn new((index, of): (u32, u32), total: u64, bits: &[u8]) -> Self {
        Self { index, of, total, places: BASE64_STANDARD.encode(bits) }
    }

    /// The places in the whole of its samples, in order; `None` when they cannot be read.
    pub fn samples(&self) -> Option<Vec<u64>> {
        let bits = BASE64_STANDARD.decode(&self.places).ok()?;
        let set = |place: &u64| {
            let byte = bits.get((place / 8) as usize);
            byte.is_some_and(|byte| byte >> (place % 8) & 1 == 1)
        };
        Some((0..self.total).filter(set).collect())
    }
}

/// What pairing needs of a stored sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleMark {
    /// Its place in the run.
    pub index: u64,
    /// Its id.
    pub id: String,
    /// Its cluster.
    pub cluster: Option<String>,
    /// Digest of what is asked and accepted; of the whole row when there is no input.
    pub content: u64,
}

/// The command that began a run, as far as it takes to do the same again. Holds no secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommandInfo {
    /// The directory that it was typed in.
    pub directory: String,
    /// Its arguments, by their names.
    pub arguments: Value,
    /// Arguments that may hold a secret and were left out: they have to be given again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<String>,
}

impl RunHeader {
    /// The run whose answers were scored anew, when no model was called for this one.
    pub fn scored_from(&self) -> Option<&str> {
        self.config.get("scored_from").and_then(Value::as_str)
    }

    /// The columns that results are told apart by.
    pub fn slices(&self) -> Vec<String> {
        let columns = self.config.get("slices").and_then(Value::as_array);
        let names = columns.into_iter().flatten().filter_map(Value::as_str);
        names.map(str::to_owned).collect()
    }

    /// Trials that the run consists of.
    pub fn planned_trials(&self) -> u64 {
        self.samples * self.prompts.len() as u64 * self.models.len() as u64 * u64::from(self.epochs)
    }

    /// The place of a trial in the plan: samples outermost, then prompts, models, epochs.
    pub fn place(&self, sample: u64, prompt: u32, model: u32, epoch: u32) -> u64 {
        let (prompts, models) = (self.prompts.len() as u64, self.models.len() as u64);
        let asked = (sample * prompts + u64::from(prompt)) * models + u64::from(model);
        asked * u64::from(self.epochs) + u64::from(epoch)
    }

    /// What people call the model at `index`: its title where that means no other model of the run,
    /// its title with its name where it could, else its name.
    pub fn label(&self, index: usize) -> Cow<'_, str> {
        let Some(model) = self.models.get(index) else { return Cow::Borrowed("") };
        let Some(title) = model.title.as_deref() else { return Cow::Borrowed(&model.name) };
        let others = self.models.iter().enumerate().filter(|(other, _)| *other != index);
        let mut others = others.map(|(_, other)| other);
        let means =
            |other: &ModelInfo| other.name == title || other.title.as_deref() == Some(title);
        if others.any(means) {
            return Cow::Owned(format!("{title} ({})", model.name));
        }
        Cow::Borrowed(title)
    }

    /// What people call the model with this name in results.
    pub fn label_of<'a>(&'a self, name: &'a str) -> Cow<'a, str> {
        match self.models.iter().position(|model| model.name == name) {
            Some(index) => self.label(index),
            None => Cow::Borrowed(name),
        }
    }
}

/// A prompt of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptInfo {
    /// Its id.
    pub id: String,
    /// The templates, as JSON.
    pub template: Value,
}

/// A model of a run, as it was when the run began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Its name in results.
    pub name: String,
    /// What people call it, where it is registered and the config gives it no name of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The provider.
    pub provider: String,
    /// The upstream model id.
    pub model: String,
    /// The base URL, the file or the profile that answers.
    pub origin: String,
    /// The parameters sent.
    pub params: Value,
    /// The prices used.
    pub price: Option<Price>,
    /// Who was asked when it gave no answer, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallback: Vec<ModelInfo>,
    /// Who shared its calls, by weight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pool: Vec<(u32, ModelInfo)>,
    /// The registered model or endpoint that was named, as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// A scorer of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScorerInfo {
    /// Its id in results.
    pub id: String,
    /// Its name in the registry.
    pub name: String,
    /// Its options, defaults included where they matter.
    pub options: Value,
    /// The extraction pipeline that it reads; `None` is the whole output.
    pub extract: Option<String>,
    /// Whether its values lie between 0 and 1.
    pub unit_range: bool,
    /// How what it counted becomes a value for the whole run; `None` when it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corpus: Option<Corpus>,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Still going on.
    Running,
    /// Every trial ended, and errors stayed within the allowed rate.
    Complete,
    /// Trials failed over the allowed rate, or are missing.
    Incomplete,
    /// Stopped by its budget.
    Budget,
    /// Stopped before its end: by the user, since nothing more could be kept, or as its process died.
    Interrupted,
}

impl RunStatus {
    /// The status's name in stores, exports and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
            Self::Budget => "budget",
            Self::Interrupted => "interrupted",
        }
    }

    /// The status called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Running, Self::Complete, Self::Incomplete, Self::Budget, Self::Interrupted]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

/// A stored run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// What was known before the first call.
    pub header: RunHeader,
    /// How it stands.
    pub status: RunStatus,
    /// Milliseconds since the epoch when it ended.
    pub finished_ms: Option<i64>,
}

impl RunRecord {
    /// Seconds from the beginning of the run to its end; `None` when it has not ended, or when its
    /// answers were taken over from another run.
    pub fn seconds(&self) -> Option<f64> {
        let own = self.header.scored_from().is_none();
        let passed = self.finished_ms.filter(|_| own)?.checked_sub(self.header.created_ms)?;
        (passed >= 0).then(|| passed as f64 / 1e3)
    }
}

/// A stored trial with all that belongs to it, in the order of the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialRecord {
    /// Which trial.
    pub key: TrialKey,
    /// The sample's id.
    pub sample_id: String,
    /// The dataset row.
    pub vars: Vars,
    /// The sample's input.
    pub input: Option<String>,
    /// The accepted answers.
    pub expected: Vec<String>,
    /// The sample's tags.
    pub tags: Vec<String>,
    /// The sample's cluster.
    pub cluster: Option<String>,
    /// What was said to the model.
    pub messages: Vec<Message>,
    /// The whole output; `None` when there is none.
    pub output: Option<String>,
    /// The model's reasoning, where it was shown.
    pub reasoning: Option<String>,
    /// What each extraction pipeline found.
    pub extracted: Vec<Option<String>>,
    /// How the trial ended.
    pub status: Status,
    /// The fault's kind and message.
    pub error: Option<(String, String)>,
    /// The finish reason's name.
    pub finish_reason: Option<String>,
    /// The model that answered.
    pub served_by: String,
    /// Set when the answer came from the response cache.
    pub cached: Option<Hit>,
    /// Requests made.
    pub attempts: u32,
    /// Whether a secret was masked in what came back.
    pub masked: bool,
    /// Latency of the last request, in microseconds.
    pub latency_us: Option<u64>,
    /// Time to first token of the last request, in microseconds.
    pub ttft_us: Option<u64>,
    /// Tokens, where known.
    pub usage: Option<Usage>,
    /// Cost in picodollars, where known.
    pub cost_pico: Option<i64>,
    /// Whose figure the cost is: `provider`, `price` or `mixed`.
    pub cost_source: Option<String>,
    /// The tokens of the output with their log probabilities, where they were asked for.
    pub logprobs: Vec<TokenLogprob>,
    /// One entry a scorer, in the order of the plan; empty when the trial is not scored yet.
    pub scores: Vec<ScoreRecord>,
    /// What models said of the answer, scorer by scorer and in the order in which they said it.
    pub judgements: Vec<JudgementRecord>,
    /// Every request that was made for it, in order; none for an answer from the response cache.
    pub tries: Vec<AttemptRecord>,
}

/// A stored request: how long it waited, how long it took, and what came of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AttemptRecord {
    /// Time that it waited for a free place or under a limit, in microseconds.
    pub queued_us: u64,
    /// Time that it waited because the attempt before it had failed, in microseconds.
    pub backoff_us: u64,
    /// From handing over the request to the last byte, in microseconds.
    pub latency_us: u64,
    /// The HTTP status.
    pub http_status: Option<u16>,
    /// The fault's kind and message, when it failed.
    pub error: Option<(String, String)>,
    /// Cost in picodollars, where known.
    pub cost_pico: Option<i64>,
}

/// A stored score.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreRecord {
    /// Index of the scorer.
    pub scorer: u32,
    /// The value; `None` when there is none.
    pub value: Option<f64>,
    /// Pass or fail.
    pub passed: Option<bool>,
    /// A category.
    pub label: Option<String>,
    /// Why, for a person.
    pub explanation: Option<String>,
    /// Why there is no value: the kind (`skipped`, `scorer` or `judge`) and the message.
    pub error: Option<(String, String)>,
}

/// What metrics need of a stored trial; no text. Streamed in the order of the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialDigest {
    /// Which trial.
    pub key: TrialKey,
    /// The sample's cluster.
    pub cluster: Option<String>,
    /// How the trial ended.
    pub status: Status,
    /// The fault's kind.
    pub error_kind: Option<String>,
    /// Who answered in place of the trial's model, by name.
    pub stand_in: Option<String>,
    /// Set when the answer came from the response cache.
    pub cached: Option<Hit>,
    /// Whether a request that may be billed was made and its cost is not known.
    pub unpriced: bool,
    /// Latency of the last request, in microseconds.
    pub latency_us: Option<u64>,
    /// Time to first token of the last request, in microseconds.
    pub ttft_us: Option<u64>,
    /// Tokens, where known.
    pub usage: Option<Usage>,
    /// Cost in picodollars, where known.
    pub cost_pico: Option<i64>,
    /// One entry a scorer, in the order of the plan; empty when the trial is not scored yet.
    pub scores: Vec<DigestScore>,
}

/// What metrics need of a stored score.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DigestScore {
    /// The value; `None` when there is none.
    pub value: Option<f64>,
    /// What the scorer counted; empty when it does not count.
    pub counts: Vec<f64>,
    /// Whether the scorer itself failed (rather than not applying).
    pub failed: bool,
    /// Of those: whether a model that it asks gave nothing that can be used.
    pub unanswered: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn header(models: &[(&str, Option<&str>)]) -> RunHeader {
        let model = |(name, title): &(&str, Option<&str>)| {
            json!({"name": name, "title": title, "provider": "", "model": "", "origin": "",
                "params": {}, "price": null})
        };
        let models: Vec<Value> = models.iter().map(model).collect();
        serde_json::from_value(json!({
            "id": "", "name": "", "created_ms": 0, "version": "", "config": null, "dataset": "",
            "dataset_digest": "", "samples": 0, "prompts": [], "models": models, "scorers": [],
            "extracts": [], "epochs": 1, "reduce": "mean", "gates": []
        }))
        .expect("a header")
    }

    #[test]
    fn a_title_stands_alone_where_it_means_one_model() {
        let header = header(&[
            ("byo:one", Some("One")),
            ("byo:two", Some("Twin")),
            ("byo:three", Some("Twin")),
            ("sim/good", None),
            ("byo:four", Some("sim/good")),
        ]);
        let labels: Vec<_> = (0..6).map(|index| header.label(index)).collect();
        let expected =
            ["One", "Twin (byo:two)", "Twin (byo:three)", "sim/good", "sim/good (byo:four)", ""];
        assert_eq!(labels, expected);
        assert_eq!((&*header.label_of("byo:one"), &*header.label_of("gone")), ("One", "gone"));
    }
}
