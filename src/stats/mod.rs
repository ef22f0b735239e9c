//! Floor 2: mathematics on `f64`: intervals, moments, quantiles, values of a corpus, agreement of
//! raters; no I/O.
//!
//! A function returns `None` where a number cannot be told; it never returns NaN. The golden
//! numbers come from scipy, statsmodels and numpy (`tests/golden/stats.py`), those of raters from
//! scikit-learn, irrCAC, krippendorff, choix and ppi-python (`tests/golden/agreement.py`).

pub mod agreement;
mod bradley_terry;
mod corpus;
mod correction;
mod distinct;
mod distribution;
mod interval;
mod moments;
mod quantile;
mod resample;
mod threshold;

pub use bradley_terry::{Apart, Wins};
pub use corpus::pooled;
pub use correction::{Labelled, Powered, RoganGladen, YesNo, powered_mean, rogan_gladen};
pub use distinct::{distinct, place_among, same};
pub use distribution::{normal_quantile, t_quantile};
pub use interval::{Interval, t_interval, wilson};
pub use moments::{ClusteredError, Moments, clustered_error};
pub use quantile::{quantile, quantile_of};
pub use resample::{Clusters, Rounds, resampled};
pub use threshold::{Told, best_threshold, told};

#[cfg(test)]
mod tests;
