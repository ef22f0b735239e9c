//! Quantiles of a sample.

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
