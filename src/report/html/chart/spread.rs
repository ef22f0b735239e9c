//! How latencies are spread: a small hill for each model over one logarithmic scale, with its median
//! and its 95th percentile.

use serde::Serialize;

use super::{Tick, place, round_powers};
use crate::{
    domain::measure::ModelTotals,
    report::{
        html::{gathered::Gathered, text::short},
        number::duration_ms,
    },
};

const LEFT: f64 = 170.0;
const RIGHT: f64 = 700.0;
/// Height of a model's row, and of the highest hill in it.
const ROW: f64 = 44.0;
const HILL: f64 = 32.0;
const BINS: usize = 60;

/// What `spread.hbs` draws.
#[derive(Debug, Serialize)]
pub(in crate::report::html) struct Spread {
    height: String,
    /// Where the scale stands, and its marks.
    scale: String,
    labels: String,
    ticks: Vec<Tick>,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    model: String,
    /// The line that the hill stands on, and where its name is written.
    base: String,
    middle: String,
    top: String,
    /// Points of the hill's outline.
    hill: String,
    p50: Option<Mark>,
    p95: Option<Mark>,
}

#[derive(Debug, Serialize)]
struct Mark {
    x: String,
    says: String,
}

/// The drawing for models called `labels`; nothing when fewer than two latencies are known of all.
pub(in crate::report::html) fn spread(
    labels: &[String],
    totals: &[ModelTotals],
    gathered: &Gathered,
) -> Option<Spread> {
    let all = || gathered.latencies.iter().flatten().map(|us| (*us).max(1) as f64 / 1e3);
    if all().count() < 2 {
        return None;
    }
    let (low, high) = all().fold((f64::INFINITY, 0.0_f64), |(l, h), ms| (l.min(ms), h.max(ms)));
    // A margin on both sides, which also keeps equal ends apart.
    let (low, high) = (low / 1.15, high * 1.15);
    let x = |ms: f64| LEFT + (ms / low).ln() / (high / low).ln() * (RIGHT - LEFT);
    let rows: Vec<Row> = labels
        .iter()
        .zip(totals)
        .zip(&gathered.latencies)
        .filter(|(_, latencies)| !latencies.is_empty())
        .enumerate()
        .map(|(at, ((label, totals), latencies))| {
            let base = (at + 1) as f64 * ROW;
            let mark = |ms: Option<f64>| {
                let ms = ms.filter(|ms| *ms > 0.0)?;
                Some(Mark { x: place(x(ms).clamp(LEFT, RIGHT)), says: duration_ms(ms) })
            };
            Row {
                model: short(label),
                base: place(base),
                middle: place(base - 8.0),
                top: place(base - HILL - 4.0),
                hill: hill(latencies, x, base),
                p50: mark(totals.latency.p50),
                p95: mark(totals.latency.p95),
            }
        })
        .collect();
    let bottom = rows.len() as f64 * ROW + 8.0;
    // Labels need room: of marks that are too near to each other the later ones are left out.
    let mut ticks: Vec<(f64, Tick)> = Vec::new();
    for ms in round_powers(low, high) {
        let at = x(ms);
        if ticks.last().is_none_or(|(last, _)| at - last >= 48.0) {
            ticks.push((at, Tick { at: place(at), label: duration(ms) }));
        }
    }
    Some(Spread {
        height: place(bottom + 26.0),
        scale: place(bottom),
        labels: place(bottom + 18.0),
        ticks: ticks.into_iter().map(|(_, tick)| tick).collect(),
        rows,
    })
}

/// A round duration without zeros behind it.
fn duration(ms: f64) -> String {
    let plain = |number: f64| format!("{}", (number * 1e6).round() / 1e6);
    if ms < 1_000.0 { format!("{} ms", plain(ms)) } else { format!("{} s", plain(ms / 1e3)) }
}

fn hill(latencies: &[u64], x: impl Fn(f64) -> f64, base: f64) -> String {
    let width = (RIGHT - LEFT) / BINS as f64;
    let mut bins = [0_u64; BINS];
    for us in latencies {
        let bin = ((x((*us).max(1) as f64 / 1e3) - LEFT) / width) as usize;
        bins[bin.min(BINS - 1)] += 1;
    }
    let most = bins.iter().copied().max().unwrap_or(1).max(1) as f64;
    let steps = bins.iter().enumerate().filter(|(bin, n)| {
        let near = |other: Option<&u64>| other.is_some_and(|n| *n > 0);
        **n > 0 || near(bins.get(bin + 1)) || near(bin.checked_sub(1).and_then(|b| bins.get(b)))
    });
    let outline = steps.flat_map(|(bin, n)| {
        let y = base - *n as f64 / most * HILL;
        let left = LEFT + bin as f64 * width;
        [format!("{left:.1},{y:.1}"), format!("{:.1},{y:.1}", left + width)]
    });
    let outline: Vec<String> = outline.collect();
    let end = |point: Option<&String>| {
        point.and_then(|point| point.split(',').next()).map(|x| format!("{x},{base:.1}"))
    };
    let ends = [end(outline.first()), end(outline.last())];
    let [first, last] = ends.map(Option::unwrap_or_default);
    [vec![first], outline, vec![last]].concat().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::measure::Latency;

    #[test]
    fn a_hill_a_model_that_answered() {
        let gathered = Gathered {
            latencies: vec![vec![100_000, 110_000, 400_000], Vec::new(), vec![100_000; 5]],
            ..Gathered::default()
        };
        let totals = ModelTotals {
            latency: Latency { p50: Some(110.0), p95: Some(400.0), ..Latency::default() },
            ..ModelTotals::default()
        };
        let labels = ["a", "b", "c"].map(str::to_owned);
        let drawn = spread(&labels, &vec![totals; 3], &gathered).expect("a drawing");
        assert_eq!(drawn.rows.iter().map(|row| &*row.model).collect::<Vec<_>>(), ["a", "c"]);
        let labels: Vec<&str> = drawn.ticks.iter().map(|tick| &*tick.label).collect();
        assert_eq!(labels, ["100 ms", "200 ms"]);
        assert!(!drawn.rows[0].hill.contains("NaN"));
        let lone = Gathered { latencies: vec![vec![5]], ..Gathered::default() };
        assert!(spread(&[String::new()], &[ModelTotals::default()], &lone).is_none());
    }
}
