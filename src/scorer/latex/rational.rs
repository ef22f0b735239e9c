//! Fractions of whole numbers, exact or not at all.

/// A fraction in lowest terms; its denominator is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rational {
    above: i128,
    below: i128,
}

/// The greatest common divisor.
pub(super) fn gcd(mut one: u128, mut other: u128) -> u128 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

impl Rational {
    /// 0.
    pub(super) const ZERO: Self = Self { above: 0, below: 1 };
    /// 1.
    pub(super) const ONE: Self = Self { above: 1, below: 1 };

    /// `above / below`; `None` for a division by zero.
    pub(super) fn new(above: i128, below: i128) -> Option<Self> {
        if below == 0 {
            return None;
        }
        let common = i128::try_from(gcd(above.unsigned_abs(), below.unsigned_abs())).ok()?;
        let sign = if below < 0 { -1 } else { 1 };
        let above = above.checked_div(common)?.checked_mul(sign)?;
        Some(Self { above, below: below.checked_div(common)?.checked_mul(sign)? })
    }

    /// A whole number.
    pub(super) fn whole(number: i128) -> Self {
        Self { above: number, below: 1 }
    }

    /// The number that plain digits with at most one point mean.
    pub(super) fn decimal(digits: &str) -> Option<Self> {
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let all = format!("{whole}{part}");
        let power = 10_i128.checked_pow(u32::try_from(part.len()).ok()?)?;
        Self::new(all.parse().ok()?, power)
    }

    pub(super) fn is_zero(self) -> bool {
        self.above == 0
    }

    /// Numerator and denominator.
    pub(super) fn parts(self) -> (i128, i128) {
        (self.above, self.below)
    }

    /// The number, where it is whole.
    pub(super) fn to_whole(self) -> Option<i128> {
        (self.below == 1).then_some(self.above)
    }

    pub(super) fn plus(self, other: Self) -> Option<Self> {
        let left = self.above.checked_mul(other.below)?;
        let right = other.above.checked_mul(self.below)?;
        Self::new(left.checked_add(right)?, self.below.checked_mul(other.below)?)
    }

    pub(super) fn times(self, other: Self) -> Option<Self> {
        // Cancelled crosswise first, so that less overflows.
        let (left, right) =
            (Self::new(self.above, other.below)?, Self::new(other.above, self.below)?);
        Self::new(left.above.checked_mul(right.above)?, left.below.checked_mul(right.below)?)
    }

    pub(super) fn negated(self) -> Option<Self> {
        Some(Self { above: self.above.checked_neg()?, below: self.below })
    }
}
