//! Confidence sequences: intervals that hold at all times together, however often one looks.

use crate::stats::Interval;

/// Candidates for the mean, 0 and 1 among them.
const STEPS: usize = 1000;

/// A confidence sequence for the mean of values between 0 and 1 that come in a random order.
///
/// At each candidate for the mean, two gamblers bet on the next value: one that it lies above, one
/// that it lies below. At the true mean their games are fair, so that none is likely ever to become
/// rich; candidates at which one did are out, for good. The chance that the true mean is ever among
/// those is at most one minus the confidence, whenever one stops.
///
/// Memory is two numbers for each of 1,001 candidates, and the ends are rounded outwards to
/// these.
///
/// # Source
/// Waudby-Smith and Ramdas (2024), Journal of the Royal Statistical Society B 86, 1-27: the hedged
/// capital process of section 4.2 with predictable plug-in bets, truncated at one half.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfidenceSequence {
    /// One minus the confidence.
    alpha: f64,
    n: u64,
    sum: f64,
    /// Squared distances from the means so far, begun with one invented value.
    squares: f64,
    /// The logarithms of what the two gamblers have, for each candidate.
    capital: Vec<[f64; 2]>,
    /// The candidates that are left: from the first to the second.
    left: (usize, usize),
}

impl ConfidenceSequence {
    /// Before the first value; `None` unless `0 < confidence < 1`.
    pub fn new(confidence: f64) -> Option<Self> {
        (confidence > 0.0 && confidence < 1.0).then(|| Self {
            alpha: 1.0 - confidence,
            n: 0,
            sum: 0.0,
            squares: 0.25,
            capital: vec![[0.0; 2]; STEPS + 1],
            left: (0, STEPS),
        })
    }

    /// Takes in the next value; one beyond 0 and 1 is cut to them.
    pub fn add(&mut self, value: f64) {
        let value = if value.is_nan() { return } else { value.clamp(0.0, 1.0) };
        let seen = self.n as f64 + 1.0;
        // The bet is laid before the value is seen.
        let variance = self.squares / seen;
        let bet = (2.0 * (2.0 / self.alpha).ln() / (seen * (1.0 + seen).ln() * variance)).sqrt();
        let limit = (1.0 / self.alpha).ln() + std::f64::consts::LN_2;
        let (first, last) = self.left;
        let (mut least, mut most) = (None, None);
        for at in first..=last {
            let mean = at as f64 / STEPS as f64;
            let [up, down] = &mut self.capital[at];
            *up += (bet.min(0.5 / mean) * (value - mean)).ln_1p();
            *down += (-bet.min(0.5 / (1.0 - mean)) * (value - mean)).ln_1p();
            if up.max(*down) <= limit {
                least = least.or(Some(at));
                most = Some(at);
            }
        }
        // Where all are out, the values did not come in a random order; the last ones stay.
        if let (Some(least), Some(most)) = (least, most) {
            self.left = (least, most);
        }
        self.n += 1;
        self.sum += value;
        let mean = (0.5 + self.sum) / (self.n as f64 + 1.0);
        self.squares += (value - mean) * (value - mean);
    }

    /// How many values were taken in.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Their mean; `None` when there are none.
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum / self.n as f64)
    }

    /// The interval so far, never wider than it was; between 0 and 1.
    pub fn interval(&self) -> Interval {
        let (first, last) = self.left;
        let steps = STEPS as f64;
        Interval {
            low: first.saturating_sub(1) as f64 / steps,
            high: (last + 1).min(STEPS) as f64 / steps,
        }
    }
}
