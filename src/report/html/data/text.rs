//! What the page's script shows when a trial is opened: its texts, as they came.

use std::io;

use serde::{Serialize, Serializer, ser::SerializeStruct};
use serde_json::Value;

use crate::{
    base::text::prefix,
    domain::{
        judgement::JudgementRecord,
        message::{Message, Part},
        run::{AttemptRecord, RunHeader, ScoreRecord, TrialRecord},
    },
    report::jsonl::model_name,
};

/// Bytes of a text that are in the page.
const TEXT_BYTES: usize = 32 << 10;

/// A text, at most 32 KiB of it.
#[derive(Debug)]
struct Cut<'a>(&'a str);

impl Serialize for Cut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = prefix(self.0, TEXT_BYTES);
        if shown.len() == self.0.len() {
            return serializer.serialize_str(shown);
        }
        let mut cut = serializer.serialize_struct("Cut", 2)?;
        cut.serialize_field("text", shown)?;
        cut.serialize_field("more", &(self.0.len() - shown.len()))?;
        cut.end()
    }
}

/// The texts that the trials of a sample share.
#[derive(Debug, Serialize)]
struct SampleTexts<'a> {
    index: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<Cut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expected: Vec<Cut<'a>>,
    /// Columns that are told nowhere else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vars: Vec<(&'a str, VarText<'a>)>,
}

/// A column's value: a text as it is, anything else as JSON.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum VarText<'a> {
    Text(Cut<'a>),
    Value(&'a Value),
}

/// The texts of one trial.
#[derive(Debug)]
struct TrialTexts<'a> {
    /// What was said to the model; the trials of a sample and prompt share it, and the first one here
    /// has it.
    messages: Option<Vec<Said<'a>>>,
    output: Option<Cut<'a>>,
    reasoning: Option<Cut<'a>>,
    extracted: Vec<Option<Cut<'a>>>,
    error: Option<Cut<'a>>,
    finish: Option<&'a str>,
    /// Who answered, where that is another model.
    by: Option<&'a str>,
    cache: Option<FromCache>,
    /// Of the tokens: read from the provider's cache, written to it, spent on reasoning.
    tokens: Option<(u64, u64, u64)>,
    cost_source: Option<&'a str>,
    /// A scorer each, in the order of the plan; left out where none says anything.
    why: Vec<Why<'a>>,
    /// What models said when scorers asked them.
    judged: Vec<Step<'a>>,
    /// The requests that were made for it, where they say more than the trial does.
    tries: Vec<Try<'a>>,
}

#[derive(Debug, Serialize)]
struct Said<'a> {
    role: String,
    /// Nothing where it is the sample's input.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cut<'a>>,
    #[serde(skip_serializing_if = "is_false")]
    image: bool,
}

/// What the call had come to that a cached answer is from.
#[derive(Debug, Serialize)]
struct FromCache {
    latency: Option<u64>,
    saved: Option<i64>,
}

/// What a scorer says besides its value.
#[derive(Debug, Serialize)]
struct Why<'a> {
    scorer: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<Cut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Cut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Cut<'a>>,
    /// The error's kind, where the verdict does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
}

/// One question of a scorer to a model.
#[derive(Debug, Serialize)]
struct Step<'a> {
    scorer: u32,
    #[serde(rename = "step")]
    purpose: &'a str,
    judge: &'a str,
    /// Which repeat of the question, and how often it was asked again.
    asked: (u32, u32, u32),
    messages: Vec<Said<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Cut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Cut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Cut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'a Value>,
    latency: Option<u64>,
    cost: Option<i64>,
}

/// One request, kept whatever came of it.
#[derive(Debug, Serialize)]
struct Try<'a> {
    /// Microseconds that it waited: for a place or under a limit, and since the one before had failed.
    wait: (u64, u64),
    latency: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Cut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<i64>,
}

/// A single wait that is told, in microseconds.
const WAITED: u64 = 100_000;

/// Nothing for one request that brought an answer without waiting: what there is to say of it is said
/// of the trial.
fn tries(tries: &[AttemptRecord]) -> Vec<Try<'_>> {
    if let [only] = tries
        && only.error.is_none()
        && only.queued_us + only.backoff_us < WAITED
    {
        return Vec::new();
    }
    tries.iter().map(one_try).collect()
}

fn one_try(attempt: &AttemptRecord) -> Try<'_> {
    Try {
        wait: (attempt.queued_us, attempt.backoff_us),
        latency: attempt.latency_us,
        status: attempt.http_status,
        kind: attempt.error.as_ref().map(|(kind, _)| kind.as_str()),
        error: attempt.error.as_ref().map(|(_, message)| Cut(message)),
        cost: attempt.cost_pico,
    }
}

/// The texts of a block, a column for each kind of text.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// JSON, and how many trials follow of each.
    samples: Vec<u8>,
    trials: Vec<u32>,
    /// JSON: a value for each trial, 0 where there is none.
    texts: [Vec<u8>; NAMES.len()],
}

/// The columns, in the order in which [`Columns::add`] fills them.
const NAMES: [&str; 13] = [
    "messages",
    "output",
    "reasoning",
    "extracted",
    "error",
    "finish",
    "by",
    "cache",
    "tokens",
    "cost_source",
    "why",
    "judged",
    "tries",
];

impl Columns {
    /// Adds a trial, with what its sample says when that `begins` and with its messages if `said`.
    pub(super) fn add(
        &mut self,
        header: &RunHeader,
        trial: &TrialRecord,
        begins: bool,
        said: bool,
    ) -> io::Result<()> {
        if begins {
            put(&mut self.samples, Some(&sample(trial)))?;
            self.trials.push(0);
        }
        if let Some(trials) = self.trials.last_mut() {
            *trials += 1;
        }
        let texts = texts(header, trial, said);
        let [
            messages,
            output,
            reasoning,
            extracted,
            error,
            finish,
            by,
            cache,
            tokens,
            cost_source,
            why,
            judged,
            tries,
        ] = &mut self.texts;
        put(messages, texts.messages.as_ref())?;
        put(output, texts.output.as_ref())?;
        put(reasoning, texts.reasoning.as_ref())?;
        put(extracted, some(&texts.extracted))?;
        put(error, texts.error.as_ref())?;
        put(finish, texts.finish.as_ref())?;
        put(by, texts.by.as_ref())?;
        put(cache, texts.cache.as_ref())?;
        put(tokens, texts.tokens.as_ref())?;
        put(cost_source, texts.cost_source.as_ref())?;
        put(why, some(&texts.why))?;
        put(judged, some(&texts.judged))?;
        put(tries, some(&texts.tries))
    }

    /// Bytes so far.
    pub(super) fn bytes(&self) -> usize {
        self.samples.len() + self.texts.iter().map(Vec::len).sum::<usize>()
    }

    /// All of it as one object.
    pub(super) fn finish(self) -> Vec<u8> {
        let trials: Vec<String> = self.trials.iter().map(u32::to_string).collect();
        let mut all = b"{\"samples\":[".to_vec();
        all.extend(self.samples);
        all.extend(b"],\"trials\":[");
        all.extend(trials.join(",").into_bytes());
        for (name, texts) in NAMES.iter().zip(self.texts) {
            all.extend([b"],\"", name.as_bytes(), b"\":["].concat());
            all.extend(texts);
        }
        all.extend(b"]}");
        all
    }
}

fn some<T>(values: &Vec<T>) -> Option<&Vec<T>> {
    Some(values).filter(|values| !values.is_empty())
}

/// Appends a value to a column.
fn put(column: &mut Vec<u8>, value: Option<&impl Serialize>) -> io::Result<()> {
    if !column.is_empty() {
        column.push(b',');
    }
    match value {
        Some(value) => Ok(serde_json::to_writer(column, value)?),
        None => {
            column.push(b'0');
            Ok(())
        }
    }
}

/// The texts of the sample of `trial`.
fn sample(trial: &TrialRecord) -> SampleTexts<'_> {
    let told = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => trial.input.as_ref() == Some(text) || trial.expected.contains(text),
        _ => false,
    };
    let vars = trial.vars.iter().filter(|(_, value)| !told(value)).map(|(name, value)| {
        let text = match value {
            Value::String(text) => VarText::Text(Cut(text)),
            other => VarText::Value(other),
        };
        (name.as_str(), text)
    });
    SampleTexts {
        index: trial.key.sample,
        input: trial.input.as_deref().map(Cut),
        expected: trial.expected.iter().map(|text| Cut(text)).collect(),
        vars: vars.collect(),
    }
}

/// The texts of `trial`, with what was said to the model if `messages`.
fn texts<'a>(header: &RunHeader, trial: &'a TrialRecord, messages: bool) -> TrialTexts<'a> {
    let usage = trial.usage.map(|usage| (usage.cache_read, usage.cache_write, usage.reasoning));
    TrialTexts {
        messages: messages.then(|| {
            let input = trial.input.as_deref();
            trial.messages.iter().flat_map(|message| said(message, input)).collect()
        }),
        output: trial.output.as_deref().map(Cut),
        reasoning: trial.reasoning.as_deref().map(Cut),
        extracted: trial.extracted.iter().map(|found| found.as_deref().map(Cut)).collect(),
        error: trial.error.as_ref().map(|(_, message)| Cut(message)),
        finish: trial.finish_reason.as_deref(),
        by: (trial.served_by != model_name(header, trial)).then_some(&*trial.served_by),
        cache: trial.cached.map(|hit| FromCache {
            latency: hit.latency_us,
            saved: hit.saved.map(crate::base::money::Money::pico),
        }),
        tokens: usage.filter(|tokens| *tokens != (0, 0, 0)),
        cost_source: trial.cost_source.as_deref().filter(|source| *source != "price"),
        why: trial.scores.iter().filter_map(why).collect(),
        judged: trial.judgements.iter().map(step).collect(),
        tries: tries(&trial.tries),
    }
}

fn said<'a>(message: &'a Message, input: Option<&'a str>) -> impl Iterator<Item = Said<'a>> {
    let role = serde_json::to_value(message.role).ok();
    let role = role.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    message.content.iter().map(move |part| match part {
        Part::Text { text } => {
            let text = (input != Some(text)).then_some(Cut(text));
            Said { role: role.clone(), text, image: false }
        }
        Part::Image { url } => Said { role: role.clone(), text: Some(Cut(url)), image: true },
    })
}

fn step(said: &JudgementRecord) -> Step<'_> {
    Step {
        scorer: said.scorer,
        purpose: &said.step,
        judge: &said.model,
        asked: (said.repeat, said.turn, said.round),
        messages: said.messages.iter().flat_map(|message| self::said(message, None)).collect(),
        output: said.output.as_deref().or(said.arguments.as_deref()).map(Cut),
        error: said.error.as_ref().map(|(_, message)| Cut(message)),
        problem: said.problem.as_deref().map(Cut),
        verdict: said.verdict.as_ref(),
        latency: said.latency_us,
        cost: said.cost_pico,
    }
}

fn why(record: &ScoreRecord) -> Option<Why<'_>> {
    let kind = record.error.as_ref().map(|(kind, _)| kind.as_str());
    let said = Why {
        scorer: record.scorer,
        label: record.label.as_deref().map(Cut),
        explanation: record.explanation.as_deref().map(Cut),
        error: record.error.as_ref().map(|(_, message)| Cut(message)),
        kind: kind.filter(|kind| !matches!(*kind, "skipped" | "scorer")),
    };
    let any = said.label.is_some() || said.explanation.is_some() || said.error.is_some();
    any.then_some(said)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(set: &bool) -> bool {
    !set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_and_says_so() {
        let long = "é".repeat(20_000);
        let cut = serde_json::to_value(Cut(&long)).expect("JSON");
        assert_eq!(cut["more"], 40_000 - (32 << 10));
        assert_eq!(cut["text"].as_str().map(str::len), Some(32 << 10));
        assert_eq!(serde_json::to_value(Cut("\n\nlate")).expect("JSON"), "\n\nlate");
    }
}
