//! What is wrong with a config, where, and what was probably meant.

use std::fmt;

use serde_saphyr::Error as YamlError;

use super::at::Place;
use crate::base::text::nearest;

/// Something wrong in a config file or in a flag that stands for a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file's path, or the flag.
    pub origin: String,
    /// Where in the file.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

impl ConfigError {
    /// An error at `place` of `origin`.
    pub fn new(origin: &str, place: Place, message: impl Into<String>) -> Self {
        Self { origin: origin.to_owned(), place, message: message.into(), hint: None }
    }

    /// The same error with a way to mend it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place { line: 0, .. } => write!(f, "{}: {}", self.origin, self.message),
            Place { line, column } => {
                write!(f, "{}:{line}:{column}: {}", self.origin, self.message)
            }
        }
    }
}

impl std::error::Error for ConfigError {}

/// A hint: the nearest of what is known, if one is near, and everything that is known.
pub fn suggestion<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
    noun: &str,
) -> String {
    let list: Vec<String> = known.clone().into_iter().map(|name| format!("`{name}`")).collect();
    let list = list.join(", ");
    match nearest(written, known) {
        Some(name) => format!("did you mean `{name}`? known {noun}: {list}"),
        None => format!("known {noun}: {list}"),
    }
}

/// Translates the YAML reader's error.
pub(super) fn located(origin: &str, error: &YamlError) -> ConfigError {
    let error = error.without_snippet();
    let place = error
        .location()
        .map(|at| Place { line: at.line(), column: at.column() })
        .unwrap_or_default();
    let at = |message: String| ConfigError::new(origin, place, message);
    match error {
        YamlError::SerdeUnknownField { field, expected, .. } => at(format!(
            "unknown key `{field}`"
        ))
        .hint(suggestion(field, expected.iter().copied(), "keys")),
        YamlError::SerdeUnknownVariant { variant, expected, .. } => at(format!(
            "unknown value `{variant}`"
        ))
        .hint(suggestion(variant, expected.iter().copied(), "values")),
        YamlError::SerdeMissingField { field, .. } => at(format!("the key `{field}` is missing")),
        YamlError::SerdeInvalidType { unexpected, expected, .. }
        | YamlError::SerdeInvalidValue { unexpected, expected, .. } => {
            at(format!("expected {expected}, found {unexpected}"))
        }
        YamlError::Unexpected { expected, .. } => at(match *expected {
            "sequence start" => "expected a list, such as `[a, b]`".to_owned(),
            "string scalar" => "expected a text".to_owned(),
            "mapping start" => "expected a mapping, such as `{key: value}`".to_owned(),
            other => format!("expected {other}"),
        }),
        YamlError::DuplicateMappingKey { key, .. } => at(match key {
            Some(key) => format!("the key `{key}` is there twice"),
            None => "a key is there twice".to_owned(),
        }),
        other => at(plain(&other.to_string())),
    }
}

/// The first line of a reader's message, without the place that it may repeat.
fn plain(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let end = line.find(" at line ").unwrap_or(line.len());
    let line = line[..end].trim_end_matches(['.', ':', ',']);
    match line.strip_prefix("invalid ") {
        Some("u8" | "u16" | "u32" | "u64" | "usize") => "expected a whole number from 0".to_owned(),
        Some("i8" | "i16" | "i32" | "i64") => "expected a whole number".to_owned(),
        Some("f32" | "f64") => "expected a number".to_owned(),
        _ => line.to_owned(),
    }
}
