//! JSON of models and datasets as scorers read it: bounded in size and depth, compared by value.

use serde::de::{Deserialize, IgnoredAny};
use serde_json::{Deserializer, Number, Value};

use crate::{
    base::text::one_line,
    domain::score::{Score, Verdict},
};

/// Largest text that is read as JSON. A value takes some twenty times the room of its text.
pub(super) const MAX_BYTES: usize = 4 << 20;

/// Deepest nesting that is read, which is that of the reader: what walks a value may recurse.
pub(super) const MAX_DEPTH: usize = 127;

/// Why there is no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unread {
    /// The text is no JSON.
    Wrong(String),
    /// The text may be JSON, and it is too large, too deep or cannot be represented.
    Refused(String),
}

impl Unread {
    /// What that means for an output: wrong JSON is a wrong answer, and what cannot be looked at is
    /// not scored.
    pub(super) fn verdict(self) -> Verdict {
        match self {
            Self::Wrong(why) => Verdict::Scored(Score::binary(false).because(why)),
            Self::Refused(why) => Verdict::Failed(format!("the output {why}")),
        }
    }

    /// What is wrong, for a text that should have been JSON.
    pub(super) fn reason(&self) -> &str {
        let (Self::Wrong(why) | Self::Refused(why)) = self;
        why
    }
}

/// The value of `text`.
pub(super) fn read(text: &str) -> Result<Value, Unread> {
    let text = text.trim();
    if text.len() > MAX_BYTES {
        let mib = MAX_BYTES >> 20;
        return Err(Unread::Refused(format!(
            "has {} bytes; at most {mib} MiB are read as JSON",
            text.len()
        )));
    }
    if let Err(error) = grammar(text) {
        return Err(Unread::Wrong(if text.starts_with("```") {
            "it stands in a code fence; `extract: code_block` removes it".to_owned()
        } else {
            one_line(&format!("no JSON: {error}"), 200)
        }));
    }
    let depth = depth(text);
    if depth > MAX_DEPTH {
        return Err(Unread::Refused(format!(
            "is nested {depth} levels deep; at most {MAX_DEPTH} are read"
        )));
    }
    serde_json::from_str(text)
        .map_err(|error| Unread::Refused(one_line(&format!("cannot be read: {error}"), 200)))
}

/// Checks the grammar without building the value, and so without descending into it.
pub(super) fn grammar(text: &str) -> Result<(), serde_json::Error> {
    let mut read = Deserializer::from_str(text);
    IgnoredAny::deserialize(&mut read)?;
    read.end()
}

/// How deep lists and objects of `text`, which is JSON, stand within each other.
pub(super) fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The depth of a value: 0 for a scalar. `None` past [`MAX_DEPTH`].
pub(super) fn value_depth(value: &Value) -> Option<usize> {
    fn below(value: &Value, left: usize) -> Option<usize> {
        let deepest = |found: Option<usize>, depth: Option<usize>| Some(found?.max(depth?));
        let left = match value {
            Value::Array(_) | Value::Object(_) => left.checked_sub(1)?,
            _ => return Some(0),
        };
        let inner = match value {
            Value::Array(items) => {
                items.iter().map(|item| below(item, left)).fold(Some(0), deepest)
            }
            Value::Object(map) => map.values().map(|item| below(item, left)).fold(Some(0), deepest),
            _ => Some(0),
        };
        inner.map(|depth| depth + 1)
    }
    below(value, MAX_DEPTH)
}

/// Whether two values are the same: numbers by what they are worth, objects whatever the order of
/// their keys.
pub(super) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => same_number(left, right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, value)| right.get(key).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}

/// Whole numbers are compared exactly, others as the nearest floating point number.
fn same_number(left: &Number, right: &Number) -> bool {
    match (left.as_i128(), right.as_i128()) {
        (Some(left), Some(right)) => left == right,
        _ => left.as_f64() == right.as_f64(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_looked_at_is_no_wrong_answer() {
        let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(read(&deep(MAX_DEPTH)).is_ok());
        let refused = |text: &str, part: &str| match read(text) {
            Err(Unread::Refused(why)) => assert!(why.contains(part), "{why}"),
            other => panic!("{other:?}"),
        };
        refused(&deep(MAX_DEPTH + 1), "128 levels");
        refused(&deep(10_000), "10000 levels");
        refused(&format!("\"{}\"", "a".repeat(10 << 20)), "at most 4 MiB");
        refused("1e999", "out of range");
        refused("\"\\ud800\"", "hex escape");
        refused("\"\\udc00\"", "surrogate");
        assert!(matches!(read(&"[".repeat(10_000)), Err(Unread::Wrong(_))));
        assert_eq!(depth(r#"{"[[[": "\"[[", "a": [[]]}"#), 3);
        assert_eq!(value_depth(&json!({"a": [[]], "b": 1})), Some(3));
    }

    #[test]
    fn values_are_the_same_by_what_they_are_worth() {
        assert!(same(&json!({"a": 1, "b": [2.0]}), &json!({"b": [2], "a": 1.0})));
        assert!(!same(&json!([1, 2]), &json!([2, 1])));
        assert!(!same(&json!(1), &json!("1")));
        assert!(!same(&json!(9_007_199_254_740_993_u64), &json!(9_007_199_254_740_992_u64)));
        assert!(!same(&json!(true), &json!(1)));
        assert!(!same(&json!({"a": null}), &json!({})));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>(), like in r#"[\[\]{}",:0-9a\\ue.-]{0,40}"#) {
            for text in [text, like] {
                if let Ok(value) = read(&text) {
                    prop_assert!(same(&value, &value));
                    prop_assert_eq!(value_depth(&value), Some(depth(&text)));
                }
            }
        }
    }
}
