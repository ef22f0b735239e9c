//! One call of a function, in the forms that people and providers write it.

use serde_json::{Map, Value};

use crate::scorer::{compare::quoted, json};

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) arguments: Arguments,
}

/// The arguments of a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Arguments {
    /// Of an expected call: whatever they are.
    Any,
    /// A JSON object.
    Given(Value),
    /// No JSON object, and why.
    Wrong(String),
}

/// When arguments are as expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Matching {
    Equal,
    Subset,
    Ignore,
}

/// Whether `text` can be a function's name.
pub(super) fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    !text.is_empty() && text.len() <= 256 && text.chars().all(allowed)
}

impl Call {
    /// A call as a model makes it.
    pub(super) fn new(name: &str, arguments: &str) -> Self {
        Self { name: name.to_owned(), arguments: Arguments::of_text(arguments) }
    }

    /// Whether `made` is the call that is expected.
    pub(super) fn is_met_by(&self, made: &Self, matching: Matching) -> bool {
        if self.name != made.name {
            return false;
        }
        match (&self.arguments, &made.arguments) {
            (_, Arguments::Wrong(_)) | (Arguments::Wrong(_), _) => false,
            (Arguments::Any, _) => true,
            _ if matching == Matching::Ignore => true,
            (Arguments::Given(wanted), Arguments::Given(got)) => match (wanted, got) {
                (Value::Object(wanted), Value::Object(got)) if matching == Matching::Subset => {
                    wanted.iter().all(|(key, value)| {
                        got.get(key).is_some_and(|other| json::same(value, other))
                    })
                }
                _ => json::same(wanted, got),
            },
            // A call that a text holds may leave out its arguments.
            (Arguments::Given(wanted), Arguments::Any) => {
                wanted.as_object().is_some_and(Map::is_empty)
            }
        }
    }

    fn told(&self) -> String {
        match &self.arguments {
            Arguments::Any => quoted(&self.name),
            Arguments::Given(value) => quoted(&format!("{}({value})", self.name)),
            Arguments::Wrong(_) => quoted(&format!("{}(?)", self.name)),
        }
    }
}

impl Arguments {
    fn of_text(text: &str) -> Self {
        if text.trim().is_empty() {
            return Self::Given(Value::Object(Map::new()));
        }
        match json::read(text) {
            Ok(value) => Self::of_value(&value),
            Err(unread) => Self::Wrong(unread.reason().to_owned()),
        }
    }

    fn of_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::Given(Value::Object(Map::new())),
            Value::Object(_) => Self::Given(value.clone()),
            _ => Self::Wrong("they are no JSON object".to_owned()),
        }
    }
}

/// The calls that `value` describes.
pub(super) fn read_calls(value: &Value) -> Result<Vec<Call>, String> {
    match value {
        Value::Array(items) => items.iter().map(read_call).collect(),
        Value::Object(map) if map.contains_key("tool_calls") => match &map["tool_calls"] {
            Value::Array(items) => items.iter().map(read_call).collect(),
            Value::Null => Ok(Vec::new()),
            other => Err(format!("`tool_calls` is a list, not {}", quoted(&other.to_string()))),
        },
        one => read_call(one).map(|call| vec![call]),
    }
}

fn read_call(value: &Value) -> Result<Call, String> {
    let wrong = || {
        let told = quoted(&value.to_string());
        format!("{told} is no call: write a name, or an object with `name` and `arguments`")
    };
    let call = match value {
        Value::String(name) if is_name(name) => {
            return Ok(Call { name: name.clone(), arguments: Arguments::Any });
        }
        Value::Object(map) => map.get("function").and_then(Value::as_object).unwrap_or(map),
        _ => return Err(wrong()),
    };
    let name = call.get("name").and_then(Value::as_str).filter(|name| is_name(name));
    let name = name.ok_or_else(wrong)?.to_owned();
    let arguments = match ["arguments", "input", "args"].iter().find_map(|key| call.get(*key)) {
        None => Arguments::Any,
        Some(Value::String(text)) => Arguments::of_text(text),
        Some(value) => Arguments::of_value(value),
    };
    if let Arguments::Wrong(why) = &arguments {
        return Err(format!("the arguments of `{name}`: {why}"));
    }
    Ok(Call { name, arguments })
}

/// What the first expected call is that none fits, and what there is instead.
pub(super) fn difference(wanted: &[Call], made: &[Call], matching: Matching) -> Option<String> {
    let is_met = |call: &&Call| made.iter().any(|made| call.is_met_by(made, matching));
    let Some(missing) = wanted.iter().find(|call| !is_met(call)) else {
        let is_wanted = |call: &&Call| wanted.iter().any(|wanted| wanted.is_met_by(call, matching));
        let extra = made.iter().find(|call| !is_wanted(call))?;
        return Some(format!("{} is not expected", extra.told()));
    };
    let instead = made.iter().find(|call| call.name == missing.name);
    Some(match instead.or(made.first()) {
        None => format!("expected {}", missing.told()),
        Some(got) => format!("expected {}, got {}", missing.told(), got.told()),
    })
}
