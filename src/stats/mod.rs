//! Floor 2: mathematics on `f64`: intervals, moments, quantiles, values of a corpus; no I/O.
//!
//! A function returns `None` where a number cannot be told; it never returns NaN. The golden
//! numbers come from scipy, statsmodels and numpy (`tests/golden/stats.py`).

mod corpus;
mod distribution;
mod interval;
mod moments;
mod nested;
mod quantile;

pub use corpus::pooled;
pub use distribution::{normal_quantile, t_quantile};
pub use interval::{Interval, t_interval, wilson};
pub use moments::{ClusteredError, Moments, clustered_error};
pub use nested::{Components, IntervalAlpha, Nested};
pub use quantile::{quantile, quantile_of};

#[cfg(test)]
mod tests;
