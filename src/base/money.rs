//! Money as an integer count of picodollars, so that sums are exact.

use std::{fmt, iter::Sum, ops::Add};

/// An amount in picodollars: 1e-12 US dollars. Holds up to 9.2 million dollars either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Money(i64);

const PICO_PER_USD: f64 = 1e12;

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The amount of `pico` picodollars.
    pub const fn from_pico(pico: i64) -> Self {
        Self(pico)
    }

    /// The count of picodollars.
    pub const fn pico(self) -> i64 {
        self.0
    }

    /// The nearest amount to `usd` dollars; `None` when it is not finite or out of range.
    pub fn from_usd(usd: f64) -> Option<Self> {
        let pico = (usd * PICO_PER_USD).round();
        (pico.abs() < i64::MAX as f64).then_some(Self(pico as i64))
    }

    /// Dollars, for display and export. Sums are taken before, on the integers.
    pub fn usd(self) -> f64 {
        self.0 as f64 / PICO_PER_USD
    }

    /// `count` times this amount, saturating.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX)))
    }
}

impl Add for Money {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    /// Dollars with as many digits as the size of the amount asks for: `$12.35`, `$0.0123`, `$0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usd = self.usd();
        match usd.abs() {
            0.0 => f.write_str("$0"),
            size if size >= 1.0 => write!(f, "${usd:.2}"),
            size if size >= 0.000_1 => write!(f, "${usd:.4}"),
            size => {
                let decimals = (1.0 - size.log10().floor()) as usize;
                write!(f, "${usd:.decimals$}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact() {
        let tenth = Money::from_usd(0.1).expect("in range");
        assert_eq!((0..10).map(|_| tenth).sum::<Money>(), Money::from_usd(1.0).expect("in range"));
        assert_eq!(Money::from_usd(f64::NAN), None);
        assert_eq!(Money::from_usd(1e30), None);
    }

    #[test]
    fn shown_with_the_digits_that_matter() {
        let shown = |usd| Money::from_usd(usd).expect("in range").to_string();
        assert_eq!(
            [shown(0.0), shown(12.345), shown(0.01234), shown(0.000_002)],
            ["$0", "$12.35", "$0.0123", "$0.0000020"]
        );
    }
}
