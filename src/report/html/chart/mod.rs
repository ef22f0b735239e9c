//! Drawings as coordinates; the templates hold the shapes and the style sheet the colours, so that one
//! drawing reads on a light page, on a dark one and on paper.
//!
//! Every drawing stands beside a table with its numbers, so nothing has to be read off a picture.

mod scatter;
mod spread;
mod trouble;

use serde::Serialize;

pub(super) use scatter::{Scatter, scatters};
pub(super) use spread::{Spread, spread};
pub(super) use trouble::{Trouble, trouble};

/// A mark on an axis.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Tick {
    /// Where, in the units of the drawing.
    at: String,
    label: String,
}

/// A coordinate, in tenths of a unit.
fn place(at: f64) -> String {
    format!("{at:.1}")
}

/// Numbers a 1, 2 or 5 apart that lie in `low..=high`: about `n`, and two at least.
fn round_numbers(low: f64, high: f64, n: usize) -> Vec<f64> {
    let rough = (high - low) / n.max(1) as f64;
    if !(rough > 0.0 && rough.is_finite()) {
        return vec![low];
    }
    let size = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * size);
    let step = steps.into_iter().find(|step| *step >= rough * 0.999).unwrap_or(steps[3]);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|at| at as f64 * step).collect()
}

/// Numbers 1, 2 and 5 times a power of ten in `low..=high`, both above 0.
fn round_powers(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let factors: &[f64] = if last - first > 4 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let numbers =
        (first..=last).flat_map(|power| factors.iter().map(move |f| f * 10_f64.powi(power)));
    numbers.filter(|number| (low * 0.999..=high * 1.001).contains(number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round() {
        let close = |found: Vec<f64>, wanted: &[f64]| {
            let same = found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-9);
            assert!(same && found.len() == wanted.len(), "{found:?} {wanted:?}");
        };
        close(round_numbers(0.0, 1.0, 5), &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        close(round_numbers(0.31, 0.88, 4), &[0.4, 0.6, 0.8]);
        close(round_numbers(-3.0, 12.0, 3), &[0.0, 5.0, 10.0]);
        close(round_numbers(5.0, 5.0, 3), &[5.0]);
        close(round_powers(0.4, 30.0), &[0.5, 1.0, 2.0, 5.0, 10.0, 20.0]);
        close(round_powers(1.0, 1e6), &[1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6]);
    }
}
