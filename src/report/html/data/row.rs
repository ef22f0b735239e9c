//! What the page's script filters and sorts by: the trials of a block as columns, without their
//! texts.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::{
    domain::{
        run::{RunHeader, ScoreRecord, TrialRecord},
        trial::Status,
    },
    report::jsonl::model_name,
};

/// Characters of a column's value by which trials can be filtered.
const FACET_WIDTH: usize = 40;

/// The answer came from the response cache.
const CACHED: u8 = 1;
/// A secret was masked in what came back.
const MASKED: u8 = 2;
/// Another model answered.
const STAND_IN: u8 = 4;

/// Columns of a block, a value a trial but for `samples`. Digits in a text are one a trial.
#[derive(Debug, Default, Serialize)]
pub(super) struct Rows {
    /// Samples that the block begins to tell about, in order.
    samples: Vec<SampleRow>,
    /// Places in the plan, as runs: the first one and how many follow each other.
    seq: Vec<(u64, u64)>,
    /// How trials ended: the place of the status in `STATUSES` of the script.
    status: String,
    /// Kinds of faults that occur, and which one of them each failed trial has.
    kinds: Vec<String>,
    kind: Vec<usize>,
    /// Microseconds.
    latency: Vec<Option<u64>>,
    ttft: Vec<Option<u64>>,
    /// Tokens.
    input: Vec<Option<u64>>,
    output: Vec<Option<u64>>,
    /// Picodollars.
    cost: Vec<Option<i64>>,
    attempts: Vec<u32>,
    flags: String,
    /// By scorer.
    scores: Vec<Scores>,
}

#[derive(Debug, Serialize)]
struct SampleRow {
    index: u64,
    id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    /// Short values of its columns.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    vars: BTreeMap<String, String>,
}

/// The verdicts of one scorer.
#[derive(Debug, Default, Serialize)]
struct Scores {
    value: Vec<Option<f64>>,
    /// 0 none, 1 passed, 2 failed, 3 a value without either, 4 skipped, 5 the scorer failed.
    verdict: String,
}

impl Rows {
    /// Adds a trial; `begins` when it is the first one of its sample here.
    pub(super) fn add(&mut self, header: &RunHeader, trial: &TrialRecord, begins: bool) {
        if begins {
            self.samples.push(SampleRow {
                index: trial.key.sample,
                id: trial.sample_id.clone(),
                tags: trial.tags.clone(),
                vars: facets(trial),
            });
        }
        match self.seq.last_mut() {
            Some((first, n)) if *first + *n == trial.key.seq => *n += 1,
            _ => self.seq.push((trial.key.seq, 1)),
        }
        self.status.push(char::from(b'0' + place(trial.status)));
        if trial.status == Status::Error {
            let kind = trial.error.as_ref().map_or("", |(kind, _)| kind);
            let known = self.kinds.iter().position(|known| known == kind);
            self.kind.push(known.unwrap_or(self.kinds.len()));
            if known.is_none() {
                self.kinds.push(kind.to_owned());
            }
        }
        self.latency.push(trial.latency_us);
        self.ttft.push(trial.ttft_us);
        self.input.push(trial.usage.map(|usage| usage.input));
        self.output.push(trial.usage.map(|usage| usage.output));
        self.cost.push(trial.cost_pico);
        self.attempts.push(trial.attempts);
        let stand_in = trial.served_by != model_name(header, trial);
        let flags =
            [(trial.cached.is_some(), CACHED), (trial.masked, MASKED), (stand_in, STAND_IN)];
        let flags = flags.iter().filter(|(set, _)| *set).map(|(_, flag)| flag).sum::<u8>();
        self.flags.push(char::from(b'0' + flags));
        self.scores.resize_with(header.scorers.len(), Scores::default);
        for (index, scores) in self.scores.iter_mut().enumerate() {
            let record = trial.scores.iter().find(|record| record.scorer as usize == index);
            let value = record.and_then(|record| record.value);
            scores.value.push(value.filter(|value| value.is_finite()));
            scores.verdict.push(record.map_or('0', verdict));
        }
    }
}

fn place(status: Status) -> u8 {
    match status {
        Status::Ok => 0,
        Status::Refused => 1,
        Status::Length => 2,
        Status::Empty => 3,
        Status::Error => 4,
    }
}

fn verdict(record: &ScoreRecord) -> char {
    match (&record.error, record.passed, record.value) {
        (Some((kind, _)), ..) if kind == "skipped" => '4',
        (Some(_), ..) => '5',
        (None, Some(true), _) => '1',
        (None, Some(false), _) => '2',
        (None, None, Some(_)) => '3',
        (None, None, None) => '0',
    }
}

/// Columns with short values that the page does not show as the sample's id, input or answer.
pub(in crate::report::html) fn facets(trial: &TrialRecord) -> BTreeMap<String, String> {
    let told = |text: &str| {
        text == trial.sample_id
            || trial.input.as_deref() == Some(text)
            || trial.expected.iter().any(|expected| expected == text)
    };
    let short = |value: &Value| {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        let fits = !text.is_empty() && text.chars().nth(FACET_WIDTH).is_none() && !told(&text);
        fits.then_some(text)
    };
    trial.vars.iter().filter_map(|(name, value)| Some((name.clone(), short(value)?))).collect()
}
