//! How alike two JSON values are, with credit for parts.

use std::fmt::Write as _;

use rapidfuzz::distance::levenshtein::normalized_similarity;
use serde_json::{Number, Value};

use crate::{
    domain::score::{Score, Verdict},
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        against::THRESHOLD,
        compare::{accepted, output, quoted},
        json::{self, MAX_DEPTH, Unread},
    },
};

static CARD: Card = Card {
    name: "json_diff",
    summary: "How alike the output and the expected JSON are, part by part.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "column",
            kind: "text",
            default: "the expected answers, each a JSON text",
            doc: "The dataset column that holds the expected JSON; a list there is one list and not \
                  several answers.",
        },
        OptionCard {
            name: "missing_is_null",
            kind: "flag",
            default: "false",
            doc: "A key that one side lacks counts as null, as autoevals has it.",
        },
        OptionCard {
            name: "preserve_strings",
            kind: "flag",
            default: "false",
            doc: "Texts within the values are texts, even if they hold an object or a list as JSON.",
        },
        THRESHOLD,
    ],
    edge_cases: &[
        "Objects: the mean over the keys of both; the order of keys does not matter.",
        "Lists: the sum place by place, by the longer length; an item that is put in front moves all \
         others out of place.",
        "Texts: 1 minus the edit distance by the longer one. Numbers: 1 minus the difference by the \
         sum of both without signs; two zeros are 1. Null is like null only.",
        "Values of two kinds are compared as texts, keys sorted: `1` and `\"1\"` come to 1/3.",
        "Output or expected answer that is no JSON is compared as a text.",
        "Unlike in autoevals a missing key is not null, booleans are not the numbers 0 and 1, and an \
         output of one number or one boolean is that and not a text.",
        "Of several expected answers the most alike counts.",
        "JSON of over 4 MiB or nested over 127 levels deep, and texts that would take over four \
         thousand million steps to compare, are not scored.",
    ],
    source: "autoevals 0.4.1, `JSONDiff`",
};

/// Pairs of characters that edit distances may look at for one answer; 64 of them take one step.
const MAX_PAIRS: u64 = 4_000_000_000;

/// The kind.
#[derive(Debug)]
pub(super) struct JsonDiff;

#[derive(Debug)]
struct Diff {
    column: Option<[String; 1]>,
    threshold: Option<f64>,
    rules: Rules,
}

#[derive(Debug, Clone, Copy)]
struct Rules {
    missing_is_null: bool,
    preserve_strings: bool,
}

impl ScorerKind for JsonDiff {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let rules = Rules {
            missing_is_null: args.flag("missing_is_null")?,
            preserve_strings: args.flag("preserve_strings")?,
        };
        Ok(Built::pure(Diff {
            column: args.text("column")?.map(|column| [column.to_owned()]),
            threshold: args.number("threshold", 0.0, 1.0)?,
            rules,
        }))
    }
}

/// A whole side: what is no JSON is a text.
fn side(text: &str) -> Result<Value, String> {
    match json::read(text) {
        Ok(value) => Ok(value),
        Err(Unread::Wrong(_)) if text.len() > json::MAX_BYTES => Err("is too long".to_owned()),
        Err(Unread::Wrong(_)) => Ok(Value::from(text)),
        Err(Unread::Refused(why)) => Err(why),
    }
}

impl Diff {
    fn expected(&self, subject: &Subject<'_>) -> Result<Vec<Value>, Verdict> {
        let wrong = |why| Verdict::Failed(format!("the expected answer {why}"));
        let Some([column]) = &self.column else {
            return accepted(subject)?.iter().map(|text| side(text).map_err(wrong)).collect();
        };
        let value = match subject.sample.vars.get(column) {
            None => return Err(Verdict::Skipped(format!("column `{column}` is empty"))),
            Some(Value::String(text)) => side(text).map_err(wrong)?,
            Some(value) if json::value_depth(value).is_none() => {
                return Err(wrong("is nested too deep".to_owned()));
            }
            Some(value) => value.clone(),
        };
        Ok(vec![value])
    }
}

impl Scorer for Diff {
    fn needs_expected(&self) -> bool {
        self.column.is_none()
    }

    fn columns(&self) -> &[String] {
        self.column.as_ref().map_or(&[], |column| column)
    }

    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let expected = match self.expected(subject) {
            Ok(expected) => expected,
            Err(verdict) => return verdict,
        };
        let (value, reason) = match output(subject) {
            Err(Verdict::Scored(nothing)) => (nothing.value, nothing.explanation),
            Err(verdict) => return verdict,
            Ok(output) => {
                let output = match side(output) {
                    Ok(output) => output,
                    Err(why) => return Verdict::Failed(format!("the output {why}")),
                };
                let mut left = MAX_PAIRS;
                let mut best: Option<(f64, Option<String>)> = None;
                for expected in &expected {
                    let mut compare =
                        Compare { rules: self.rules, left, path: String::new(), first: None };
                    let Some(value) = compare.alike(Some(&output), Some(expected), MAX_DEPTH)
                    else {
                        return Verdict::Failed("the texts are too long to compare".to_owned());
                    };
                    left = compare.left;
                    if best.as_ref().is_none_or(|(known, _)| value > *known) {
                        best = Some((value, compare.first));
                    }
                }
                best.unwrap_or_default()
            }
        };
        let passed = self.threshold.map(|threshold| value >= threshold);
        Verdict::Scored(Score { passed, explanation: reason, ..Score::number(value) })
    }
}

/// One comparison.
struct Compare {
    rules: Rules,
    /// Pairs of characters that may still be looked at.
    left: u64,
    /// Where it is, as a JSON pointer.
    path: String,
    /// The first difference.
    first: Option<String>,
}

impl Compare {
    /// From 0 to 1; a side that lacks the key is `None`. Gives nothing when it would take too long.
    fn alike(&mut self, got: Option<&Value>, wanted: Option<&Value>, depth: usize) -> Option<f64> {
        let (got_inner, wanted_inner) = (self.inner(got, depth), self.inner(wanted, depth));
        let got = got_inner.as_ref().or(got);
        let wanted = wanted_inner.as_ref().or(wanted);
        let null = self.rules.missing_is_null.then_some(&Value::Null);
        let value = match (got.or(null), wanted.or(null)) {
            (Some(Value::Object(left)), Some(Value::Object(right))) => {
                let extra = left.keys().filter(|key| !right.contains_key(*key));
                let keys: Vec<&String> = right.keys().chain(extra).collect();
                let parts = keys.iter().map(|key| (key.as_str(), left.get(*key), right.get(*key)));
                return self.mean(parts, keys.len(), depth);
            }
            (Some(Value::Array(left)), Some(Value::Array(right))) => {
                let length = left.len().max(right.len());
                let names: Vec<String> = (0..length).map(|index| index.to_string()).collect();
                let both = left.len().min(right.len());
                let parts = (0..both).map(|at| (names[at].as_str(), left.get(at), right.get(at)));
                let mean = self.mean(parts, length, depth)?;
                if left.len() != right.len() {
                    let (got, wanted) = (left.len(), right.len());
                    self.differs(|| format!("expected {wanted} items, got {got}"));
                }
                return Some(mean);
            }
            (Some(Value::String(left)), Some(Value::String(right))) => self.texts(left, right)?,
            (Some(Value::Number(left)), Some(Value::Number(right))) => numbers(left, right),
            (Some(Value::Bool(left)), Some(Value::Bool(right))) => {
                f64::from(u8::from(left == right))
            }
            (Some(Value::Null), Some(Value::Null)) => 1.0,
            (Some(Value::Null) | None, _) | (_, Some(Value::Null) | None) => 0.0,
            (Some(left), Some(right)) => self.texts(&dumped(left), &dumped(right))?,
        };
        if value < 1.0 {
            let told = |side: Option<&Value>| {
                side.map_or_else(|| "nothing".to_owned(), |value| quoted(&value.to_string()))
            };
            self.differs(|| format!("expected {}, got {}", told(wanted), told(got)));
        }
        Some(value)
    }

    /// The object or list that a text holds as JSON.
    fn inner(&self, value: Option<&Value>, depth: usize) -> Option<Value> {
        let Some(Value::String(text)) = value else { return None };
        if self.rules.preserve_strings || !text.trim_start().starts_with(['{', '[']) {
            return None;
        }
        let inner = json::read(text).ok()?;
        json::value_depth(&inner).filter(|inner| *inner <= depth).map(|_| inner)
    }

    fn mean<'a>(
        &mut self,
        parts: impl Iterator<Item = (&'a str, Option<&'a Value>, Option<&'a Value>)>,
        n: usize,
        depth: usize,
    ) -> Option<f64> {
        if n == 0 {
            return Some(1.0);
        }
        let mut sum = 0.0;
        for (name, got, wanted) in parts {
            let length = self.path.len();
            write!(self.path, "/{}", name.replace('~', "~0").replace('/', "~1")).ok()?;
            sum += self.alike(got, wanted, depth.saturating_sub(1))?;
            self.path.truncate(length);
        }
        Some(sum / n as f64)
    }

    fn texts(&mut self, left: &str, right: &str) -> Option<f64> {
        if left == right {
            return Some(1.0);
        }
        let pairs = left.chars().count() as u64 * right.chars().count() as u64;
        self.left = self.left.checked_sub(pairs)?;
        Some(normalized_similarity(left.chars(), right.chars()))
    }

    fn differs(&mut self, how: impl FnOnce() -> String) {
        if self.first.is_none() {
            let place = match self.path.as_str() {
                "" => String::new(),
                path => format!("at {}: ", quoted(path)),
            };
            self.first = Some(place + &how());
        }
    }
}

/// 1 minus the difference by the sum without signs.
fn numbers(left: &Number, right: &Number) -> f64 {
    let (Some(left), Some(right)) = (left.as_f64(), right.as_f64()) else { return 0.0 };
    // Halves, so that the sum of the largest numbers is still one.
    let (left, right) = (left / 2.0, right / 2.0);
    match left.abs() + right.abs() {
        0.0 => 1.0,
        sum => 1.0 - (left - right).abs() / sum,
    }
}

/// A value as Python's `json.dumps` writes it: compact, keys sorted, ASCII only.
fn dumped(value: &Value) -> String {
    let mut text = String::new();
    dump(value, &mut text);
    text
}

fn dump(value: &Value, to: &mut String) {
    match value {
        Value::Array(items) => {
            to.push('[');
            for (index, item) in items.iter().enumerate() {
                to.push_str(if index > 0 { "," } else { "" });
                dump(item, to);
            }
            to.push(']');
        }
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            to.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                to.push_str(if index > 0 { "," } else { "" });
                dump_text(key, to);
                to.push(':');
                dump(&map[key], to);
            }
            to.push('}');
        }
        Value::String(text) => dump_text(text, to),
        Value::Number(number) if number.is_f64() => {
            to.push_str(&python_float(number.as_f64().unwrap_or_default()));
        }
        other => to.push_str(&other.to_string()),
    }
}

fn dump_text(text: &str, to: &mut String) {
    to.push('"');
    for c in text.chars() {
        match c {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            '\u{8}' => to.push_str("\\b"),
            '\u{c}' => to.push_str("\\f"),
            ' '..='~' => to.push(c),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    write!(to, "\\u{unit:04x}").ok();
                }
            }
        }
    }
    to.push('"');
}

/// The shortest digits that read back as `number`, with an exponent where Python writes one.
fn python_float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if exponent < -4 => format!("{digits}e-{:02}", -exponent),
        Ok(exponent) if exponent >= 16 => format!("{digits}e+{exponent:02}"),
        _ => match number.to_string() {
            whole if !whole.contains('.') => whole + ".0",
            other => other,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn alike(got: &Value, wanted: &Value) -> f64 {
        let rules = Rules { missing_is_null: false, preserve_strings: false };
        let mut compare = Compare { rules, left: MAX_PAIRS, path: String::new(), first: None };
        compare.alike(Some(got), Some(wanted), MAX_DEPTH).expect("short texts")
    }

    #[test]
    fn numbers_are_written_as_python_does() {
        let check = |number: f64, expected: &str| assert_eq!(python_float(number), expected);
        check(1.0, "1.0");
        check(0.0001, "0.0001");
        check(0.00001, "1e-05");
        check(1.5e300, "1.5e+300");
        check(123_456_789_012_345_680.0, "1.2345678901234568e+17");
        check(1e15, "1000000000000000.0");
        check(-0.0, "-0.0");
    }

    #[test]
    fn texts_within_texts_do_not_use_up_the_stack() {
        let mut text = "1".to_owned();
        while text.len() < 200_000 {
            text = json!({ "a": [[[[text]]]] }).to_string();
        }
        assert!((alike(&json!(text), &json!(text)) - 1.0).abs() < 1e-12);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_are_from_zero_to_one_either_way(left in any_json(), right in any_json()) {
            let value = alike(&left, &right);
            prop_assert!((0.0..=1.0).contains(&value), "{value}");
            prop_assert!((value - alike(&right, &left)).abs() < 1e-12);
            prop_assert!((alike(&left, &left) - 1.0).abs() < 1e-12);
        }
    }
}
