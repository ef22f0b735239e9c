//! An interval as a small drawing: coordinates only, the template holds the shapes.

use serde::Serialize;

use crate::domain::measure::Estimate;

/// The scale's ends in the drawing; `reports/html/results.hbs` draws its axis between them.
const LEFT: f64 = 5.0;
const RIGHT: f64 = 245.0;
/// The narrowest bar that can still be seen.
const NARROWEST: f64 = 2.0;

/// Where the bar stands, and the line of the interval on it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Bar {
    /// Whether there is an interval.
    band: bool,
    /// Whether there is a value.
    dot: bool,
    x: String,
    width: String,
    low: String,
    high: String,
}

/// The ends of a scale on which all of `estimates` can be drawn: from 0 to 1 for shares, else from 0
/// or less to the largest number that occurs.
pub(super) fn scale<'a>(
    unit_range: bool,
    estimates: impl Iterator<Item = &'a Estimate>,
) -> (f64, f64) {
    if unit_range {
        return (0.0, 1.0);
    }
    let numbers = estimates.flat_map(|e| [e.low, e.value, e.high]).flatten();
    let (low, high) = numbers
        .filter(|number| number.is_finite())
        .fold((0.0_f64, 0.0_f64), |(low, high), number| (low.min(number), high.max(number)));
    if low < high { (low, high) } else { (0.0, 1.0) }
}

/// `estimate` drawn between the ends of a scale.
pub(super) fn bar(estimate: &Estimate, (from, to): (f64, f64)) -> Bar {
    let place = |number: f64| {
        let share = ((number - from) / (to - from)).clamp(0.0, 1.0);
        LEFT + share * (RIGHT - LEFT)
    };
    let finite = |number: Option<f64>| number.filter(|number| number.is_finite());
    let band = finite(estimate.low).zip(finite(estimate.high));
    let value = finite(estimate.value);
    // A bar begins at 0, which is on every scale.
    let (zero, end) = (place(0.0), value.map_or(LEFT, place));
    let (low, high) = band.map_or((LEFT, LEFT), |(low, high)| (place(low), place(high)));
    Bar {
        band: band.is_some(),
        dot: value.is_some(),
        x: format!("{:.1}", zero.min(end)),
        width: format!("{:.1}", (zero - end).abs().max(NARROWEST)),
        low: format!("{low:.1}"),
        high: format!("{high:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let estimate = |value, low, high| Estimate { n: 1, unscored: 0, value, low, high };
        let drawn = bar(&estimate(Some(0.5), Some(0.25), Some(0.75)), (0.0, 1.0));
        let ends = [&drawn.x, &drawn.width, &drawn.low, &drawn.high];
        assert_eq!(ends, ["5.0", "120.0", "65.0", "185.0"]);
        let nothing = bar(&estimate(None, None, Some(f64::NAN)), (0.0, 1.0));
        assert!(!nothing.band && !nothing.dot);
        let outside = bar(&estimate(Some(7.0), Some(-1.0), Some(9.0)), (0.0, 1.0));
        assert_eq!((&*outside.low, &*outside.high, &*outside.width), ("5.0", "245.0", "240.0"));
        let below = bar(&estimate(Some(-2.0), None, None), (-2.0, 2.0));
        assert_eq!((&*below.x, &*below.width), ("5.0", "120.0"));

        let numbers = [estimate(Some(5.0), Some(-2.0), Some(f64::INFINITY))];
        assert_eq!(scale(false, numbers.iter()), (-2.0, 5.0));
        assert_eq!(scale(false, [].iter()), (0.0, 1.0));
        assert_eq!(scale(true, numbers.iter()), (0.0, 1.0));
    }
}
