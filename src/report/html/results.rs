//! The results by scorer and metric, each value drawn with its interval.

use serde::Serialize;

use crate::report::{
    View,
    facts::{ResultLine, results},
    html::{
        bar::{Bar, bar, scale},
        text::name,
    },
    number::{count, or_unknown},
};

/// The results of one scorer.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    scorer: String,
    note: String,
    columns: usize,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    model: String,
    prompt: String,
    value: String,
    interval: String,
    bar: Bar,
    n: String,
    unscored: String,
    lacking: bool,
}

/// The results by scorer and metric, so that models and prompts stand under each other.
pub(super) fn groups(view: &View<'_>) -> Vec<Group> {
    let lines = results(view);
    let mut groups: Vec<Vec<ResultLine<'_>>> = Vec::new();
    for line in lines {
        let same = |group: &&mut Vec<ResultLine<'_>>| {
            group.first().is_some_and(|first| {
                std::ptr::eq(first.scorer, line.scorer) && first.metric == line.metric
            })
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(line),
            None => groups.push(vec![line]),
        }
    }
    let columns = if view.run.header.prompts.len() > 1 { 7 } else { 6 };
    groups.iter().filter_map(|lines| group(lines, columns)).collect()
}

fn group(lines: &[ResultLine<'_>], columns: usize) -> Option<Group> {
    let first = lines.first()?;
    let ends = scale(first.scorer.unit_range, lines.iter().map(|line| &line.estimate));
    let mut note = first.metric.to_owned();
    if let Some(extract) = &first.scorer.extract {
        note.extend([" · reads ", &name(extract)]);
    }
    let rows = lines.iter().map(|line| Row {
        model: name(&line.model),
        prompt: name(line.prompt),
        value: name(&or_unknown(line.value())),
        interval: name(&or_unknown(line.interval())),
        bar: bar(&line.estimate, ends),
        n: count(line.estimate.n),
        unscored: count(line.estimate.unscored),
        lacking: line.estimate.unscored > 0,
    });
    Some(Group { scorer: name(&first.scorer.id), note, columns, rows: rows.collect() })
}
