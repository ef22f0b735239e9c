//! Quantiles of the values of samples.

use crate::{
    domain::measure::Quantiles,
    metric::CONFIDENCE,
    stats::{quantile, quantile_interval},
};

/// Values so far. Those that are all 0 or 1 are counted; the first other one makes all be kept, eight
/// bytes each.
#[derive(Debug, Default)]
pub(super) struct Kept {
    zeros: usize,
    ones: usize,
    values: Vec<f64>,
}

impl Kept {
    /// Takes in a value, which is finite.
    pub(super) fn add(&mut self, value: f64) {
        if self.values.is_empty() {
            if value.abs().to_bits() == 0.0_f64.to_bits() {
                self.zeros += 1;
                return;
            }
            if value.to_bits() == 1.0_f64.to_bits() {
                self.ones += 1;
                return;
            }
            self.values.resize(self.zeros, 0.0);
            self.values.resize(self.zeros + self.ones, 1.0);
        }
        self.values.push(value);
    }

    /// Their quantiles; `None` when all values are 0 or 1, of which the mean says everything.
    pub(super) fn quantiles(&mut self) -> Option<Quantiles> {
        self.values.sort_unstable_by(f64::total_cmp);
        let sorted = &self.values;
        let median = quantile_interval(sorted, 0.5, CONFIDENCE);
        Some(Quantiles {
            p10: quantile(sorted, 0.1)?,
            p25: quantile(sorted, 0.25)?,
            p50: quantile(sorted, 0.5)?,
            p50_low: median.map(|found| found.low),
            p50_high: median.map(|found| found.high),
            p75: quantile(sorted, 0.75)?,
            p90: quantile(sorted, 0.9)?,
        })
    }
}
