//! What the page's script shows when a trial is opened: its texts, as they came.

use serde::{Serialize, Serializer, ser::SerializeStruct};
use serde_json::Value;

use crate::{
    base::text::prefix,
    domain::{
        message::{Message, Part},
        run::{RunHeader, ScoreRecord, TrialRecord},
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
pub(super) struct SampleTexts<'a> {
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
#[derive(Debug, Serialize)]
pub(super) struct TrialTexts<'a> {
    /// What was said to the model; the trials of a sample and prompt share it, and the first one here
    /// has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<Said<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Cut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Cut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extracted: Vec<Option<Cut<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Cut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish: Option<&'a str>,
    /// Who answered, where that is another model.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<FromCache>,
    /// Of the tokens: read from the provider's cache, written to it, spent on reasoning.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<(u64, u64, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_source: Option<&'a str>,
    /// A scorer each, in the order of the plan; left out where none says anything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    why: Vec<Why<'a>>,
}

#[derive(Debug, Serialize)]
struct Said<'a> {
    role: String,
    text: Cut<'a>,
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
}

/// The texts of the sample of `trial`.
pub(super) fn sample(trial: &TrialRecord) -> SampleTexts<'_> {
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
pub(super) fn trial<'a>(
    header: &RunHeader,
    trial: &'a TrialRecord,
    messages: bool,
) -> TrialTexts<'a> {
    let usage = trial.usage.map(|usage| (usage.cache_read, usage.cache_write, usage.reasoning));
    TrialTexts {
        messages: messages.then(|| trial.messages.iter().flat_map(said).collect()),
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
    }
}

fn said(message: &Message) -> impl Iterator<Item = Said<'_>> {
    let role = serde_json::to_value(message.role).ok();
    let role = role.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    message.content.iter().map(move |part| match part {
        Part::Text { text } => Said { role: role.clone(), text: Cut(text), image: false },
        Part::Image { url } => Said { role: role.clone(), text: Cut(url), image: true },
    })
}

fn why(record: &ScoreRecord) -> Option<Why<'_>> {
    let said = Why {
        scorer: record.scorer,
        label: record.label.as_deref().map(Cut),
        explanation: record.explanation.as_deref().map(Cut),
        error: record.error.as_ref().map(|(_, message)| Cut(message)),
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
