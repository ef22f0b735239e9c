//! A scorer with options that stand in columns of the dataset.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Map, Value};

use crate::{
    base::text::one_line,
    domain::score::Verdict,
    scorer::{ArgError, Args, Built, ScorerKind, Site, Subject},
};

/// Scorers that are kept at most; a column with more values makes them anew.
const KEPT: usize = 512;

/// A scorer whose options each row gives in part. Rows with the same values share one.
pub(super) struct PerRow {
    kind: &'static dyn ScorerKind,
    fixed: Map<String, Value>,
    /// Options with their columns.
    columns: Vec<(String, String)>,
    site: Site,
    needs_expected: bool,
    made: Mutex<HashMap<String, Made>>,
}

type Made = Arc<Result<Built, String>>;

impl fmt::Debug for PerRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerRow").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl PerRow {
    /// The scorer that `options` describe; `None` when none of them is `{column: NAME}`.
    pub(super) fn of(
        kind: &'static dyn ScorerKind,
        options: &Map<String, Value>,
        site: &Site,
    ) -> Result<Option<Self>, ArgError> {
        // What a scorer takes out of a column by itself is its own affair.
        let own = |name: &str| {
            let options = kind.card().options;
            options.iter().any(|option| option.name == name && option.kind == "text or column")
        };
        let columns: Vec<(String, String)> = options
            .iter()
            .filter(|(option, _)| !own(option))
            .filter_map(|(option, value)| Some((option.clone(), column(value)?.to_owned())))
            .collect();
        if columns.is_empty() {
            return Ok(None);
        }
        Args::new(kind.card(), options)?;
        let is_fixed = |option: &str| !columns.iter().any(|(other, _)| other == option);
        let mut fixed = options.clone();
        fixed.retain(|option, _| is_fixed(option));
        // What does not depend on the row is checked now; an option that is required may be missing.
        let args = Args::new(kind.card(), &fixed)?.at(site.clone());
        let needs_expected = match kind.build(&args) {
            Ok(Built::Asks(_)) => {
                let message = "a column can give the options of scorers that compute, and this one \
                               asks somebody";
                return Err(args.error(&columns[0].0, message));
            }
            Ok(built) => built.needs_expected(),
            Err(error) if is_fixed(&error.option) => return Err(error),
            Err(_) => false,
        };
        let (made, site) = (Mutex::default(), site.clone());
        Ok(Some(Self { kind, fixed, columns, site, needs_expected, made }))
    }

    pub(super) fn columns(&self) -> Vec<String> {
        self.columns.iter().map(|(_, column)| column.clone()).collect()
    }

    pub(super) fn needs_expected(&self) -> bool {
        self.needs_expected
    }

    pub(super) fn score(&self, subject: &Subject<'_>) -> Verdict {
        let mut values = Vec::with_capacity(self.columns.len());
        for (_, column) in &self.columns {
            match subject.sample.vars.get(column) {
                None | Some(Value::Null) => return empty(column),
                Some(Value::String(text)) if text.trim().is_empty() => return empty(column),
                Some(value) => values.push(value.clone()),
            }
        }
        match &*self.made(values) {
            Ok(Built::Pure(scorer)) => scorer.score(subject),
            Ok(Built::Asks(_)) => Verdict::Failed(
                "a column can give the options of scorers that compute only".to_owned(),
            ),
            Err(why) => Verdict::Failed(why.clone()),
        }
    }

    fn made(&self, values: Vec<Value>) -> Made {
        let key = Value::Array(values.clone()).to_string();
        let known = || self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = known().get(&key) {
            return Arc::clone(made);
        }
        // Made without the lock: other rows go on meanwhile.
        let made = Arc::new(self.make(values));
        let mut known = known();
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key, Arc::clone(&made));
        made
    }

    /// The scorer with these values. Cells of CSV are texts: where that does not do, a text that is
    /// JSON stands for what it says.
    fn make(&self, values: Vec<Value>) -> Result<Built, String> {
        let build = |values: &[Value]| {
            let mut options = self.fixed.clone();
            let given = self.columns.iter().zip(values);
            options.extend(given.map(|((option, _), value)| (option.clone(), value.clone())));
            self.kind.build(&Args::new(self.kind.card(), &options)?.at(self.site.clone()))
        };
        let said = |error: &ArgError| {
            let column = self.columns.iter().find(|(option, _)| *option == error.option);
            let message = one_line(&error.message, 200);
            column.map_or_else(
                || message.clone(),
                |(option, column)| format!("column `{column}` gives `{option}`: {message}"),
            )
        };
        let first = match build(&values) {
            Ok(built) => return Ok(built),
            Err(error) => error,
        };
        let read = |value: Value| match &value {
            Value::String(text) => serde_json::from_str(text.trim()).unwrap_or(value),
            _ => value,
        };
        let values: Vec<Value> = values.into_iter().map(read).collect();
        build(&values).map_err(|_| said(&first))
    }
}

fn empty(column: &str) -> Verdict {
    Verdict::Skipped(format!("column `{column}` is empty in this row"))
}

/// The column of `{column: NAME}`.
fn column(value: &Value) -> Option<&str> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    map.get("column")?.as_str().filter(|column| !column.is_empty())
}
