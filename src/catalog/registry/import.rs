//! Rows of a CSV or YAML file, each of which says what one model or endpoint is.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Added, Around, Draft, Kind, Registry};
use crate::{
    base::text::nearest,
    config::{self, At},
};

/// What is wrong with a file of rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The file is not what its name says.
    #[error("{0}")]
    File(String),
    /// Rows are wrong.
    #[error("{}", .0.join("\n"))]
    Rows(Vec<String>),
}

impl Registry {
    /// Adds all of `rows`.
    ///
    /// # Errors
    ///
    /// Rows are wrong; all of them are named. What was added before the first one has to be thrown
    /// away with this registry.
    pub fn import(
        &mut self,
        kind: Kind,
        rows: &[Result<Draft, String>],
        origin: &str,
        (now_ms, around): (i64, Around<'_>),
    ) -> Result<Vec<Added>, ImportError> {
        let mut added = Vec::with_capacity(rows.len());
        let mut wrong = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let result = row.as_ref().map_err(Clone::clone).and_then(|draft| {
                self.add(kind, draft, now_ms, around).map_err(|error| error.to_string())
            });
            match result {
                Ok(entry) => added.push(entry),
                Err(error) => wrong.push(format!("{origin}: row {}: {error}", index + 1)),
            }
        }
        if wrong.is_empty() { Ok(added) } else { Err(ImportError::Rows(wrong)) }
    }
}

/// Whether the file at `path` is CSV, by its name; `None` when it is neither that nor YAML.
pub fn is_csv(path: &Path) -> Option<bool> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(true),
        "yaml" | "yml" | "json" => Some(false),
        _ => None,
    }
}

/// Columns whose cells are numbers.
const NUMBERS: [&str; 1] = ["max_tokens"];

/// Columns whose cells are yes or no.
const FLAGS: [&str; 6] = ["json", "vision", "tools", "reasoning", "streaming", "disabled"];

/// Columns whose cells are lists, with semicolons between.
const LISTS: [&str; 3] = ["tags", "allow", "projects"];

/// Where keys would be, if they belonged into files.
const SECRETS: [&str; 5] =
    ["api_key", "key", "secret_access_key", "session_token", "service_account"];

/// The rows of `text`: CSV with a header, or a list in YAML; what is wrong with a row stands in its
/// place. `origin` is for messages.
///
/// # Errors
///
/// The file cannot be read.
pub fn rows(
    text: &str,
    origin: &str,
    is_csv: bool,
) -> Result<Vec<Result<Draft, String>>, ImportError> {
    let rows = if is_csv { from_csv(text, origin)? } else { from_yaml(text, origin)? };
    if rows.is_empty() {
        return Err(ImportError::File(format!("{origin}: there are no rows")));
    }
    Ok(rows.into_iter().map(|row| row.and_then(draft)).collect())
}

type Row = Result<Map<String, Value>, String>;

fn draft(row: Map<String, Value>) -> Result<Draft, String> {
    if let Some(name) = row.keys().find(|name| SECRETS.contains(&name.as_str())) {
        return Err(format!(
            "`{name}`: a key does not belong in a file; `api_key_env` names an environment variable"
        ));
    }
    let known = row.get("price").is_none_or(|price| price.is_object() || price.is_null());
    if !known {
        return Err("`price` is a mapping, such as {input: 0.15, output: 0.6}".to_owned());
    }
    let said = row.into_iter().filter(|(_, value)| !value.is_null()).collect();
    serde_json::from_value(Value::Object(said)).map_err(|error| shown(&error.to_string()))
}

/// The reader's message, shorter.
fn shown(message: &str) -> String {
    let Some((field, known)) = message
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once("`, expected one of "))
    else {
        return message.replace("invalid type: ", "").replace("invalid value: ", "");
    };
    let known: Vec<&str> = known.split(", ").map(|name| name.trim_matches('`')).collect();
    match nearest(field, known.iter().copied()) {
        Some(meant) => format!("unknown field `{field}`; did you mean `{meant}`?"),
        None => format!("unknown field `{field}`; known: {}", known.join(", ")),
    }
}

fn from_yaml(text: &str, origin: &str) -> Result<Vec<Row>, ImportError> {
    let rows: Vec<At<Value>> = config::parse_flag(text, origin)
        .map_err(|error: config::ConfigError| ImportError::File(error.to_string()))?;
    let row = |row: At<Value>| match row.value {
        Value::Object(map) => Ok(map),
        _ => Err(format!("a mapping is expected (line {})", row.place.line)),
    };
    Ok(rows.into_iter().map(row).collect())
}

fn from_csv(text: &str, origin: &str) -> Result<Vec<Row>, ImportError> {
    let failed = |error: csv::Error| ImportError::File(format!("{origin}: {error}"));
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(failed)?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(failed)?;
        rows.push(if record.len() == header.len() {
            csv_row(&header, &record)
        } else {
            Err(format!("has {} cells, and the header has {}", record.len(), header.len()))
        });
    }
    Ok(rows)
}

fn csv_row(header: &csv::StringRecord, record: &csv::StringRecord) -> Row {
    let mut row = Map::new();
    for (name, cell) in header.iter().zip(record).filter(|(_, cell)| !cell.is_empty()) {
        if let Some(category) = name.strip_prefix("price_").filter(|name| *name != "per") {
            let usd = number(name, cell)?;
            nested(&mut row, "price", category, usd);
        } else if let Some(header) = name.strip_prefix("header_") {
            nested(&mut row, "headers", header, Value::from(cell));
        } else if let Some(limit) = name.strip_prefix("limits_") {
            nested(&mut row, "limits", limit, whole(name, cell)?);
        } else if NUMBERS.contains(&name) {
            row.insert(name.to_owned(), whole(name, cell)?);
        } else if FLAGS.contains(&name) {
            row.insert(name.to_owned(), Value::from(flag(name, cell)?));
        } else if LISTS.contains(&name) {
            let list: Vec<&str> = cell.split(';').map(str::trim).collect();
            row.insert(name.to_owned(), Value::from(list));
        } else {
            row.insert(name.to_owned(), Value::from(cell));
        }
    }
    Ok(row)
}

fn nested(row: &mut Map<String, Value>, under: &str, name: &str, value: Value) {
    let inner = row.entry(under).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inner) = inner {
        inner.insert(name.to_owned(), value);
    }
}

fn number(name: &str, cell: &str) -> Result<Value, String> {
    let number: Option<f64> = cell.parse().ok().filter(|number: &f64| number.is_finite());
    number.map(Value::from).ok_or_else(|| format!("`{name}`: `{cell}` is no number"))
}

fn whole(name: &str, cell: &str) -> Result<Value, String> {
    let whole = cell.parse::<u64>().map(Value::from);
    whole.map_err(|_| format!("`{name}`: `{cell}` is no whole number from 0"))
}

fn flag(name: &str, cell: &str) -> Result<bool, String> {
    match cell.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(format!("`{name}`: `{cell}` is neither true nor false")),
    }
}
