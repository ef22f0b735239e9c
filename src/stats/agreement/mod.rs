//! How far two or more raters agree, such as a judge and people.
//!
//! All figures are of weighted items, so that [`resampled`](crate::stats::resampled) can draw the
//! items anew; a weight of 1 each gives the figure itself. The golden numbers are those of
//! scikit-learn, irrCAC, krippendorff and scipy (`tests/golden/agreement.py`).

mod alpha;
mod confusion;
mod rank;

pub use alpha::{Level, krippendorff_alpha};
pub use confusion::{Confusion, Weighting};
pub use rank::{Ranked, pearson};

#[cfg(test)]
mod tests;
