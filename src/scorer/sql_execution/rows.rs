//! What queries give, in a form that compares.

use std::collections::HashMap;

use rusqlite::types::ValueRef;

use crate::scorer::compare::quoted;

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Cell {
    Null,
    /// To ten significant digits, so that sums in another order are the same.
    Number(String),
    Text(String),
    Blob(Vec<u8>),
}

/// Whole numbers up to here are floating point numbers too.
const EXACT: u64 = 1 << 53;

impl Cell {
    pub(super) fn new(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(whole) if whole.unsigned_abs() > EXACT => {
                Self::Number(whole.to_string())
            }
            ValueRef::Integer(whole) => Self::Number(digits(whole as f64)),
            ValueRef::Real(number) => Self::Number(digits(number)),
            ValueRef::Text(bytes) => Self::Text(String::from_utf8_lossy(bytes).into_owned()),
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_vec()),
        }
    }

    /// Bytes that it takes, about.
    pub(super) fn size(&self) -> usize {
        32 + match self {
            Self::Null => 0,
            Self::Number(text) | Self::Text(text) => text.len(),
            Self::Blob(bytes) => bytes.len(),
        }
    }

    fn told(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Number(text) => {
                text.parse().map_or_else(|_| text.clone(), |n: f64| n.to_string())
            }
            Self::Text(text) => format!("'{text}'"),
            Self::Blob(bytes) => format!("{} bytes", bytes.len()),
        }
    }
}

/// Ten significant digits; zero has no sign.
fn digits(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    format!("{number:.9e}")
}

/// What a query gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rows {
    /// How many columns it has.
    pub(super) columns: usize,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// How results are compared.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Comparison {
    /// Whether the order of rows matters.
    pub(super) ordered: bool,
    /// Whether rows that occur several times count once.
    pub(super) distinct: bool,
}

/// How often each row occurs.
type Counted<'a> = HashMap<&'a Vec<Cell>, usize>;

impl Comparison {
    fn counted(self, rows: &[Vec<Cell>]) -> Counted<'_> {
        let mut counts = Counted::new();
        for row in rows {
            let count = counts.entry(row).or_default();
            *count = if self.distinct { 1 } else { *count + 1 };
        }
        counts
    }
}

fn told(row: &[Cell]) -> String {
    let cells: Vec<String> = row.iter().take(20).map(Cell::told).collect();
    quoted(&format!("({})", cells.join(", ")))
}

impl Rows {
    /// How `self`, which is expected, differs from `got`; nothing when it does not.
    pub(super) fn difference(&self, got: &Self, comparison: Comparison) -> Option<String> {
        if self.columns != got.columns {
            return Some(format!("expected {} columns, got {}", self.columns, got.columns));
        }
        if comparison.ordered {
            return self.difference_in_order(got);
        }
        let (wanted, given) = (comparison.counted(&self.rows), comparison.counted(&got.rows));
        let more = |rows: &Counted<'_>, other: &Counted<'_>, row: &Vec<Cell>| {
            rows.get(row).copied().unwrap_or_default() > other.get(row).copied().unwrap_or_default()
        };
        let missing = self.rows.iter().find(|row| more(&wanted, &given, row));
        let extra = got.rows.iter().find(|row| more(&given, &wanted, row));
        let (wanted, given) = (self.rows.len(), got.rows.len());
        match (missing, extra) {
            (None, None) => None,
            (Some(row), _) => {
                Some(format!("expected {wanted} rows, got {given}; {} is missing", told(row)))
            }
            (None, Some(row)) => {
                Some(format!("expected {wanted} rows, got {given}; {} is too much", told(row)))
            }
        }
    }

    fn difference_in_order(&self, got: &Self) -> Option<String> {
        let pair =
            self.rows.iter().zip(&got.rows).enumerate().find(|(_, (left, right))| left != right);
        if let Some((at, (wanted, given))) = pair {
            return Some(format!("row {}: expected {}, got {}", at + 1, told(wanted), told(given)));
        }
        let (wanted, given) = (self.rows.len(), got.rows.len());
        (wanted != given).then(|| format!("expected {wanted} rows, got {given}"))
    }
}
