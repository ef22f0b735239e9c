//! Each two sides of a comparison, scorer by scorer: a matrix to look at, and the list behind it.

use serde::Serialize;

use crate::{
    domain::comparison::{Comparison, Missing, Pair, PairVerdict, PairedScore},
    report::{
        html::{side::between, text::name},
        number::{UNKNOWN, count, of, or_unknown, significant},
        verdict::{difference, unit_of},
    },
};

/// Sides of which a matrix can still be read.
const WIDEST: usize = 16;

/// What `pairs.hbs` shows.
#[derive(Debug, Serialize)]
pub(super) struct Pairs {
    note: String,
    scorers: Vec<Scorer>,
    ratios: Vec<Ratio>,
    /// What differs besides what was to be compared.
    differences: Vec<Difference>,
}

#[derive(Debug, Serialize)]
struct Scorer {
    name: String,
    counted: &'static str,
    open: bool,
    /// The sides by their numbers, where there are few enough for a matrix.
    matrix: Option<Matrix>,
    lines: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Matrix {
    columns: Vec<String>,
    rows: Vec<MatrixRow>,
}

#[derive(Debug, Serialize)]
struct MatrixRow {
    side: String,
    cells: Vec<Cell>,
}

/// How the side of the row stands to that of the column.
#[derive(Debug, Serialize)]
struct Cell {
    own: bool,
    class: &'static str,
    sign: &'static str,
    word: &'static str,
    difference: String,
    interval: String,
}

/// One pair by one scorer.
#[derive(Debug, Serialize)]
struct Line {
    a: String,
    b: String,
    mean_a: String,
    mean_b: String,
    difference: String,
    interval: String,
    p: String,
    test: &'static str,
    method: &'static str,
    effect: String,
    effect_name: &'static str,
    wins: String,
    losses: String,
    ties: String,
    n: String,
    detectable: String,
    class: &'static str,
    sign: &'static str,
    word: String,
    missing: Option<String>,
}

/// What the second of a pair costs and takes, in what the first does.
#[derive(Debug, Serialize)]
struct Ratio {
    a: String,
    b: String,
    cost: String,
    latency: String,
}

#[derive(Debug, Serialize)]
struct Difference {
    a: String,
    b: String,
    what: String,
    matters: bool,
    on_a: String,
    on_b: String,
}

/// The pairs of `comparison`; the first of `first`'s scores stands open.
pub(super) fn pairs(comparison: &Comparison, first: Option<&str>) -> Pairs {
    let scorers = comparison.scorers();
    let open = first.or(scorers.first().copied());
    let confidence = significant(comparison.confidence * 100.0);
    let confidence = confidence.trim_end_matches('0').trim_end_matches('.');
    let tests = of(comparison.tests, "test", "tests");
    Pairs {
        note: format!(
            "Paired by sample. Intervals of {confidence}%; p is adjusted by Holm for {tests}. \
             Differences of shares are in points."
        ),
        scorers: scorers.iter().map(|id| scorer(comparison, id, Some(*id) == open)).collect(),
        ratios: comparison.pairs.iter().filter_map(|pair| ratio(comparison, pair)).collect(),
        differences: comparison
            .pairs
            .iter()
            .flat_map(|pair| differences(comparison, pair))
            .collect(),
    }
}

fn scorer(comparison: &Comparison, id: &str, open: bool) -> Scorer {
    let n = comparison.sides.len();
    let sides = || comparison.sides.iter().map(|side| name(&side.label));
    let matrix = (3..=WIDEST).contains(&n).then(|| Matrix {
        columns: sides().collect(),
        rows: sides()
            .enumerate()
            .map(|(row, side)| MatrixRow {
                side,
                cells: (0..n).map(|column| cell(comparison, row, column, id)).collect(),
            })
            .collect(),
    });
    let lines = comparison.pairs.iter().filter_map(|pair| {
        let score = pair.scores.iter().find(|score| score.scorer == id)?;
        Some(line(comparison, pair, score))
    });
    let lines: Vec<Line> = lines.collect();
    let shares = comparison.pairs.iter().flat_map(|pair| &pair.scores);
    let shares = shares.filter(|score| score.scorer == id).any(|score| score.unit_range);
    Scorer { name: name(id), counted: if shares { "points" } else { "" }, open, matrix, lines }
}

fn cell(comparison: &Comparison, row: usize, column: usize, id: &str) -> Cell {
    let own = row == column;
    let unknown = Cell {
        own,
        class: "",
        sign: "",
        word: "",
        difference: if own { String::new() } else { UNKNOWN.to_owned() },
        interval: String::new(),
    };
    // `a` is the column's side, so that the difference is the row's minus the column's.
    let Some((score, turned)) = between(comparison, column, row, id).filter(|_| !own) else {
        return unknown;
    };
    let sign = if turned { -1.0 } else { 1.0 };
    let shown = |value: f64| difference(score, value * sign, true);
    let ends = score.low.zip(score.high);
    let ends = ends.map(|(low, high)| if turned { (high, low) } else { (low, high) });
    let (class, mark, word) = match (score.verdict, turned) {
        (PairVerdict::B, false) | (PairVerdict::A, true) => ("best", "▲", "better"),
        (PairVerdict::A, false) | (PairVerdict::B, true) => ("worse", "▼", "worse"),
        (PairVerdict::Tied, _) => ("tied", "≈", "tied"),
        (PairVerdict::Unknown, _) => ("", "?", "unknown"),
    };
    Cell {
        class,
        sign: mark,
        word,
        difference: name(&or_unknown(score.difference.map(shown))),
        interval: ends.map_or_else(String::new, |(low, high)| {
            name(&format!("{} to {}", shown(low), shown(high)))
        }),
        ..unknown
    }
}

fn line(comparison: &Comparison, pair: &Pair, score: &PairedScore) -> Line {
    let (a, b) = comparison.sides_of(pair);
    let unit = unit_of(score);
    let mean = |mean: Option<f64>| name(&or_unknown(mean.map(|mean| unit.show(mean))));
    let signed = |value: f64| difference(score, value, true);
    let ends = score.low.zip(score.high);
    let ends = ends.map(|(low, high)| format!("{} to {}", signed(low), signed(high)));
    let (class, sign, word) = match score.verdict {
        PairVerdict::A => ("worse", "▼", format!("{} is better", a.label)),
        PairVerdict::B => ("best", "▲", format!("{} is better", b.label)),
        PairVerdict::Tied => ("tied", "≈", "tied".to_owned()),
        PairVerdict::Unknown => ("", "?", "too few samples".to_owned()),
    };
    let units = match score.units {
        units if units == score.n => count(score.n),
        units => format!("{} in {}", count(score.n), of(units, "cluster", "clusters")),
    };
    Line {
        a: name(&a.label),
        b: name(&b.label),
        mean_a: mean(score.mean_a),
        mean_b: mean(score.mean_b),
        difference: name(&or_unknown(score.difference.map(signed))),
        interval: name(&or_unknown(ends)),
        p: or_unknown(score.p_adjusted.map(p_value)),
        test: score.test,
        method: score.interval_method,
        effect: or_unknown(score.effect.map(|effect| format!("{effect:.2}"))),
        effect_name: score.effect_name,
        wins: count(score.wins),
        losses: count(score.losses),
        ties: count(score.ties),
        n: units,
        detectable: name(&or_unknown(score.detectable.map(|d| difference(score, d, false)))),
        class,
        sign,
        word: name(&word),
        missing: missing(&a.label, &score.missing_a, &b.label, &score.missing_b),
    }
}

/// Nothing when neither ratio is known.
fn ratio(comparison: &Comparison, pair: &Pair) -> Option<Ratio> {
    let (a, b) = comparison.sides_of(pair);
    let shown =
        |ratio: Option<f64>| or_unknown(ratio.map(|ratio| format!("{} ×", two_digits(ratio))));
    let known = pair.cost_ratio.is_some() || pair.latency_ratio.is_some();
    known.then(|| Ratio {
        a: name(&a.label),
        b: name(&b.label),
        cost: shown(pair.cost_ratio),
        latency: shown(pair.latency_ratio),
    })
}

/// A ratio: `1.8`, `0.55`, `12`.
fn two_digits(ratio: f64) -> String {
    match ratio.abs() {
        size if size >= 10.0 => format!("{ratio:.0}"),
        size if size >= 1.0 => format!("{ratio:.1}"),
        size if size >= 0.01 => format!("{ratio:.2}"),
        _ => significant(ratio),
    }
}

/// A p-value with the digits that matter.
fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

/// Samples that only one side has a value of, by name.
fn missing(a: &str, on_a: &Missing, b: &str, on_b: &Missing) -> Option<String> {
    let told = |side: &str, missing: &Missing| {
        let named = missing.first.join(", ");
        let more = if missing.samples > missing.first.len() as u64 { ", …" } else { "" };
        let lacking = of(missing.samples, "sample", "samples");
        (missing.samples > 0).then(|| format!("{side} has no value of {lacking}: {named}{more}"))
    };
    let told: Vec<String> = [told(a, on_a), told(b, on_b)].into_iter().flatten().collect();
    (!told.is_empty()).then(|| name(&told.join("; ")))
}

fn differences<'a>(
    comparison: &'a Comparison,
    pair: &'a Pair,
) -> impl Iterator<Item = Difference> + 'a {
    let (a, b) = comparison.sides_of(pair);
    let shown = |value: &Option<String>, unknown: bool| match value {
        Some(value) => name(value),
        None if unknown => "not known".to_owned(),
        None => UNKNOWN.to_owned(),
    };
    pair.differences.iter().map(move |difference| Difference {
        a: name(&a.label),
        b: name(&b.label),
        what: if difference.of.is_empty() {
            difference.what.words().to_owned()
        } else {
            name(&format!("{}: {}", difference.what.words(), difference.of))
        },
        matters: difference.what.matters(),
        on_a: shown(&difference.a, difference.unknown),
        on_b: shown(&difference.b, difference.unknown),
    })
}
