//! From a row to a sample: which columns mean what.

use std::fmt::Write as _;

use serde_json::Value;

use super::{
    Field, Fields,
    choices::arrange,
    error::{DatasetError, Place},
    rows::Row,
    survey::Columns,
};
use crate::{
    base::text::{nearest, one_line},
    domain::sample::{Sample, Vars, value_text},
};

/// Columns that are used when nothing else is named.
const USUAL: [&str; 5] = ["id", "input", "expected", "metadata", "tags"];

/// Fields with every default settled for a dataset's columns.
#[derive(Debug, Clone)]
pub(super) struct Roles {
    /// The id column; `None`: the content's hash.
    pub(super) id: Option<String>,
    fields: Fields,
    metadata_object: bool,
    /// Whether the empty text is no answer.
    empty_is_missing: bool,
}

impl Roles {
    /// Settles `fields` for a dataset with `columns`.
    pub(super) fn settle(
        fields: &Fields,
        columns: &Columns,
        is_table: bool,
    ) -> Result<Self, DatasetError> {
        for (what, name) in named(fields) {
            require(what, name, columns)?;
        }
        let usual = |name: &str| columns.contains(name).then(|| name.to_owned());
        let mut fields = fields.clone();
        fields.input = fields.input.or_else(|| usual("input").map(Field::Column));
        fields.expected = fields.expected.or_else(|| usual("expected").map(Field::Column));
        fields.tags = fields.tags.or_else(|| usual("tags"));
        let metadata_object = fields.metadata.is_empty() && columns.contains("metadata");
        let id = fields.id.take().or_else(|| usual("id"));
        Ok(Self { id, fields, metadata_object, empty_is_missing: is_table })
    }

    /// Whether samples have an input.
    pub(super) fn has_input(&self) -> bool {
        self.fields.input.is_some()
    }

    /// Whether samples have accepted answers.
    pub(super) fn has_expected(&self) -> bool {
        self.fields.expected.is_some()
    }

    /// Whether a row is asked once for each rotation of its options.
    pub(super) fn is_circular(&self) -> bool {
        self.fields.choices.as_ref().is_some_and(|choices| choices.circular)
    }

    /// Whether rows have options.
    pub(super) fn has_choices(&self) -> bool {
        self.fields.choices.is_some()
    }

    /// The sample of a row.
    pub(super) fn sample(&self, id: String, row: Row) -> Result<Sample, DatasetError> {
        let Row { vars, place } = row;
        let fields = &self.fields;
        let input = match &fields.input {
            None => None,
            Some(Field::Column(name)) => present(&vars, name).map(value_text),
            Some(Field::Columns(names)) => {
                let texts: Vec<_> =
                    names.iter().filter_map(|name| present(&vars, name)).map(value_text).collect();
                (!texts.is_empty()).then(|| texts.join("\n"))
            }
            Some(Field::Made { make, .. }) => {
                let wrap = |problem| made_error(&place, "input", problem);
                Some(make(&vars).map_err(wrap)?)
            }
        };
        let expected = self.expected(&vars, &place)?;
        let metadata = if self.metadata_object {
            vars.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default()
        } else {
            let column = |name: &String| Some((name.clone(), vars.get(name)?.clone()));
            fields.metadata.iter().filter_map(column).collect()
        };
        let cluster = fields.cluster.as_ref().and_then(|name| present(&vars, name));
        let cluster = cluster.map(value_text).filter(|text| !text.is_empty());
        let tags = fields.tags.as_ref().and_then(|name| present(&vars, name));
        let tags = tags.map(tags_of).unwrap_or_default();
        let mut sample = Sample { index: 0, id, input, expected, vars, metadata, cluster, tags };
        if let Some(choices) = &fields.choices {
            arrange(&mut sample, choices, &place)?;
        }
        Ok(sample)
    }

    fn expected(&self, vars: &Vars, place: &Place) -> Result<Vec<String>, DatasetError> {
        let mut answers = match &self.fields.expected {
            None => Vec::new(),
            Some(Field::Column(name)) => self.answers(vars.get(name)),
            Some(Field::Columns(names)) => {
                names.iter().flat_map(|name| self.answers(vars.get(name))).collect()
            }
            Some(Field::Made { make, .. }) => {
                let made = make(vars).map_err(|problem| made_error(place, "expected", problem))?;
                if made.is_empty() { Vec::new() } else { vec![made] }
            }
        };
        if let Some(refine) = &self.fields.refine_expected {
            for answer in &mut answers {
                *answer = refine(answer).ok_or_else(|| DatasetError::NoMatch {
                    place: place.clone(),
                    text: one_line(answer, 80),
                })?;
            }
        }
        Ok(answers)
    }

    /// The accepted answers in one value.
    fn answers(&self, value: Option<&Value>) -> Vec<String> {
        match value {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(text)) if text.is_empty() && self.empty_is_missing => Vec::new(),
            Some(Value::Array(items)) => {
                items.iter().filter(|item| !item.is_null()).map(value_text).collect()
            }
            Some(value) => vec![value_text(value)],
        }
    }
}

/// The text of the id column `name`.
pub(super) fn id_of(name: &str, row: &Row) -> Result<String, DatasetError> {
    let id = row.vars.get(name).map(value_text).unwrap_or_default();
    if id.is_empty() {
        let place = row.place.clone();
        return Err(DatasetError::EmptyId { place, name: name.to_owned() });
    }
    Ok(id)
}

/// Whether two sets of columns settle the defaults alike.
pub(super) fn same_defaults(one: &Columns, other: &Columns) -> bool {
    USUAL.iter().all(|name| one.contains(name) == other.contains(name))
}

/// The columns that `fields` names, and what names them.
pub(super) fn named(fields: &Fields) -> Vec<(&'static str, &str)> {
    let mut names = Vec::new();
    let mut add = |what, name| names.push((what, name));
    if let Some(name) = fields.id.as_deref() {
        add("the id", name);
    }
    for (what, field) in [("the input", &fields.input), ("the expected answer", &fields.expected)] {
        match field {
            None => {}
            Some(Field::Column(name)) => add(what, name),
            Some(Field::Columns(all) | Field::Made { needs: all, .. }) => {
                for name in all {
                    add(what, name);
                }
            }
        }
    }
    fields.metadata.iter().for_each(|name| add("the metadata", name));
    if let Some(name) = fields.cluster.as_deref() {
        add("the cluster", name);
    }
    if let Some(name) = fields.tags.as_deref() {
        add("the list of tags", name);
    }
    for name in fields.choices.iter().flat_map(|choices| &choices.columns) {
        add("the choices", name);
    }
    names
}

/// Refuses a column that is not there.
pub(super) fn require(
    what: &'static str,
    name: &str,
    columns: &Columns,
) -> Result<(), DatasetError> {
    if columns.contains(name) {
        return Ok(());
    }
    Err(DatasetError::UnknownColumn {
        what,
        name: name.to_owned(),
        nearest: nearest(name, columns.names().iter().map(String::as_str)).map(str::to_owned),
        columns: columns.names().to_vec(),
    })
}

/// The row as JSON with sorted keys and no white space, added to `out`.
pub(super) fn canonical(vars: &Vars, out: &mut String) {
    let mut columns: Vec<_> = vars.iter().collect();
    columns.sort_unstable_by_key(|(name, _)| name.as_str());
    out.push('{');
    for (index, (name, value)) in columns.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(name, out);
        out.push(':');
        match value {
            Value::Object(inner) => canonical(inner, out),
            Value::Array(items) => canonical_list(items, out),
            other => write_scalar(other, out),
        }
    }
    out.push('}');
}

fn canonical_list(items: &[Value], out: &mut String) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        match item {
            Value::Object(inner) => canonical(inner, out),
            Value::Array(items) => canonical_list(items, out),
            other => write_scalar(other, out),
        }
    }
    out.push(']');
}

fn write_scalar(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => write_text(text, out),
        other => {
            write!(out, "{other}").ok();
        }
    }
}

/// `text` as a JSON string.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    if text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\u{0}'..'\u{20}' => {
                    write!(out, "\\u{:04x}", u32::from(c)).ok();
                }
                c => out.push(c),
            }
        }
    } else {
        out.push_str(text);
    }
    out.push('"');
}

fn present<'a>(vars: &'a Vars, name: &str) -> Option<&'a Value> {
    vars.get(name).filter(|value| !value.is_null())
}

fn tags_of(value: &Value) -> Vec<String> {
    let texts: Vec<String> = match value {
        Value::Array(items) => items.iter().map(value_text).collect(),
        other => value_text(other).split(',').map(|tag| tag.trim().to_owned()).collect(),
    };
    texts.into_iter().filter(|tag| !tag.is_empty()).collect()
}

fn made_error(place: &Place, what: &'static str, problem: String) -> DatasetError {
    DatasetError::Make { place: place.clone(), what, problem }
}
