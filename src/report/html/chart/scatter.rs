//! Quality against price and against latency: a point for each model and prompt, and the line of
//! those than which no other is both better and cheaper, or faster.

use serde::Serialize;

use super::{Tick, place, round_numbers, round_powers};
use crate::{
    base::money::Money,
    domain::{
        comparison::{Comparison, Side},
        measure::Estimate,
    },
    report::{
        View,
        html::{
            side::{Quality, estimate_of, quality},
            text::{name, short},
        },
        number::{UNKNOWN, Unit, duration_ms, or_unknown},
    },
};

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 340.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 500.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 284.0;
/// Height of a label, and the least room between two.
const LINE: f64 = 14.0;
/// Points beside which all names are written; of more only those on the line have one.
const NAMED: usize = 14;
/// How many times the smallest the largest must be for a logarithmic scale.
const WIDE: f64 = 20.0;

/// What `scatter.hbs` draws.
#[derive(Debug, Serialize)]
pub(in crate::report::html) struct Scatter {
    id: &'static str,
    title: String,
    width: String,
    height: String,
    x_label: &'static str,
    /// What is wanted of that number.
    x_word: &'static str,
    y_label: String,
    x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
    points: Vec<Point>,
    /// Points of the line, the cheapest or fastest first.
    front: String,
    rows: Vec<Row>,
    /// Who is left out, since a number is not known.
    left_out: Option<String>,
}

#[derive(Debug, Serialize)]
struct Point {
    x: String,
    y: String,
    /// Ends of the interval.
    low: Option<String>,
    high: Option<String>,
    front: bool,
    label: Option<Label>,
}

#[derive(Debug, Serialize)]
struct Label {
    text: String,
    x: String,
    y: String,
    anchor: &'static str,
}

/// A row of the table behind the drawing.
#[derive(Debug, Serialize)]
struct Row {
    side: String,
    quality: String,
    interval: String,
    x: String,
    front: &'static str,
}

/// A side with both numbers known.
struct Known<'a> {
    side: &'a Side,
    estimate: Estimate,
    quality: f64,
    x: f64,
    front: bool,
}

/// What stands on the horizontal axis.
struct Axis {
    id: &'static str,
    title: &'static str,
    label: &'static str,
    word: &'static str,
    value: fn(&Side) -> Option<f64>,
    show: fn(f64) -> String,
}

const AXES: [Axis; 2] = [
    Axis {
        id: "by-cost",
        title: "against cost",
        label: "Cost of a thousand trials",
        word: "cheaper",
        value: |side| {
            let cost = side.known_cost().filter(|_| side.trials > 0)?;
            Some(cost.usd() / side.trials as f64 * 1e3)
        },
        show: |usd| Money::from_usd(usd).map_or_else(|| UNKNOWN.to_owned(), |usd| usd.to_string()),
    },
    Axis {
        id: "by-latency",
        title: "against latency",
        label: "Median latency",
        word: "faster",
        value: |side| side.latency.p50,
        show: duration_ms,
    },
];

/// The drawings of a run whose sides were compared; none of a number that fewer than two have, or all.
pub(in crate::report::html) fn scatters(view: &View<'_>, comparison: &Comparison) -> Vec<Scatter> {
    let Some(quality) = quality(&view.run.header, comparison) else { return Vec::new() };
    AXES.iter().filter_map(|axis| scatter(view, comparison, &quality, axis)).collect()
}

fn scatter(
    view: &View<'_>,
    comparison: &Comparison,
    quality: &Quality<'_>,
    axis: &Axis,
) -> Option<Scatter> {
    let known = known(view, comparison, quality, axis);
    // Where all cost the same there is nothing to see.
    let first = known.first()?.x;
    if known.len() < 2 || known.iter().all(|known| known.x.to_bits() == first.to_bits()) {
        return None;
    }
    let missing = comparison
        .sides
        .iter()
        .filter(|side| !known.iter().any(|known| std::ptr::eq(known.side, *side)));
    let missing: Vec<String> = missing.map(|side| name(&side.label)).collect();
    let (x_ticks, x) = horizontal(&known, axis.show);
    let (y_ticks, y) = vertical(&known, quality.unit);
    let line = known.iter().filter(|known| known.front);
    let mut front: Vec<(f64, f64)> = line.map(|point| (x(point.x), y(point.quality))).collect();
    front.sort_by(|a, b| a.0.total_cmp(&b.0));
    let front: Vec<String> = front.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    Some(Scatter {
        id: axis.id,
        title: format!("{} {}", name(quality.scorer), axis.title),
        width: place(WIDTH),
        height: place(HEIGHT),
        x_label: axis.label,
        x_word: axis.word,
        y_label: name(quality.scorer),
        x_ticks,
        y_ticks,
        points: points(&known, &x, &y),
        front: front.join(" "),
        rows: known.iter().map(|known| row(known, quality.unit, axis.show)).collect(),
        left_out: (!missing.is_empty()).then(|| missing.join(", ")),
    })
}

fn known<'a>(
    view: &View<'_>,
    comparison: &'a Comparison,
    quality: &Quality<'_>,
    axis: &Axis,
) -> Vec<Known<'a>> {
    let sides = comparison.sides.iter().filter_map(|side| {
        let estimate = estimate_of(view, side, quality.scorer)?;
        let value = estimate.value.filter(|value| value.is_finite())?;
        let x = (axis.value)(side).filter(|x| x.is_finite() && *x >= 0.0)?;
        Some(Known { side, estimate, quality: value, x, front: false })
    });
    let mut known: Vec<Known<'_>> = sides.collect();
    let sign = if quality.lower_is_better { -1.0 } else { 1.0 };
    let numbers: Vec<(f64, f64)> = known.iter().map(|k| (k.x, k.quality * sign)).collect();
    for (at, known) in known.iter_mut().enumerate() {
        let (x, y) = numbers[at];
        let beats =
            |other: &(f64, f64)| other.0 <= x && other.1 >= y && (other.0 < x || other.1 > y);
        known.front = !numbers.iter().any(beats);
    }
    known
}

/// The scale of price or latency, from 0 or, where the ends are far apart, logarithmic.
fn horizontal(known: &[Known<'_>], show: fn(f64) -> String) -> (Vec<Tick>, impl Fn(f64) -> f64) {
    let (low, high) = known
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(low, high), known| (low.min(known.x), high.max(known.x)));
    let logarithmic = low > 0.0 && high / low > WIDE;
    let (from, to) = if logarithmic { (low / 1.4, high * 1.4) } else { (0.0, high * 1.12) };
    let to = if to > from { to } else { from + 1.0 };
    let x = move |value: f64| {
        let share = if logarithmic {
            (value / from).ln() / (to / from).ln()
        } else {
            (value - from) / (to - from)
        };
        LEFT + share.clamp(0.0, 1.0) * (RIGHT - LEFT)
    };
    let marks = if logarithmic { round_powers(from, to) } else { round_numbers(from, to, 4) };
    let mut ticks: Vec<(f64, Tick)> = Vec::new();
    for mark in marks {
        let at = x(mark);
        if ticks.last().is_none_or(|(last, _)| at - last >= 56.0) {
            ticks.push((at, Tick { at: place(at), label: show(mark) }));
        }
    }
    (ticks.into_iter().map(|(_, tick)| tick).collect(), x)
}

/// The scale of quality, over all intervals.
fn vertical(known: &[Known<'_>], unit: Unit<'_>) -> (Vec<Tick>, impl Fn(f64) -> f64) {
    let numbers = known.iter().flat_map(|known| {
        let Estimate { low, high, .. } = known.estimate;
        [Some(known.quality), low, high].into_iter().flatten().filter(|number| number.is_finite())
    });
    let (low, high) = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| {
        (low.min(number), high.max(number))
    });
    let margin = ((high - low) * 0.08).max(high.abs() * 0.02).max(1e-6);
    let (mut from, mut to) = (low - margin, high + margin);
    if unit == Unit::Share {
        (from, to) = (from.max(0.0), to.min(1.0));
    }
    let to = if to > from { to } else { from + 1.0 };
    let y =
        move |value: f64| BOTTOM - ((value - from) / (to - from)).clamp(0.0, 1.0) * (BOTTOM - TOP);
    let show = |mark: f64| match unit {
        Unit::Share => format!("{mark:.2}"),
        other => other.show(mark),
    };
    let ticks = round_numbers(from, to, 5);
    let ticks = ticks.into_iter().map(|mark| Tick { at: place(y(mark)), label: show(mark) });
    (ticks.collect(), y)
}

fn points(known: &[Known<'_>], x: &impl Fn(f64) -> f64, y: &impl Fn(f64) -> f64) -> Vec<Point> {
    let end = |end: Option<f64>| end.filter(|end| end.is_finite()).map(|end| place(y(end)));
    let mut order: Vec<&Known<'_>> = known.iter().collect();
    order.sort_by(|a, b| y(a.quality).total_cmp(&y(b.quality)));
    // Labels from the top down, each below those that it would run into.
    let mut taken: Vec<(f64, f64, f64)> = Vec::new();
    let draw = |known: &Known<'_>| {
        let (x, y) = (x(known.x), y(known.quality));
        let named = known.front || order.len() <= NAMED;
        let label = named.then(|| {
            let text = short(&known.side.label);
            let width = text.chars().count() as f64 * 6.8 + 10.0;
            let right = x + 10.0 + width < RIGHT + 16.0;
            let (from, to) =
                if right { (x + 8.0, x + 8.0 + width) } else { (x - 8.0 - width, x - 8.0) };
            let mut at = y + 4.0;
            let hits = |at: f64, other: &(f64, f64, f64)| {
                from < other.2 && other.1 < to && (at - other.0).abs() < LINE
            };
            while let Some(other) = taken.iter().find(|other| hits(at, other)) {
                at = other.0 + LINE;
            }
            taken.push((at, from, to));
            let (anchor, edge) = if right { ("start", x + 9.0) } else { ("end", x - 9.0) };
            Label { text, x: place(edge), y: place(at), anchor }
        });
        Point {
            x: place(x),
            y: place(y),
            low: end(known.estimate.low),
            high: end(known.estimate.high),
            front: known.front,
            label,
        }
    };
    order.iter().copied().map(draw).collect()
}

fn row(known: &Known<'_>, unit: Unit<'_>, show: fn(f64) -> String) -> Row {
    let ends = known.estimate.low.zip(known.estimate.high);
    let interval = ends.map(|(low, high)| format!("[{}, {}]", unit.show(low), unit.show(high)));
    Row {
        side: name(&known.side.label),
        quality: name(&unit.show(known.quality)),
        interval: name(&or_unknown(interval)),
        x: show(known.x),
        front: if known.front { "yes" } else { "no" },
    }
}
