//! One dataset row, ready to be asked and scored.

use serde_json::{Map, Value};

/// The columns of a row under their names, in file order.
pub type Vars = Map<String, Value>;

/// A dataset row. `vars` always holds every column; the other fields are read out of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Place in the selected dataset, from 0.
    pub index: u64,
    /// The id column's text, or a hash of the row's content; unique within a run.
    pub id: String,
    /// What the model is asked, where the dataset names it.
    pub input: Option<String>,
    /// The accepted answers; empty when the dataset has none.
    pub expected: Vec<String>,
    /// Every column.
    pub vars: Vars,
    /// The columns, or the object, that describe the row and are never shown to a model.
    pub metadata: Vars,
    /// The group of rows that this row is not independent of.
    pub cluster: Option<String>,
    /// Labels, for slices.
    pub tags: Vec<String>,
}

/// The text of a column's value as templates and scorers see it: strings as written, null as
/// nothing, everything else as JSON.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
