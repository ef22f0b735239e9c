//! Answers that are missing or not whole: a bar for each kind, with its part of all trials.

use serde::Serialize;

use super::place;
use crate::report::{
    html::{
        gathered::Gathered,
        text::{name, short},
    },
    number::{count, percent},
};

const LEFT: f64 = 170.0;
const RIGHT: f64 = 600.0;
const ROW: f64 = 26.0;
/// Kinds that are told apart; the rarest of more are put together.
const MOST_KINDS: usize = 12;

/// What `trouble.hbs` shows.
#[derive(Debug, Serialize)]
pub(in crate::report::html) struct Trouble {
    height: String,
    rows: Vec<Row>,
    models: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    kind: String,
    /// The same, where there is little room.
    label: String,
    y: String,
    text: String,
    width: String,
    /// Where the number stands, behind the bar.
    end: String,
    trials: String,
    share: String,
    by_model: Vec<String>,
}

/// The drawing; nothing when every trial has a whole answer.
pub(in crate::report::html) fn trouble(labels: &[String], gathered: &Gathered) -> Option<Trouble> {
    let total = |by_model: &[u64]| by_model.iter().sum::<u64>();
    let kinds = gathered.trouble.iter().map(|(kind, by_model)| (name(kind), by_model.clone()));
    let mut kinds: Vec<(String, Vec<u64>)> = kinds.collect();
    kinds.sort_by_key(|(_, by_model)| std::cmp::Reverse(total(by_model)));
    if kinds.len() > MOST_KINDS {
        let rare = kinds.split_off(MOST_KINDS - 1);
        let sum = |at: usize| rare.iter().filter_map(|(_, by_model)| by_model.get(at)).sum();
        let others = (0..labels.len()).map(sum).collect();
        kinds.push((format!("{} other kinds", rare.len()), others));
    }
    let most = kinds.iter().map(|(_, by_model)| total(by_model)).max()?.max(1) as f64;
    let rows = kinds.iter().enumerate().map(|(at, (kind, by_model))| {
        let n = total(by_model);
        let (y, width) = (at as f64 * ROW, n as f64 / most * (RIGHT - LEFT));
        Row {
            kind: kind.clone(),
            label: short(kind),
            y: place(y + 4.0),
            text: place(y + 17.0),
            width: place(width.max(1.0)),
            end: place(LEFT + width + 8.0),
            trials: count(n),
            share: percent(n, gathered.trials),
            by_model: by_model.iter().map(|n| count(*n)).collect(),
        }
    });
    let rows: Vec<Row> = rows.collect();
    Some(Trouble { height: place(rows.len() as f64 * ROW + 4.0), rows, models: labels.to_vec() })
}
