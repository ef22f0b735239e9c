//! Floor 2: mathematics on `f64`: intervals, tests of pairs, power, moments, quantiles, values of a
//! corpus, agreement of raters; no I/O. What draws random numbers takes a seed, and gives the same on
//! every machine.
//!
//! A function returns `None` where a number cannot be told; it never returns NaN. The golden
//! numbers come from scipy, statsmodels, numpy and confseq (`tests/golden/stats.py`,
//! `tests/golden/inference.py`), those of raters from scikit-learn, irrCAC, krippendorff, choix and
//! ppi-python (`tests/golden/agreement.py`).

pub mod agreement;
mod bootstrap;
mod bradley_terry;
mod corpus;
mod correction;
mod distinct;
mod distribution;
mod interval;
mod moments;
mod multiple;
mod nested;
mod paired;
mod pareto;
mod power;
mod quantile;
mod resample;
mod sequence;
mod threshold;
mod units;
mod unpaired;

pub use bootstrap::{bca, bootstrap_mean};
pub use bradley_terry::{Apart, Wins};
pub use corpus::pooled;
pub use correction::{Labelled, Powered, RoganGladen, YesNo, powered_mean, rogan_gladen};
pub use distinct::{distinct, place_among, same};
pub use distribution::{normal_cdf, normal_quantile, t_quantile};
pub use interval::{Interval, t_interval, wilson};
pub use moments::{ClusteredError, Moments, clustered_error};
pub use multiple::{benjamini_hochberg, holm};
pub use nested::{Components, IntervalAlpha, Nested};
pub use paired::{Paired, Pairs, SIGN_FLIPS, mcnemar_mid_p, paired, tango};
pub use pareto::{Choice, pareto_front};
pub use power::{Design, Spread, design_effect, detectable, needed, variance_of_repeats};
pub use quantile::{quantile, quantile_interval, quantile_interval_of, quantile_of};
pub use resample::{Clusters, Rounds, resampled, shuffled};
pub use sequence::ConfidenceSequence;
pub use threshold::{Told, best_threshold, told};
pub use unpaired::{Side, Unpaired, unpaired};

#[cfg(test)]
mod tests;
