//! A comparison as tables for the terminal.

use super::words::{Line, differences, lines, ratio, told};
use crate::{
    domain::comparison::{Comparison, PairVerdict},
    report::{
        number::{count, duration_ms},
        table::{BOLD, DIM, GREEN, Grid, Style, YELLOW, wrapped},
    },
};

/// Pairs of which a sentence is said at most.
const MOST: usize = 10;

/// The comparison, each line ended by a line feed.
pub fn render(comparison: &Comparison, width: Option<u16>, style: Style) -> String {
    let mut out = String::new();
    let all = lines(comparison);
    let said = |line: &&Line<'_>| {
        all.len() <= MOST || matches!(line.score.verdict, PairVerdict::A | PairVerdict::B)
    };
    let shown: Vec<&Line<'_>> = all.iter().filter(said).take(MOST).collect();
    for line in &shown {
        let code = match line.score.verdict {
            PairVerdict::A | PairVerdict::B => GREEN,
            PairVerdict::Tied | PairVerdict::Unknown => YELLOW,
        };
        let text = wrapped(&style.sentence(&line.sentence()), width, 0);
        out += &style.paint(code, &text);
        out.push('\n');
    }
    if shown.len() < all.len() {
        let rest = count((all.len() - shown.len()) as u64);
        out.extend(["and ", &rest, " more, of which the table tells\n"]);
    }
    out.push('\n');
    out += &pairs(&all, width, style);
    out.push('\n');
    out += &sides(comparison, width, style);
    out += &ratios(comparison, width, style);
    let found = differences(comparison);
    if !found.is_empty() {
        out.push('\n');
        out += &style.paint(BOLD, "what differs besides");
        out.push('\n');
    }
    for (difference, pairs) in found {
        let mut line = style.sentence(&told(difference));
        if comparison.pairs.len() > 1 && pairs.len() < comparison.pairs.len() {
            let (a, b) = comparison.sides_of(pairs[0]);
            let between = format!(" [{}, {}]", style.name(&a.label), style.name(&b.label));
            line += &style.paint(DIM, &between);
        }
        out.extend(["  ", wrapped(&line, width, 2).as_str(), "\n"]);
    }
    if !comparison.warnings.is_empty() {
        out.push('\n');
    }
    for warning in &comparison.warnings {
        out += &style.paint(YELLOW, "warning:");
        out.extend([" ", &wrapped(&style.sentence(warning), width, "warning: ".len()), "\n"]);
    }
    out
}

fn pairs(all: &[Line<'_>], width: Option<u16>, style: Style) -> String {
    let mut grid = Grid::new(style);
    let [a, b, scorer] = ["a", "b", "scorer"].map(|heading| grid.names(heading));
    for heading in [
        "n",
        "mean a",
        "mean b",
        "b - a",
        "95% interval",
        "p",
        "p (Holm)",
        "better",
        "worse",
        "equal",
    ] {
        grid.numbers(heading);
    }
    let known =
        |text: Option<String>| text.map_or_else(|| style.unknown(), |text| style.name(&text));
    let mut above = None;
    for line in all {
        let score = line.score;
        let mut row = vec![String::new(); 3];
        let sides = (line.pair.a, line.pair.b);
        if above != Some(sides) {
            row[a] = style.name(line.a);
            row[b] = style.name(line.b);
        }
        above = Some(sides);
        row[scorer] = style.name(&score.scorer);
        row.push(count(score.n));
        row.push(known(line.mean(score.mean_a)));
        row.push(known(line.mean(score.mean_b)));
        row.push(known(line.difference()));
        row.push(known(line.interval()));
        row.push(known(score.p.map(super::words::p_value)));
        row.push(known(line.p()));
        row.extend([count(score.wins), count(score.losses), count(score.ties)]);
        grid.rows.push(row);
    }
    grid.render(width)
}

/// What the second side of each pair costs and takes against the first, where that is known.
fn ratios(comparison: &Comparison, width: Option<u16>, style: Style) -> String {
    let mut out = String::new();
    for pair in &comparison.pairs {
        let (a, b) = comparison.sides_of(pair);
        let parts = [(pair.cost_ratio, "cost"), (pair.latency_ratio, "latency")];
        let parts: Vec<String> = parts
            .into_iter()
            .filter_map(|(found, what)| Some(format!("{} the {what}", ratio(found?))))
            .collect();
        if !parts.is_empty() {
            let (a, b) = (style.name(&a.label), style.name(&b.label));
            let line = format!("{b} against {a}: {}", parts.join(", "));
            out.extend([if out.is_empty() { "\n" } else { "" }, &wrapped(&line, width, 0), "\n"]);
        }
    }
    out
}

fn sides(comparison: &Comparison, width: Option<u16>, style: Style) -> String {
    let mut grid = Grid::new(style);
    for heading in ["side", "run", "model", "prompt"] {
        grid.names(heading);
    }
    for heading in ["trials", "errors", "p50", "cost"] {
        grid.numbers(heading);
    }
    for side in &comparison.sides {
        let run = side.file.as_deref().unwrap_or(&side.run_id);
        let known = |text: Option<String>| text.unwrap_or_else(|| style.unknown());
        grid.rows.push(vec![
            style.name(&side.label),
            style.name(run),
            style.name(&side.model_label),
            style.name(&side.prompt),
            count(side.trials),
            count(side.errors),
            known(side.latency.p50.map(duration_ms)),
            known(side.known_cost().map(|cost| cost.to_string())),
        ]);
    }
    grid.render(width)
}
