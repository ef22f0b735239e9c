//! The events that nearly all of a stream consists of: a piece of text, in the form that its owner
//! gave it.
//!
//! They are read without copying and without a place for what they do not hold. An event that is in
//! any way different is not plain, and read as a [`Body`](super::decode::Body), which knows every
//! form that there is; what that ignores is ignored here too.

use std::borrow::Cow;

use serde::Deserialize;

/// A plain event.
#[derive(Debug, Deserialize)]
pub(super) struct Plain<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) model: Option<Text<'a>>,
    #[serde(borrow)]
    choices: [Choice<'a>; 1],
    #[serde(default, rename = "usage")]
    _usage: (),
    #[serde(default, rename = "x_groq")]
    _x_groq: (),
    #[serde(default, rename = "error")]
    _error: (),
    #[serde(default, rename = "base_resp")]
    _base_resp: (),
}

/// The piece of an answer in a plain event.
#[derive(Debug, Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(default)]
    index: Option<u64>,
    #[serde(borrow)]
    delta: Delta<'a>,
    #[serde(borrow, default)]
    finish_reason: Option<Text<'a>>,
    #[serde(default, rename = "text")]
    _text: (),
    #[serde(default, rename = "usage")]
    _usage: (),
    #[serde(default, rename = "logprobs")]
    _logprobs: (),
    #[serde(default, rename = "error")]
    _error: (),
}

#[derive(Debug, Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    content: Option<Text<'a>>,
    #[serde(borrow, default)]
    reasoning_content: Option<Text<'a>>,
    #[serde(borrow, default)]
    reasoning: Option<Text<'a>>,
    #[serde(default, rename = "reasoning_details")]
    _reasoning_details: (),
    #[serde(default, rename = "refusal")]
    _refusal: (),
    #[serde(default, rename = "tool_calls")]
    _tool_calls: (),
    #[serde(default, rename = "function_call")]
    _function_call: (),
}

/// A string, borrowed where nothing in it is escaped.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// What the plain events of a stream begin with alike: all that stands before the piece of text.
#[derive(Debug, Default)]
pub(super) struct Head(String);

const CHOICES: &str = "\"choices\":[";

impl Head {
    /// The piece in `data`, if that begins as the last event did and is plain.
    pub(super) fn choice<'a>(&self, data: &'a str) -> Option<Choice<'a>> {
        let rest = data.strip_prefix(self.0.as_str()).filter(|_| !self.0.is_empty())?;
        let mut choices = serde_json::Deserializer::from_str(rest).into_iter::<Choice<'_>>();
        let choice = choices.next()?.ok()?;
        (choice.is_first() && &rest[choices.byte_offset()..] == "]}").then_some(choice)
    }

    /// The last event was `data`, which is plain or not.
    pub(super) fn learn(&mut self, data: &str, plain: bool) {
        self.0.clear();
        if let Some((head, _)) = data.split_once(CHOICES).filter(|_| plain)
            // Behind another brace it might be the list of something inside.
            && head.rfind('{') == Some(0)
        {
            self.0.extend([head, CHOICES]);
        }
    }
}

impl<'a> Plain<'a> {
    /// The event in `data`, if it is plain.
    pub(super) fn read(data: &'a str) -> Option<Self> {
        let plain: Self = serde_json::from_str(data).ok()?;
        plain.choice().is_first().then_some(plain)
    }

    /// The piece of the answer.
    pub(super) fn choice(&self) -> &Choice<'a> {
        &self.choices[0]
    }

    /// The model that answers; empty where the server does not say.
    pub(super) fn model(&self) -> &str {
        text(self.model.as_ref())
    }

    /// The id of the request; empty where the server does not say.
    pub(super) fn id(&self) -> &str {
        text(self.id.as_ref())
    }
}

impl Choice<'_> {
    fn is_first(&self) -> bool {
        self.index.unwrap_or(0) == 0
    }

    /// The piece of text; it may be empty.
    pub(super) fn text(&self) -> &str {
        text(self.delta.content.as_ref())
    }

    /// The piece of reasoning; it may be empty.
    pub(super) fn reasoning(&self) -> &str {
        let given = text(self.delta.reasoning_content.as_ref());
        if given.is_empty() { text(self.delta.reasoning.as_ref()) } else { given }
    }

    /// Why the model stopped; empty while it has not.
    pub(super) fn finish_reason(&self) -> &str {
        text(self.finish_reason.as_ref())
    }
}

fn text<'t>(of: Option<&'t Text<'_>>) -> &'t str {
    of.map_or("", |text| &text.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_events_without_anything_special_are_plain() {
        let event = |choice: &str, rest: &str| {
            format!(r#"{{"id":"a","object":"x","model":"m","choices":[{choice}]{rest}}}"#)
        };
        let plain =
            r#"{"index":0,"delta":{"role":"assistant","content":"h\u00e9 "},"logprobs":null}"#;
        let data = event(plain, r#","usage":null,"error":null,"service_tier":{"a":[1]}"#);
        let read = Plain::read(&data).expect("it is plain");
        let choice = read.choice();
        let fields =
            [read.id(), read.model(), choice.text(), choice.reasoning(), choice.finish_reason()];
        assert_eq!(fields, ["a", "m", "hé ", "", ""]);
        let data = event(
            r#"{"delta":{"reasoning_content":"","reasoning":"so"},"finish_reason":"stop"}"#,
            "",
        );
        let read = Plain::read(&data).expect("it is plain");
        let choice = read.choice();
        assert_eq!([choice.text(), choice.reasoning(), choice.finish_reason()], ["", "so", "stop"]);
        for (choice, rest) in [
            ("", ""),
            (plain, r#","usage":{"prompt_tokens":1}"#),
            (plain, r#","error":{"message":"no"}"#),
            (r#"{"index":1,"delta":{"content":"x"}}"#, ""),
            (r#"{"delta":{"content":"x"}},{"delta":{}}"#, ""),
            (r#"{"delta":{"content":["x"]}}"#, ""),
            (r#"{"delta":{"content":"x","tool_calls":[]}}"#, ""),
            (r#"{"delta":{"content":"x"},"logprobs":{"content":[]}}"#, ""),
            (r#"{"text":"x"}"#, ""),
            (r#"{"delta":{"content":"x"}"#, ""),
        ] {
            assert!(Plain::read(&event(choice, rest)).is_none(), "{choice} {rest}");
        }
    }

    #[test]
    fn what_begins_like_the_last_event_is_read_from_there_on() {
        let first = r#"{"id":"a","model":"m","choices":[{"delta":{"content":"x"}}]}"#;
        let mut head = Head::default();
        assert!(head.choice(first).is_none(), "nothing is known yet");
        head.learn(first, true);
        let next = r#"{"id":"a","model":"m","choices":[{"index":0,"delta":{"content":" y"}}]}"#;
        assert_eq!(head.choice(next).expect("it is plain").text(), " y");
        for other in [
            r#"{"id":"b","model":"m","choices":[{"delta":{"content":"x"}}]}"#,
            r#"{"id":"a","model":"m","choices":[{"delta":{"content":"x"}}],"usage":{}}"#,
            r#"{"id":"a","model":"m","choices":[{"delta":{"content":"x"}},{"delta":{}}]}"#,
            r#"{"id":"a","model":"m","choices":[{"index":1,"delta":{"content":"x"}}]}"#,
            r#"{"id":"a","model":"m","choices":[{"delta":{"content":"x"}}]"#,
            r#"{"id":"a","model":"m","choices":[]}"#,
        ] {
            assert!(head.choice(other).is_none(), "{other}");
        }
        head.learn(first, false);
        assert!(head.choice(next).is_none(), "another kind of event came between");
        head.learn(r#"{"a":{"choices":[1]},"choices":[{"delta":{}}]}"#, true);
        assert!(head.choice(r#"{"a":{"choices":[{"delta":{}}]}"#).is_none(), "it is not closed");
    }
}
