//! What a judge is shown of an answer: the question or the whole conversation, the answer, and what
//! was expected.

use serde_json::Value;

use super::{Context, OptionCard, Subject, sheet::Sheet};
use crate::domain::{
    message::{Message, Role},
    sample::value_text,
    score::Verdict,
};

/// The option for a column with a conversation.
pub(super) const TRANSCRIPT: OptionCard = OptionCard {
    name: "transcript",
    kind: "text",
    default: "none: what was said to the model",
    doc: "The column of the conversation that the answer is the last turn of: a list of `{role, \
          content}`, or a text. Without it a prompt of several messages is the conversation.",
};

/// What is shown.
#[derive(Debug)]
pub(super) struct Material {
    question: Option<String>,
    conversation: Option<String>,
    output: String,
    expected: Option<String>,
}

impl Material {
    /// What there is of `subject`.
    ///
    /// # Errors
    /// The verdict when there is nothing to judge.
    pub(super) fn of(
        subject: &Subject<'_>,
        context: &Context<'_>,
        transcript: Option<&str>,
    ) -> Result<Self, Verdict> {
        let output = subject.output.filter(|output| !output.trim().is_empty());
        let output =
            output.ok_or_else(|| Verdict::Skipped("there is no output to judge".to_owned()))?;
        let turns = match transcript {
            Some(column) => recorded(subject, column)?,
            None => said(context.messages),
        };
        let users = turns.iter().filter(|(role, _)| role == "user").count();
        let conversation = (users > 1 || transcript.is_some()).then(|| {
            let turns = turns.iter().map(|(role, text)| format!("{role}: {text}"));
            turns.collect::<Vec<_>>().join("\n\n")
        });
        let last = turns.into_iter().rev().find(|(role, _)| role == "user").map(|(_, text)| text);
        let expected: Vec<&str> = subject.sample.expected.iter().map(String::as_str).collect();
        Ok(Self {
            question: subject.sample.input.clone().or(last).filter(|_| conversation.is_none()),
            conversation,
            output: output.to_owned(),
            expected: Some(expected.join("\n")).filter(|text| !text.trim().is_empty()),
        })
    }

    /// The same without what was expected.
    pub(super) fn without_expected(self) -> Self {
        Self { expected: None, ..self }
    }

    /// A sheet with `task` and all that is shown.
    pub(super) fn sheet(&self, task: impl Into<String>) -> Sheet<'_> {
        let shown = [
            ("question", self.question.as_deref()),
            ("conversation", self.conversation.as_deref()),
            ("answer", Some(self.output.as_str())),
            ("expected_answer", self.expected.as_deref()),
        ];
        let mut sheet = Sheet::new(task);
        for (name, text) in shown {
            if let Some(text) = text {
                sheet = sheet.show(name, text);
            }
        }
        sheet
    }
}

/// The turns of a prompt.
fn said(messages: &[Message]) -> Vec<(String, String)> {
    let role = |role: Role| match role {
        Role::System | Role::Developer => "instructions",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    messages.iter().map(|said| (role(said.role).to_owned(), said.joined_text())).collect()
}

/// The turns in a column.
fn recorded(subject: &Subject<'_>, column: &str) -> Result<Vec<(String, String)>, Verdict> {
    let value = subject.sample.vars.get(column).filter(|value| !value.is_null());
    let Some(value) = value else {
        return Err(Verdict::Skipped(format!("column `{column}` is empty in this row")));
    };
    let turn = |turn: &Value| {
        let text = |key: &str| turn.get(key).map(value_text);
        let spoken = text("content").or_else(|| text("text")).or_else(|| text("value"));
        match (text("role").or_else(|| text("from")), spoken) {
            (Some(role), Some(spoken)) => Ok((role.to_lowercase(), spoken)),
            _ => Err(Verdict::Failed(format!(
                "column `{column}` holds a turn that is no `{{role, content}}`"
            ))),
        }
    };
    // A cell of a CSV file holds the list as text.
    let read = value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    match read.as_ref().unwrap_or(value) {
        Value::Array(turns) => turns.iter().map(turn).collect(),
        other => Ok(vec![("conversation".to_owned(), value_text(other))]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::{
        generation::Generation,
        sample::Sample,
        trial::{Answer, TrialKey},
    };

    #[test]
    fn turns_are_read_out_of_lists_and_texts() {
        let read = |value: Value| {
            let sample = Sample {
                index: 0,
                id: "s".into(),
                input: None,
                expected: Vec::new(),
                vars: serde_json::Map::from_iter([("t".to_owned(), value)]),
                metadata: serde_json::Map::new(),
                cluster: None,
                tags: Vec::new(),
            };
            let generation = Generation::default();
            let answer = Answer {
                key: TrialKey { seq: 0, sample: 0, prompt: 0, model: 0, epoch: 0 },
                result: Ok(generation.clone()),
                attempts: Vec::new(),
                served_by: String::new(),
                cached: None,
                extracted: Vec::new(),
            };
            let subject =
                Subject { sample: &sample, answer: &answer, generation: &generation, output: None };
            recorded(&subject, "t")
        };
        let turns = json!([{"role": "User", "content": "hi"}, {"from": "gpt", "value": "yes"}]);
        let expected = [("user", "hi"), ("gpt", "yes")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(read(turns.clone()), Ok(expected.to_vec()));
        assert_eq!(read(turns.to_string().into()), Ok(expected.to_vec()));
        let text = ("conversation".to_owned(), "A: hi".to_owned());
        assert_eq!(read("A: hi".into()), Ok(vec![text]));
        assert!(matches!(read(json!([{"role": "user"}])), Err(Verdict::Failed(_))));
        assert!(matches!(read(Value::Null), Err(Verdict::Skipped(_))));
    }
}
