//! Quantiles of the normal, of Student's t and of the binomial distribution.

use statrs::distribution::{Binomial, Continuous, ContinuousCDF, DiscreteCDF, Normal, StudentsT};

/// Steps of Newton's method; from the start taken here, some 60 reach the furthest tails.
const MAX_STEPS: u32 = 200;

/// The `p` quantile of the standard normal distribution; `None` unless `0 < p < 1`.
pub fn normal_quantile(p: f64) -> Option<f64> {
    inside(p).then(|| Normal::standard().inverse_cdf(p)).filter(|z| z.is_finite())
}

/// The chance that a standard normal number is at most `z`.
pub fn normal_cdf(z: f64) -> f64 {
    Normal::standard().cdf(z)
}

/// The chance that at most `k` of `n` tries succeed, each with the chance `p`; `None` unless
/// `0 <= p <= 1`.
pub(super) fn binomial_cdf(k: u64, n: u64, p: f64) -> Option<f64> {
    Binomial::new(p, n).ok().map(|distribution| distribution.cdf(k))
}

/// The `p` quantile of Student's t distribution with `df` degrees of freedom; `None` unless
/// `0 < p < 1` and `df` is positive and finite.
///
/// Solved on the survival function, since the inverse that statrs offers is up to some percent off
/// for few degrees of freedom. Right of 0 that function falls and is convex, and the normal quantile
/// lies left of the root: Newton's method walks to the root from one side and cannot overshoot.
pub fn t_quantile(p: f64, df: f64) -> Option<f64> {
    if !inside(p) || !df.is_finite() {
        return None;
    }
    let distribution = StudentsT::new(0.0, 1.0, df).ok()?;
    let tail = p.min(1.0 - p);
    let mut t = normal_quantile(tail)?.abs();
    for _ in 0..MAX_STEPS {
        let step = (distribution.sf(t) - tail) / distribution.pdf(t);
        t += step;
        if step.abs() <= t.abs() * 1e-15 {
            break;
        }
    }
    t.is_finite().then(|| if p < 0.5 { -t } else { t })
}

/// The chance that Student's t with `df` degrees of freedom lies at least as far from 0 as `t`, on
/// either side; `None` unless `df` is positive and finite and `t` a number.
pub(super) fn t_tails(t: f64, df: f64) -> Option<f64> {
    let distribution = StudentsT::new(0.0, 1.0, df).ok().filter(|_| df.is_finite())?;
    (!t.is_nan()).then(|| (2.0 * distribution.sf(t.abs())).min(1.0))
}

fn inside(p: f64) -> bool {
    p > 0.0 && p < 1.0
}
