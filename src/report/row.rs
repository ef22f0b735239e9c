//! A trial as one flat row: the columns that CSV and Parquet share.

use std::collections::BTreeSet;

use crate::{
    base::money::Money,
    domain::run::{RunHeader, TrialRecord},
    frame::table::Kind,
    report::jsonl::{dollars, milliseconds, model_name, one_or_many, prompt_id},
};

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    /// Text.
    Text(Option<String>),
    /// A whole number.
    Int(Option<i64>),
    /// A number.
    Float(Option<f64>),
    /// Yes or no.
    Bool(Option<bool>),
}

const FIXED: [(&str, Kind); 21] = [
    ("run_id", Kind::Text),
    ("sample_id", Kind::Text),
    ("model", Kind::Text),
    ("prompt", Kind::Text),
    ("epoch", Kind::Int),
    ("status", Kind::Text),
    ("input", Kind::Text),
    ("expected", Kind::Text),
    ("output", Kind::Text),
    ("extracted", Kind::Text),
    ("finish_reason", Kind::Text),
    ("latency_ms", Kind::Float),
    ("ttft_ms", Kind::Float),
    ("input_tokens", Kind::Int),
    ("output_tokens", Kind::Int),
    ("cost_usd", Kind::Float),
    ("error_kind", Kind::Text),
    ("error_message", Kind::Text),
    ("cached", Kind::Bool),
    ("cached_latency_ms", Kind::Float),
    ("saved_usd", Kind::Float),
];

/// The columns of a run's rows, then those of `further`, all of different names: a scorer whose
/// name is taken is called `score.<id>`, with a number behind it when that is taken too.
pub(super) fn columns(header: &RunHeader, further: &[&str]) -> Vec<(String, Kind)> {
    let mut columns: Vec<(String, Kind)> =
        FIXED.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
    let mut taken: BTreeSet<String> = columns
        .iter()
        .map(|(name, _)| name.clone())
        .chain(further.iter().map(|name| (*name).to_owned()))
        .collect();
    for scorer in &header.scorers {
        // Each name that is taken rules out one candidate at most, so one more than these is enough.
        let passed = |name: &str| format!("{name}.passed");
        let error = |name: &str| format!("{name}.error");
        let free = |name: &String, taken: &BTreeSet<String>| {
            [name.clone(), passed(name), error(name)].iter().all(|name| !taken.contains(name))
        };
        let name = std::iter::once(scorer.id.clone())
            .chain(std::iter::once(format!("score.{}", scorer.id)))
            .chain((2..taken.len() + 3).map(|n| format!("score.{}_{n}", scorer.id)))
            .find(|name| free(name, &taken))
            .unwrap_or_default();
        taken.extend([name.clone(), passed(&name), error(&name)]);
        columns.extend([
            (name.clone(), Kind::Float),
            (passed(&name), Kind::Bool),
            (error(&name), Kind::Text),
        ]);
    }
    columns.extend(further.iter().map(|name| ((*name).to_owned(), Kind::Text)));
    columns
}

/// The cells of `trial` under [`columns`], without the further ones.
pub(super) fn cells(header: &RunHeader, trial: &TrialRecord) -> Vec<Cell> {
    let text = |text: &str| Cell::Text(Some(text.to_owned()));
    let tokens = |tokens: Option<u64>| Cell::Int(tokens.and_then(|n| i64::try_from(n).ok()));
    let expected = match trial.expected.as_slice() {
        [one] => Some(one.clone()),
        [] => None,
        many => Some(one_or_many(many).to_string()),
    };
    let (kind, message) = trial.error.clone().unzip();
    let mut cells = vec![
        text(&header.id),
        text(&trial.sample_id),
        text(model_name(header, trial)),
        text(prompt_id(header, trial)),
        Cell::Int(Some(i64::from(trial.key.epoch))),
        text(trial.status.name()),
        Cell::Text(trial.input.clone()),
        Cell::Text(expected),
        Cell::Text(trial.output.clone()),
        Cell::Text(trial.extracted.first().cloned().flatten()),
        Cell::Text(trial.finish_reason.clone()),
        Cell::Float(milliseconds(trial.latency_us)),
        Cell::Float(milliseconds(trial.ttft_us)),
        tokens(trial.usage.map(|usage| usage.input)),
        tokens(trial.usage.map(|usage| usage.output)),
        Cell::Float(dollars(trial.cost_pico)),
        Cell::Text(kind),
        Cell::Text(message),
        Cell::Bool(Some(trial.cached.is_some())),
        Cell::Float(milliseconds(trial.cached.and_then(|hit| hit.latency_us))),
        Cell::Float(dollars(trial.cached.and_then(|hit| hit.saved).map(Money::pico))),
    ];
    for index in 0..header.scorers.len() {
        let score = trial.scores.iter().find(|score| score.scorer as usize == index);
        cells.push(Cell::Float(score.and_then(|score| score.value)));
        cells.push(Cell::Bool(score.and_then(|score| score.passed)));
        let error = score.and_then(|score| score.error.as_ref());
        cells.push(Cell::Text(error.map(|(kind, message)| format!("{kind}: {message}"))));
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn no_two_columns_have_one_name() {
        let mut header = sample::run().run.header;
        let ids = ["status", "score.status", "status", "contains", "contains.passed", "vars"];
        header.scorers = ids.map(|id| sample::scorer(id, true)).into();
        let names: Vec<String> =
            columns(&header, &["vars"]).into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            names[21..],
            [
                "score.status",
                "score.status.passed",
                "score.status.error",
                "score.score.status",
                "score.score.status.passed",
                "score.score.status.error",
                "score.status_2",
                "score.status_2.passed",
                "score.status_2.error",
                "contains",
                "contains.passed",
                "contains.error",
                "score.contains.passed",
                "score.contains.passed.passed",
                "score.contains.passed.error",
                "score.vars",
                "score.vars.passed",
                "score.vars.error",
                "vars"
            ]
        );
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }

    #[test]
    fn a_row_has_a_cell_for_each_column() {
        let data = sample::run();
        let columns = columns(&data.run.header, &[]);
        for trial in &data.trials.0 {
            let cells = cells(&data.run.header, trial);
            assert_eq!(cells.len(), columns.len());
            for (cell, (name, kind)) in cells.iter().zip(&columns) {
                let fits = match kind {
                    Kind::Text => matches!(cell, Cell::Text(_)),
                    Kind::Int => matches!(cell, Cell::Int(_)),
                    Kind::Float => matches!(cell, Cell::Float(_)),
                    Kind::Bool => matches!(cell, Cell::Bool(_)),
                };
                assert!(fits, "{name}");
            }
        }
    }
}
