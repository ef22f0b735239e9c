//! Verdicts out of what a judge wrote: the last one counts, and it is taken whole or not at all.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Deserializer, Value};

use crate::base::text::one_line;

/// What announces a verdict, up to the end of its line.
static VERDICT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?im)\bverdict\b[\s*_`"']*[:=]([^\n]*)"#).ok());

/// Braces that may begin no object before the search is given up.
const MAX_FALSE_STARTS: usize = 1_000;

/// Marks that people and models put around a word.
const MARKS: &[char] = &['*', '_', '`', '"', '\'', '“', '”', '[', ']', '<', '>', '#', '$', '\\'];

/// What follows the last announcement of a verdict in `text`, without marks; the whole text when it is
/// one line and announces none.
///
/// # Errors
/// There is neither.
pub(super) fn last_verdict(text: &str) -> Result<&str, String> {
    let announced = VERDICT.as_ref().and_then(|verdict| {
        let last = verdict.captures_iter(text).last()?;
        last.get(1).map(|rest| rest.as_str())
    });
    if let Some(rest) = announced {
        return match bare(rest) {
            "" => Err("its last verdict is empty".to_owned()),
            rest => Ok(rest),
        };
    }
    let text = text.trim();
    if text.is_empty() {
        return Err("the reply is empty".to_owned());
    }
    if text.contains('\n') {
        return Err("the reply has no verdict".to_owned());
    }
    Ok(bare(text))
}

fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || MARKS.contains(&c))
}

/// The label that `text` is, or begins with when only a remark follows.
///
/// # Errors
/// It is none of `labels`.
pub(super) fn label<'a>(text: &str, labels: &'a [String]) -> Result<&'a str, String> {
    let text = bare(text);
    let unmarked = text.strip_prefix('(').map_or(text, |inner| inner.trim_end_matches(')'));
    // The longest first: `Partly correct` is not `Partly`.
    let mut by_length: Vec<&String> = labels.iter().collect();
    by_length.sort_by_key(|label| std::cmp::Reverse(label.len()));
    let is = |text: &str, label: &str| {
        let head = text.get(..label.len())?;
        head.eq_ignore_ascii_case(label).then(|| remark_follows(&text[label.len()..]))
    };
    let found = [text, unmarked]
        .iter()
        .find_map(|text| by_length.iter().find(|label| is(text, label) == Some(true)));
    found
        .map(|label| label.as_str())
        .ok_or_else(|| format!("`{}` is none of `{}`", one_line(text, 60), labels.join("`, `")))
}

/// Whether `rest` leaves the word before it as it is: nothing, or a remark behind a mark.
fn remark_follows(rest: &str) -> bool {
    let rest = rest.trim_start_matches(MARKS);
    let after = rest.trim_start();
    match after.chars().next() {
        None => true,
        Some('.' | ':' | ';' | ',' | ')' | '!') => true,
        // `A - because`, `A (because)`; not `A-B` nor `A(1)`.
        Some('-' | '–' | '—' | '(') => after.len() < rest.len(),
        Some(_) => false,
    }
}

/// The number that `text` is, from `least` to `most`; `7/10` is 7 where 10 is the most.
///
/// # Errors
/// It is no number, or not on the scale. Nothing is ever moved onto it.
pub(super) fn number(text: &str, least: f64, most: f64, whole: bool) -> Result<f64, String> {
    let text = bare(text);
    let shown = one_line(text, 60);
    let no = || format!("`{shown}` is no number from {least} to {most}");
    let end = text
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || *c == '.' || (*at == 0 && "+-".contains(*c))))
        .map_or(text.len(), |(at, _)| at);
    // A full stop ends the sentence, not the number.
    let digits = text[..end].trim_end_matches('.');
    let rest = &text[digits.len()..];
    let value: f64 = digits.parse().map_err(|_| no())?;
    let rest = rest.trim_start_matches(MARKS);
    let over = rest.trim_start().strip_prefix('/').or(rest.trim_start().strip_prefix("out of "));
    let rest = match over {
        Some(over) => {
            let over = over.trim_start();
            let end = over.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(over.len());
            let digits = over[..end].trim_end_matches('.');
            let denominator: f64 = digits.parse().map_err(|_| no())?;
            if (denominator - most).abs() > f64::EPSILON {
                return Err(format!("`{shown}` is of another scale than {least} to {most}"));
            }
            &over[digits.len()..]
        }
        None => rest,
    };
    // `7 - 8` is two numbers, not one with a remark.
    let first = rest.chars().find(|c| c.is_alphanumeric());
    if !remark_follows(rest) || first.is_some_and(|c| c.is_ascii_digit()) {
        return Err(no());
    }
    on_scale(value, least, most, whole)
}

/// `value`, if it is on the scale.
///
/// # Errors
/// It is not.
pub(super) fn on_scale(value: f64, least: f64, most: f64, whole: bool) -> Result<f64, String> {
    if !value.is_finite() || !(least..=most).contains(&value) {
        return Err(format!("{value} is not from {least} to {most}"));
    }
    if whole && value.fract() != 0.0 {
        return Err(format!("{value} is no whole number"));
    }
    Ok(value)
}

/// The last JSON object in `text` that `wanted` accepts: the whole text, or one amid prose.
pub(super) fn last_object(text: &str, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
    let fits = |value: &Value| value.is_object() && wanted(value);
    if let Ok(value) = serde_json::from_str::<Value>(text.trim()) {
        return Some(value).filter(|value| fits(value));
    }
    let (mut at, mut false_starts, mut last) = (0, 0, None);
    while let Some(open) = text[at..].find('{') {
        at += open;
        let mut read = Deserializer::from_str(&text[at..]).into_iter::<Value>();
        if let Some(Ok(value)) = read.next() {
            at += read.byte_offset();
            if fits(&value) {
                last = Some(value);
            }
            continue;
        }
        at += 1;
        false_starts += 1;
        if false_starts >= MAX_FALSE_STARTS {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(labels: &[&str]) -> Vec<String> {
        labels.iter().map(|label| (*label).to_owned()).collect()
    }

    #[test]
    fn the_last_verdict_counts() {
        let some = labels(&["A", "B", "Yes", "No", "Partly", "Partly correct"]);
        let read = |text: &str| last_verdict(text).and_then(|text| label(text, &some)).ok();
        for (text, expected) in [
            ("VERDICT: A", Some("A")),
            ("VERDICT: A\nOn second thought.\nVERDICT: B", Some("B")),
            ("Thinking.\n**Verdict:** **Yes**.", Some("Yes")),
            ("verdict = `no`", Some("No")),
            ("VERDICT: [B]", Some("B")),
            ("VERDICT: (B)", Some("B")),
            ("VERDICT: \\boxed", None),
            ("VERDICT: A - it is a part", Some("A")),
            ("VERDICT: A (a part)", Some("A")),
            ("VERDICT: A. It is a part", Some("A")),
            ("VERDICT: Yes, it is", Some("Yes")),
            ("VERDICT: partly correct", Some("Partly correct")),
            ("VERDICT: Partly", Some("Partly")),
            ("A", Some("A")),
            ("\"yes\"", Some("Yes")),
            // What is not one of the choices is nothing, also where an earlier one was.
            ("VERDICT: A\nVERDICT: C", None),
            ("VERDICT: A or B", None),
            ("VERDICT: A/B", None),
            ("VERDICT: AB", None),
            ("VERDICT: A-", None),
            ("VERDICT: not A", None),
            ("VERDICT:", None),
            ("VERDICT: A\nVERDICT:", None),
            ("It is A.\nI think.", None),
            ("A good answer", None),
            ("", None),
            ("I cannot help with that.", None),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
    }

    #[test]
    fn numbers_are_on_the_scale_or_nothing() {
        let read =
            |text: &str| last_verdict(text).and_then(|text| number(text, 0.0, 10.0, false)).ok();
        for (text, expected) in [
            ("VERDICT: 7", Some(7.0)),
            ("VERDICT: **7.5**", Some(7.5)),
            ("VERDICT: 7/10", Some(7.0)),
            ("VERDICT: 7 / 10.", Some(7.0)),
            ("VERDICT: 7 out of 10", Some(7.0)),
            ("VERDICT: 7.", Some(7.0)),
            ("VERDICT: 7, since", Some(7.0)),
            ("10", Some(10.0)),
            ("VERDICT: 11/10", None),
            ("VERDICT: 11", None),
            ("VERDICT: -1", None),
            ("VERDICT: 4/5", None),
            ("VERDICT: NaN", None),
            ("VERDICT: inf", None),
            ("VERDICT: 1e1", None),
            ("VERDICT: 7 or 8", None),
            ("VERDICT: 7-8", None),
            ("VERDICT: 7 - 8", None),
            ("VERDICT: 7 (good)", Some(7.0)),
            ("VERDICT: 70%", None),
            ("VERDICT: 1.2.3", None),
            ("VERDICT: high", None),
            ("VERDICT: 5 10", None),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
        assert!(number("7.5", 0.0, 10.0, true).is_err());
    }

    #[test]
    fn the_last_object_counts() {
        let has = |value: &Value| value.get("verdict").is_some();
        let read = |text: &str| last_object(text, has).map(|value| value["verdict"].to_string());
        assert_eq!(read(r#"{"verdict": 1}"#).as_deref(), Some("1"));
        let two = "So {x} ```json\n{\"verdict\": 1}\n``` no: {\"verdict\": 2} {\"other\": 3}";
        assert_eq!(read(two).as_deref(), Some("2"));
        assert_eq!(read("[{\"verdict\": 1}]"), None);
        assert_eq!(read(&"{".repeat(100_000)), None);
    }

    proptest! {
        #[test]
        fn nothing_that_is_written_breaks_it(text in "\\PC{0,80}", tail in "[\\PC\n]{0,40}") {
            let some = labels(&["A", "é", "Yes"]);
            for text in [text.clone(), format!("VERDICT: {text}{tail}")] {
                if let Ok(said) = last_verdict(&text) {
                    label(said, &some).ok();
                    if let Ok(value) = number(said, 0.0, 10.0, false) {
                        prop_assert!((0.0..=10.0).contains(&value));
                    }
                }
                last_object(&text, |_| true);
            }
        }
    }
}
