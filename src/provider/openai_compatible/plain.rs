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

#[derive(Debug, Deserialize)]
struct Choice<'a> {
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

impl<'a> Plain<'a> {
    /// The event in `data`, if it is plain.
    pub(super) fn read(data: &'a str) -> Option<Self> {
        let plain: Self = serde_json::from_str(data).ok()?;
        (plain.choices[0].index.unwrap_or(0) == 0).then_some(plain)
    }

    /// The piece of text; it may be empty.
    pub(super) fn text(&self) -> &str {
        text(&self.choices[0].delta.content)
    }

    /// The piece of reasoning; it may be empty.
    pub(super) fn reasoning(&self) -> &str {
        let delta = &self.choices[0].delta;
        let given = text(&delta.reasoning_content);
        if given.is_empty() { text(&delta.reasoning) } else { given }
    }

    /// Why the model stopped; empty while it has not.
    pub(super) fn finish_reason(&self) -> &str {
        text(&self.choices[0].finish_reason)
    }

    /// The model that answers; empty where the server does not say.
    pub(super) fn model(&self) -> &str {
        text(&self.model)
    }

    /// The id of the request; empty where the server does not say.
    pub(super) fn id(&self) -> &str {
        text(&self.id)
    }
}

fn text<'t>(of: &'t Option<Text<'_>>) -> &'t str {
    of.as_ref().map_or("", |text| &text.0)
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
        let fields = [read.id(), read.model(), read.text(), read.reasoning(), read.finish_reason()];
        assert_eq!(fields, ["a", "m", "hé ", "", ""]);
        let data = event(
            r#"{"delta":{"reasoning_content":"","reasoning":"so"},"finish_reason":"stop"}"#,
            "",
        );
        let read = Plain::read(&data).expect("it is plain");
        assert_eq!([read.text(), read.reasoning(), read.finish_reason()], ["", "so", "stop"]);
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
}
