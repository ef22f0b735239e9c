//! Answers that are missing or not whole: a bar for each kind, with its part of all trials.

use serde::Serialize;

use super::place;
use crate::report::{
    html::{gathered::Gathered, text::name},
    number::{count, percent},
};

const LEFT: f64 = 170.0;
const RIGHT: f64 = 600.0;
const ROW: f64 = 26.0;

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
    let sums = gathered.trouble.iter().map(|(kind, by_model)| (kind, by_model.iter().sum::<u64>()));
    let mut kinds: Vec<(&String, u64)> = sums.filter(|(_, n)| *n > 0).collect();
    kinds.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let most = kinds.first()?.1 as f64;
    let rows = kinds.iter().enumerate().map(|(at, (kind, n))| {
        let (y, width) = (at as f64 * ROW, *n as f64 / most * (RIGHT - LEFT));
        Row {
            kind: name(kind),
            y: place(y + 4.0),
            text: place(y + 17.0),
            width: place(width.max(1.0)),
            end: place(LEFT + width + 8.0),
            trials: count(*n),
            share: percent(*n, gathered.trials),
            by_model: gathered.trouble[*kind].iter().map(|n| count(*n)).collect(),
        }
    });
    let rows: Vec<Row> = rows.collect();
    Some(Trouble { height: place(rows.len() as f64 * ROW + 4.0), rows, models: labels.to_vec() })
}
