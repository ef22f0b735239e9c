//! What one row records of an answer.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::OUTPUT_COLUMNS;
use crate::domain::{
    fault::{Fault, FaultKind},
    generation::{FinishReason, Usage},
    sample::{Vars, value_text},
};

/// An answer as recorded. What a row does not say is `None`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Recorded {
    /// The answer; `None` where null was recorded.
    pub(super) text: Option<String>,
    /// Why the model stopped.
    pub(super) finish_reason: Option<FinishReason>,
    /// In microseconds.
    pub(super) latency_us: Option<u64>,
    /// In microseconds.
    pub(super) ttft_us: Option<u64>,
    /// Tokens.
    pub(super) usage: Option<Usage>,
    /// Cost in dollars.
    pub(super) cost_usd: Option<f64>,
    /// The failure's kind, where it is one that is known, and its message.
    pub(super) error: Option<(Option<FaultKind>, String)>,
}

impl Recorded {
    /// The recorded failure, as it was; one of a kind that is not known is a missing answer.
    pub(super) fn fault(&self) -> Option<Fault> {
        let (kind, message) = self.error.as_ref()?;
        Some(match kind {
            Some(kind) => Fault::new(*kind, message.clone()),
            None => {
                let message = format!("the recorded call has failed: {message}");
                Fault::new(FaultKind::NotRecorded, message)
            }
        })
    }
}

/// The value at `path` in a row: the column of that very name, else the nested one that its dots
/// lead to. Steps into a list are indices from 0.
pub(super) fn at<'a>(row: &'a Vars, path: &str) -> Option<&'a Value> {
    if let Some(value) = row.get(path) {
        return Some(value);
    }
    // A name may itself hold dots: every place where the first name could end is tried.
    path.match_indices('.').find_map(|(dot, _)| {
        let (head, rest) = (&path[..dot], &path[dot + 1..]);
        match row.get(head)? {
            Value::Object(inner) => at(inner, rest),
            Value::Array(items) => {
                let (index, rest) =
                    rest.split_once('.').map_or((rest, None), |(index, rest)| (index, Some(rest)));
                let item = items.get(index.parse::<usize>().ok()?)?;
                rest.map_or(Some(item), |rest| at(item.as_object()?, rest))
            }
            _ => None,
        }
    })
}

/// What `row` records; `None` when it has no column for the answer.
pub(super) fn recorded(row: &Vars, output: Option<&str>) -> Option<Recorded> {
    let answer = match output {
        Some(path) => at(row, path),
        None => OUTPUT_COLUMNS.iter().find_map(|name| row.get(*name)),
    }?;
    let text = (!answer.is_null()).then(|| value_text(answer));
    let status = row.get("status").and_then(Value::as_str);
    let error = error(row, status, text.is_none());
    let finish = row.get("finish_reason").and_then(Value::as_str).and_then(FinishReason::from_name);
    let finish = finish.or(match status {
        Some("length") => Some(FinishReason::Length),
        Some("refused") => Some(FinishReason::Refusal),
        _ => None,
    });
    Some(Recorded {
        text,
        finish_reason: finish,
        latency_us: row.get("latency_ms").and_then(microseconds),
        ttft_us: row.get("ttft_ms").and_then(microseconds),
        usage: row.get("usage").and_then(usage),
        cost_usd: row.get("cost_usd").and_then(number).filter(|cost| *cost >= 0.0),
        error,
    })
}

/// A recorded failure counts where the row says so, or where an error stands beside a null answer.
fn error(row: &Vars, status: Option<&str>, null: bool) -> Option<(Option<FaultKind>, String)> {
    let failed = status == Some("error");
    let error = row.get("error").map_or(Value::Null, parsed);
    let empty = match &error {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    };
    if !failed && (empty || !null) {
        return None;
    }
    let kind = FaultKind::deserialize(&error["kind"]).ok();
    let message = match (&error["message"], &error) {
        (Value::String(message), _) | (_, Value::String(message)) => message.clone(),
        _ if empty => "no reason was recorded".to_owned(),
        (_, other) => other.to_string(),
    };
    Some((kind, message))
}

/// Files without types hold objects as JSON text.
fn parsed(value: &Value) -> Value {
    let text = value.as_str().filter(|text| text.trim_start().starts_with('{'));
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| value.clone())
}

/// A number, or text that is one.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    number.filter(|number| number.is_finite())
}

fn microseconds(value: &Value) -> Option<u64> {
    let microseconds = (number(value)? * 1_000.0).round();
    (microseconds >= 0.0).then_some(microseconds as u64)
}

/// Tokens, if both totals are there.
fn usage(value: &Value) -> Option<Usage> {
    let usage = parsed(value);
    let count = |name: &str| number(&usage[name]).filter(|count| *count >= 0.0);
    let part = |name: &str| count(name).unwrap_or(0.0) as u64;
    Some(Usage {
        input: count("input")? as u64,
        output: count("output")? as u64,
        cache_read: part("cache_read"),
        cache_write: part("cache_write"),
        cache_write_1h: part("cache_write_1h"),
        reasoning: part("reasoning"),
    })
}
