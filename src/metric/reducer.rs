//! How the repeats of one sample fold into one value.

use crate::stats::{Moments, quantile};

/// A way to fold repeats.
pub trait Reducer: Sync {
    /// Its name in config.
    fn name(&self) -> &'static str;

    /// What it gives, in a line.
    fn summary(&self) -> &'static str;

    /// The one value of `values`, which are finite and which it may reorder; `None` when there are
    /// none.
    fn reduce(&self, values: &mut [f64]) -> Option<f64>;
}

/// Every reducer, in the order of help and README.
pub static REDUCERS: &[&dyn Reducer] = &[&Mean, &Median, &Mode, &Max, &Min];

/// The reducer called `name`.
pub fn find(name: &str) -> Option<&'static dyn Reducer> {
    REDUCERS.iter().copied().find(|reducer| reducer.name() == name)
}

struct Mean;
struct Median;
struct Mode;
struct Max;
struct Min;

impl Reducer for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn summary(&self) -> &'static str {
        "arithmetic mean of the repeats"
    }

    fn reduce(&self, values: &mut [f64]) -> Option<f64> {
        let mut moments = Moments::default();
        for value in values {
            moments.add(*value);
        }
        moments.mean()
    }
}

impl Reducer for Median {
    fn name(&self) -> &'static str {
        "median"
    }

    fn summary(&self) -> &'static str {
        "middle value; of an even count, the mean of the two in the middle"
    }

    fn reduce(&self, values: &mut [f64]) -> Option<f64> {
        values.sort_unstable_by(f64::total_cmp);
        quantile(values, 0.5)
    }
}

impl Reducer for Mode {
    fn name(&self) -> &'static str {
        "mode"
    }

    fn summary(&self) -> &'static str {
        "most frequent value; of several, the smallest"
    }

    fn reduce(&self, values: &mut [f64]) -> Option<f64> {
        values.sort_unstable_by(f64::total_cmp);
        let runs = values.chunk_by(|a, b| a.total_cmp(b).is_eq());
        // Of runs of equal length the first one stays, and the values ascend.
        let longest = runs.reduce(|best, run| if run.len() > best.len() { run } else { best });
        longest.and_then(|run| run.first().copied())
    }
}

impl Reducer for Max {
    fn name(&self) -> &'static str {
        "max"
    }

    fn summary(&self) -> &'static str {
        "largest value: the best of the repeats, for scores where more is better"
    }

    fn reduce(&self, values: &mut [f64]) -> Option<f64> {
        values.iter().copied().max_by(f64::total_cmp)
    }
}

impl Reducer for Min {
    fn name(&self) -> &'static str {
        "min"
    }

    fn summary(&self) -> &'static str {
        "smallest value: the worst of the repeats, for scores where more is better"
    }

    fn reduce(&self, values: &mut [f64]) -> Option<f64> {
        values.iter().copied().min_by(f64::total_cmp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, values: &[f64], expected: Option<f64>) {
        let reducer = find(name).expect("in the list");
        assert_eq!(reducer.reduce(&mut values.to_vec()), expected, "{name} of {values:?}");
    }

    #[test]
    fn repeats_fold() {
        let values = [0.5, 1.0, 0.0, 1.0, 0.5];
        check("mean", &values, Some(0.6));
        check("median", &values, Some(0.5));
        check("median", &[4.0, 1.0, 3.0, 2.0], Some(2.5));
        check("mode", &values, Some(0.5));
        check("mode", &[3.0, 1.0, 3.0], Some(3.0));
        check("max", &values, Some(1.0));
        check("min", &values, Some(0.0));
    }

    #[test]
    fn nothing_folds_to_nothing_and_one_value_to_itself() {
        for reducer in REDUCERS {
            check(reducer.name(), &[], None);
            check(reducer.name(), &[0.25], Some(0.25));
        }
        assert!(find("average").is_none());
    }
}
