//! Confidence intervals of a mean.

use crate::stats::{normal_quantile, t_quantile};

/// A confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end, not below the lower one.
    pub high: f64,
}

impl Interval {
    /// This interval cut to `low..=high`.
    #[must_use]
    pub fn clipped(self, low: f64, high: f64) -> Self {
        Self { low: self.low.clamp(low, high), high: self.high.clamp(low, high) }
    }
}

/// The Wilson score interval of a share of `successes` among `n`, within 0 and 1.
///
/// Holds what it promises for small `n` and for shares near 0 and 1, where the textbook interval
/// does not. `None` when `n` is 0, `successes` exceeds it, or not `0 < confidence < 1`.
///
/// # Source
/// Wilson (1927), Journal of the American Statistical Association 22, 209-212.
pub fn wilson(successes: u64, n: u64, confidence: f64) -> Option<Interval> {
    if n == 0 || successes > n {
        return None;
    }
    let z = normal_quantile(f64::midpoint(1.0, confidence))?;
    let (share, count) = (successes as f64 / n as f64, n as f64);
    let shrink = 1.0 + z * z / count;
    let centre = (share + z * z / (2.0 * count)) / shrink;
    let spread = share * (1.0 - share) / count + z * z / (4.0 * count * count);
    let half = z * spread.sqrt() / shrink;
    // At the ends the formula gives 0 and 1; rounding must not.
    let low = if successes == 0 { 0.0 } else { centre - half };
    let high = if successes == n { 1.0 } else { centre + half };
    Some(Interval { low, high }.clipped(0.0, 1.0))
}

/// `mean` plus and minus the t quantile for `df` degrees of freedom times `standard_error`.
///
/// `None` when `df` is not positive, not `0 < confidence < 1`, or a number is not finite.
pub fn t_interval(mean: f64, standard_error: f64, df: f64, confidence: f64) -> Option<Interval> {
    let half = t_quantile(f64::midpoint(1.0, confidence), df)? * standard_error;
    let interval = Interval { low: mean - half, high: mean + half };
    (interval.low.is_finite() && interval.high.is_finite()).then_some(interval)
}
