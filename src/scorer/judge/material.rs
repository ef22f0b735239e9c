//! What a judge is shown of an answer, with every text of a stranger between marks.

use serde_json::{Value, json};

use super::card::{Definition, Scale};
use crate::{
    base::fence::Fence,
    domain::{
        generation::Generation,
        message::{Message, Role},
        sample::{Sample, Vars, value_text},
        score::Verdict,
        trial::{Answer, TrialKey},
    },
    scorer::Subject,
};

/// What the user says to a judge besides.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    /// In the config, for all rows.
    Text(String),
    /// In a column, row by row.
    Column(String),
}

/// What a judge's prompt is filled in with.
#[derive(Debug)]
pub(super) struct Filling<'a> {
    pub(super) definition: &'a Definition,
    /// What the user says, by name.
    pub(super) with: &'a [(String, Said)],
    /// The column of the context.
    pub(super) context: &'a str,
}

/// A prompt with everything filled in.
#[derive(Debug)]
pub(super) struct Filled {
    pub(super) fence: Fence,
    pub(super) body: String,
}

impl Filling<'_> {
    /// The prompt about `subject`; `messages` is what the model had been told.
    ///
    /// # Errors
    /// The verdict when the sample lacks what the judge needs, or the prompt cannot be made.
    pub(super) fn fill(
        &self,
        subject: &Subject<'_>,
        messages: &[Message],
    ) -> Result<Filled, Verdict> {
        let mut raw = Vars::new();
        let reads = self.definition.prompt.variables();
        for name in reads {
            let value = match self.with.iter().find(|(known, _)| known == name) {
                Some((_, Said::Text(_))) => continue,
                Some((_, Said::Column(column))) => column_text(subject, column)?,
                None => self.variable(name, subject, messages),
            };
            if is_empty(&value) && self.definition.needs.contains(name) {
                return Err(Verdict::Skipped(lacking(name).to_owned()));
            }
            raw.insert(name.clone(), value);
        }
        let mut texts = Vec::new();
        raw.values().for_each(|value| collect(value, &mut texts));
        let fence = Fence::around(texts.iter().map(|text| text.as_str()));
        let mut vars: Vars =
            raw.iter().map(|(name, value)| (name.clone(), marked(&fence, name, value))).collect();
        for (name, said) in self.with {
            if let Said::Text(text) = said {
                vars.insert(name.clone(), text.as_str().into());
            }
        }
        let rendered = self.definition.prompt.render(&vars).map_err(|error| {
            Verdict::Failed(format!("the judge's prompt cannot be made: {error}"))
        })?;
        let body = format!("{}{}", rendered.trim_end(), meanings(&self.definition.scale));
        Ok(Filled { fence, body })
    }

    /// The prompt about an answer to `sample` that is not there yet; `None` where it cannot be made.
    pub(super) fn foreseen(&self, sample: &Sample) -> Option<Filled> {
        let generation = Generation { text: "…".to_owned(), ..Generation::default() };
        let answer = Answer {
            key: TrialKey { seq: 0, sample: sample.index, prompt: 0, model: 0, epoch: 0 },
            result: Ok(generation.clone()),
            attempts: Vec::new(),
            served_by: String::new(),
            cached: None,
            extracted: Vec::new(),
        };
        let output = Some(generation.text.as_str());
        let subject = Subject { sample, answer: &answer, generation: &generation, output };
        self.fill(&subject, &[]).ok()
    }

    fn variable(&self, name: &str, subject: &Subject<'_>, messages: &[Message]) -> Value {
        let Subject { sample, generation, output, .. } = subject;
        match name {
            "input" => {
                let asked = messages.iter().rev().find(|message| message.role == Role::User);
                let asked = || asked.map(Message::joined_text);
                sample.input.clone().or_else(asked).map_or(Value::Null, Value::from)
            }
            "output" => output.map_or(Value::Null, Value::from),
            "expected" => json!(sample.expected),
            "context" => match sample.vars.get(self.context) {
                None | Some(Value::Null) => Value::Null,
                Some(Value::Array(items)) => {
                    items.iter().map(value_text).map(Value::from).collect()
                }
                Some(other) => value_text(other).into(),
            },
            "vars" => Value::Object(sample.vars.clone()),
            "conversation" => conversation(messages, output.unwrap_or_default()),
            "tool_calls" => generation
                .tool_calls
                .iter()
                .map(|call| Value::from(format!("{}({})", call.name, call.arguments)))
                .collect(),
            "reasoning" => generation.reasoning.clone().map_or(Value::Null, Value::from),
            _ => Value::Null,
        }
    }
}

/// What a column says, where the config leaves it to the row.
fn column_text(subject: &Subject<'_>, column: &str) -> Result<Value, Verdict> {
    match subject.sample.vars.get(column).map(value_text) {
        Some(text) if !text.trim().is_empty() => Ok(text.into()),
        _ => Err(Verdict::Skipped(format!("column `{column}` is empty in this row"))),
    }
}

/// What was said, message by message, with the answer last; nothing when that is not known.
fn conversation(messages: &[Message], output: &str) -> Value {
    let speaker = |role: Role| match role {
        Role::System | Role::Developer => "instructions",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    if messages.is_empty() {
        return Value::Null;
    }
    let said = messages.iter().map(|m| format!("{}: {}", speaker(m.role), m.joined_text()));
    said.chain([format!("assistant: {output}")]).map(Value::from).collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.iter().all(is_empty),
        _ => false,
    }
}

/// Why a judge that needs `name` says nothing of a sample.
fn lacking(name: &str) -> &'static str {
    match name {
        "expected" => "the sample has no expected answer",
        "input" => "the sample has no input",
        "context" => "the sample has no context",
        "output" => "there is no output to judge",
        "tool_calls" => "the model called no function",
        "reasoning" => "the model's reasoning is not known",
        "conversation" => "what was said to the model is not known",
        _ => "the sample lacks what the judge needs",
    }
}

/// Every text in `value`.
fn collect<'a>(value: &'a Value, texts: &mut Vec<&'a String>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(map) => map.values().for_each(|item| collect(item, texts)),
        _ => {}
    }
}

/// `value` with each text between marks. A list of texts is one text; what is empty stays empty, so
/// that a prompt can leave it out.
fn marked(fence: &Fence, name: &str, value: &Value) -> Value {
    match value {
        Value::String(text) if text.is_empty() => Value::from(""),
        Value::String(text) => fence.wrap(name, text).into(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let texts = items.iter().filter_map(Value::as_str);
            let texts: Vec<String> = texts.map(|text| fence.wrap(name, text)).collect();
            texts.join("\n").into()
        }
        Value::Array(items) => items.iter().map(|item| marked(fence, name, item)).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, item)| (key.clone(), marked(fence, key, item))).collect()
        }
        other => other.clone(),
    }
}

/// What the choices, or the places of the scale, mean; nothing where nobody says.
fn meanings(scale: &Scale) -> String {
    match scale {
        Scale::Choices(choices) => {
            let lines: Vec<String> = choices
                .iter()
                .filter_map(|choice| {
                    let means = choice.means.as_deref()?.trim();
                    Some(format!("`{}`: {means}", choice.label))
                })
                .collect();
            if lines.is_empty() { String::new() } else { format!("\n\n{}", lines.join("\n")) }
        }
        Scale::Number { means, .. } => {
            means.as_deref().map_or_else(String::new, |means| format!("\n\n{}", means.trim()))
        }
    }
}
