//! What there is before a row is used: the columns, and the types that a filter sees them as.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{
    error::DatasetError,
    fetch::Local,
    rows::{Reader, Row, Rows},
};
use crate::frame::filter::Kind;

/// Column names in order of first appearance.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    names: Vec<String>,
    known: HashSet<String>,
}

impl Columns {
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.known.contains(name)
    }

    pub(super) fn add(&mut self, name: &str) {
        if !self.known.contains(name) {
            self.known.insert(name.to_owned());
            self.names.push(name.to_owned());
        }
    }

    pub(super) fn add_row(&mut self, row: &Row) {
        for name in row.vars.keys() {
            self.add(name);
        }
    }
}

/// The columns of a source.
pub(super) struct Survey {
    pub(super) columns: Columns,
    /// Types of the columns that were asked for.
    pub(super) kinds: HashMap<String, Kind>,
    /// Whether these are all columns; else those of the first row.
    pub(super) complete: bool,
}

impl Survey {
    /// What can be known without reading all rows; the types of Parquet and Arrow columns are
    /// among it.
    pub(super) fn head(local: &Local) -> Result<Self, DatasetError> {
        let mut columns = Columns::default();
        let mut kinds: HashMap<String, Kind> = HashMap::new();
        if local.format.is_json() {
            if let Some(row) = Rows::new(local).next()? {
                columns.add_row(&row);
            }
            return Ok(Self { columns, kinds, complete: false });
        }
        for file in local.files.iter() {
            match Reader::open(local.format, file)? {
                Reader::Csv(rows) => rows.header().iter().for_each(|name| columns.add(name)),
                Reader::Scan(scan, _) => {
                    for (name, kind) in scan.columns() {
                        columns.add(name);
                        let known = kinds.entry(name.clone()).or_insert(*kind);
                        *known = both(*known, *kind);
                    }
                }
                Reader::Lines(_) | Reader::List(_) => {}
            }
        }
        Ok(Self { columns, kinds, complete: true })
    }

    /// What reading all rows tells: every column, and the types of the `wanted` ones.
    pub(super) fn whole(local: &Local, wanted: &[String]) -> Result<Self, DatasetError> {
        let mut survey = Self::head(local)?;
        let is_table = local.format.is_table();
        let mut seen: Vec<Option<Kind>> = vec![None; wanted.len()];
        let mut rows = Rows::new(local);
        let mut is_empty = true;
        while let Some(row) = rows.next()? {
            is_empty = false;
            if !survey.complete {
                survey.columns.add_row(&row);
            }
            for (kind, name) in seen.iter_mut().zip(wanted) {
                if *kind == Some(Kind::Text) {
                    continue;
                }
                let Some(value) = row.vars.get(name) else { continue };
                if let Some(new) = if is_table { written_kind(value) } else { typed_kind(value) } {
                    *kind = Some(kind.map_or(new, |old| both(old, new)));
                }
            }
        }
        if is_empty {
            return Err(DatasetError::NoRows { location: local.location.clone() });
        }
        for (kind, name) in seen.into_iter().zip(wanted) {
            survey.kinds.insert(name.clone(), kind.unwrap_or(Kind::Text));
        }
        survey.complete = true;
        Ok(survey)
    }
}

/// The type that holds values of both types.
fn both(one: Kind, other: Kind) -> Kind {
    match (one, other) {
        _ if one == other => one,
        (Kind::Int, Kind::Float) | (Kind::Float, Kind::Int) => Kind::Float,
        _ => Kind::Text,
    }
}

/// The type of a CSV cell: a decimal number without leading zeros, true or false, or text.
fn written_kind(value: &Value) -> Option<Kind> {
    let text = value.as_str().unwrap_or_default();
    if text.is_empty() {
        return None;
    }
    if matches!(text, "true" | "false") {
        return Some(Kind::Bool);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) =
        digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_number = is_digits(whole)
        && fraction.is_none_or(is_digits)
        && (whole == "0" || !whole.starts_with('0'));
    Some(match () {
        () if !is_number => Kind::Text,
        () if fraction.is_none() && text.parse::<i64>().is_ok() => Kind::Int,
        () => Kind::Float,
    })
}

fn typed_kind(value: &Value) -> Option<Kind> {
    match value {
        Value::Null => None,
        Value::Bool(_) => Some(Kind::Bool),
        Value::Number(number) if number.is_i64() => Some(Kind::Int),
        Value::Number(_) => Some(Kind::Float),
        _ => Some(Kind::Text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_a_number_when_it_is_written_like_one() {
        let check = |text: &str, expected: Option<Kind>| {
            assert_eq!(written_kind(&Value::from(text)), expected, "{text}");
        };
        check("", None);
        check("0", Some(Kind::Int));
        check("-12", Some(Kind::Int));
        check("0.50", Some(Kind::Float));
        check("99999999999999999999", Some(Kind::Float));
        for text in ["007", "1e5", "1.", ".5", "+1", " 1", "--1", "True", "1.2.3", "NaN"] {
            check(text, Some(Kind::Text));
        }
        check("true", Some(Kind::Bool));
    }
}
