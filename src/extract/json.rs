//! JSON values within an output.

use serde_json::{Deserializer, Value};
use serde_json_path::JsonPath;

use crate::extract::fence;

/// What `path` finds first in the JSON of `text`: a text as it is, anything else as JSON.
///
/// The text may be JSON as a whole, in a fenced block or amid prose; of several values the first
/// counts in which the path finds something.
pub(super) fn find(text: &str, path: &JsonPath) -> Option<String> {
    let first = |value: &Value| path.query(value).first().map(as_text);
    if let Ok(whole) = serde_json::from_str::<Value>(text.trim()) {
        return first(&whole);
    }
    let fenced = fence::blocks(text);
    let in_fence = fenced
        .iter()
        .filter_map(|block| serde_json::from_str::<Value>(block.content).ok())
        .find_map(|value| first(&value));
    in_fence.or_else(|| values(text).find_map(|value| first(&value)))
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Brackets that may begin no JSON before the search is given up, so that an output of nothing but
/// brackets costs little.
const MAX_FALSE_STARTS: usize = 1_000;

/// The objects and lists that stand in `text`, from left to right, none within another.
fn values(text: &str) -> impl Iterator<Item = Value> {
    let (mut at, mut false_starts) = (0, 0);
    std::iter::from_fn(move || {
        while false_starts < MAX_FALSE_STARTS {
            at += text[at..].find(['{', '['])?;
            let mut read = Deserializer::from_str(&text[at..]).into_iter::<Value>();
            if let Some(Ok(value)) = read.next() {
                at += read.byte_offset();
                return Some(value);
            }
            at += 1;
            false_starts += 1;
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_fences_and_prose() {
        let check = |text: &str, path: &str, expected: Option<&str>| {
            let path = JsonPath::parse(path).expect("a path");
            assert_eq!(find(text, &path).as_deref(), expected, "{text}");
        };
        check(r#" {"a": {"b": "x"}} "#, "$.a.b", Some("x"));
        check(r#"{"a": [1, 2.5]}"#, "$.a", Some("[1,2.5]"));
        check(r#"{"a": [1, 2.5]}"#, "$.a[-1]", Some("2.5"));
        check("So:\n```json\n{\"a\": null}\n```\ndone", "$.a", Some("null"));
        check(r#"As [1] says {x}: {"a": "}"} and {"a": 2}"#, "$.a", Some("}"));
        check(r#"{"a": 1}"#, "$.b", None);
        check("prose", "$.b", None);
        check("5", "$", Some("5"));
        check(&"[".repeat(100_000), "$", None);
        check(&"{\"a\":".repeat(20_000), "$..a", None);
        check("{\"é\": \"\u{1F600}\"} tail", "$['é']", Some("\u{1F600}"));
    }
}
