//! Quantiles of a sample.

use crate::stats::{Interval, distribution::binomial_cdf};

/// The `q` quantile of `sorted`, which is in ascending order; `None` when it is empty or not
/// `0 <= q <= 1`.
///
/// Linear between order statistics, as numpy does by default.
///
/// # Source
/// Hyndman and Fan (1996), The American Statistician 50, 361-365, type 7.
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    quantile_of(sorted.len(), |place| sorted.get(place).copied().unwrap_or(f64::NAN), q)
}

/// [`quantile`] of `count` values in ascending order, of which `at` gives each by its place.
pub fn quantile_of(count: usize, at: impl Fn(usize) -> f64, q: f64) -> Option<f64> {
    let last = count.checked_sub(1)?;
    if !(0.0..=1.0).contains(&q) {
        return None;
    }
    let place = q * last as f64;
    let below = place.floor() as usize;
    let (low, high) = (at(below), at((below + 1).min(last)));
    Some(low + (high - low) * (place - place.floor()))
}

/// The interval of the `q` quantile of `sorted`, which is in ascending order: two of its values
/// between which the quantile of what they were drawn from lies with at least `confidence`, whatever
/// the distribution. `None` when so few values do not have them, which at 95% are fewer than 6 for
/// the median, or when `q` or `confidence` is not between 0 and 1.
///
/// # Source
/// Conover (1999), Practical Nonparametric Statistics, section 3.2.
pub fn quantile_interval(sorted: &[f64], q: f64, confidence: f64) -> Option<Interval> {
    let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
    quantile_interval_of(sorted.len(), at, q, confidence)
}

/// [`quantile_interval`] of `count` values in ascending order, of which `at` gives each by its place.
pub fn quantile_interval_of(
    count: usize,
    at: impl Fn(usize) -> f64,
    q: f64,
    confidence: f64,
) -> Option<Interval> {
    if !(q > 0.0 && q < 1.0 && confidence > 0.0 && confidence < 1.0) {
        return None;
    }
    let tail = (1.0 - confidence) / 2.0;
    let low = first_above(count, q, tail)?.checked_sub(1)?;
    let high = first_above(count, q, 1.0 - tail)?;
    (high < count).then(|| Interval { low: at(low), high: at(high) })
}

/// The smallest number of `count` values below their `q` quantile whose chance, all smaller ones
/// together, is at least `level`.
fn first_above(count: usize, q: f64, level: f64) -> Option<usize> {
    let (mut below, mut above) = (0, count);
    while below < above {
        let middle = usize::midpoint(below, above);
        if binomial_cdf(middle as u64, count as u64, q)? >= level {
            above = middle;
        } else {
            below = middle + 1;
        }
    }
    Some(below)
}
