//! Means and their standard errors, in one pass over the values.

/// Count, mean and variance of values that are seen once.
///
/// # Source
/// Variance: Welford (1962), Technometrics 4, 419-420. Sum: Neumaier (1974), ZAMM 54, 39-51.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moments {
    n: u64,
    sum: f64,
    /// What rounding has taken off `sum`.
    lost: f64,
    running_mean: f64,
    squares: f64,
}

impl Moments {
    /// Takes `value` in.
    pub fn add(&mut self, value: f64) {
        self.n += 1;
        let sum = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() {
            (self.sum - sum) + value
        } else {
            (value - sum) + self.sum
        };
        self.sum = sum;
        let off = value - self.running_mean;
        self.running_mean += off / self.n as f64;
        self.squares += off * (value - self.running_mean);
    }

    /// How many values were taken in.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Their sum.
    pub fn sum(&self) -> f64 {
        self.sum + self.lost
    }

    /// Their mean; `None` when there are none, or it is out of the range of `f64`.
    pub fn mean(&self) -> Option<f64> {
        let mean = self.sum() / self.n as f64;
        mean.is_finite().then_some(mean)
    }

    /// The sum of their squared distances from `centre`.
    pub fn squares_about(&self, centre: f64) -> f64 {
        let off = self.running_mean - centre;
        self.squares + self.n as f64 * off * off
    }

    /// The standard error of the mean, with `n - 1` in the variance; `None` for fewer than two
    /// values.
    pub fn standard_error(&self) -> Option<f64> {
        if self.n < 2 {
            return None;
        }
        let error = (self.squares / (self.n as f64 - 1.0) / self.n as f64).sqrt();
        error.is_finite().then_some(error)
    }
}

/// The standard error of a mean over clustered values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusteredError {
    /// The error.
    pub standard_error: f64,
    /// Clusters, a lone value counting as one. A t interval has one degree of freedom less.
    pub clusters: u64,
}

/// The cluster-robust standard error of `mean`, the mean of all values of `clusters`, each given as
/// its count and sum, and of `lone`, which stand by themselves.
///
/// `sqrt(C / (C - 1) * sum over clusters of (sum of (value - mean))²) / n`. `None` for fewer than
/// two clusters.
///
/// # Source
/// Liang and Zeger (1986), Biometrika 73, 13-22; Miller (2024), arXiv:2411.00640; with the
/// correction for few clusters.
pub fn clustered_error(
    mean: f64,
    clusters: impl IntoIterator<Item = (u64, f64)>,
    lone: &Moments,
) -> Option<ClusteredError> {
    let start = (lone.n(), lone.n(), lone.squares_about(mean));
    let (count, n, squares) =
        clusters.into_iter().fold(start, |(count, n, squares), (size, sum)| {
            let off = sum - size as f64 * mean;
            (count + 1, n + size, squares + off * off)
        });
    if count < 2 {
        return None;
    }
    let correction = count as f64 / (count as f64 - 1.0);
    let standard_error = (correction * squares).sqrt() / n as f64;
    standard_error.is_finite().then_some(ClusteredError { standard_error, clusters: count })
}
