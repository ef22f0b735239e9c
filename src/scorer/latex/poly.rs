//! Sums of terms of a fraction, a square root and powers of symbols, and quotients of such sums.

use std::{collections::BTreeMap, fmt::Write as _};

use super::rational::{Rational, gcd};

/// Most terms of a sum.
const MAX_TERMS: usize = 256;

/// Largest number under a root whose square factors are looked for.
const MAX_ROOT: u128 = 1_000_000_000_000_000;

/// Largest whole power that is multiplied out.
const MAX_POWER: u32 = 64;

/// What a coefficient multiplies: a square root and symbols with their powers, by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Term {
    /// Without square factors; 1 is no root.
    root: u128,
    powers: BTreeMap<String, i32>,
}

/// A sum of terms, none of them with a coefficient of 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Sum(BTreeMap<Term, Rational>);

impl Sum {
    fn constant(number: Rational) -> Self {
        Self::single(Term { root: 1, powers: BTreeMap::new() }, number)
    }

    fn single(term: Term, number: Rational) -> Self {
        Self(if number.is_zero() { BTreeMap::new() } else { BTreeMap::from([(term, number)]) })
    }

    fn plus(&self, other: &Self) -> Option<Self> {
        let mut sum = self.0.clone();
        for (term, number) in &other.0 {
            let before = sum.remove(term).unwrap_or(Rational::ZERO);
            let after = before.plus(*number)?;
            if !after.is_zero() {
                sum.insert(term.clone(), after);
            }
        }
        (sum.len() <= MAX_TERMS).then_some(Self(sum))
    }

    fn times(&self, other: &Self) -> Option<Self> {
        if self.0.len().checked_mul(other.0.len())? > MAX_TERMS * 16 {
            return None;
        }
        let mut product = Self::default();
        for (left, by) in &self.0 {
            let mut row = BTreeMap::new();
            for (right, number) in &other.0 {
                let (term, factor) = left.times(right)?;
                let number = by.times(*number)?.times(factor)?;
                let before = row.remove(&term).unwrap_or(Rational::ZERO);
                let after = number.plus(before)?;
                if !after.is_zero() {
                    row.insert(term, after);
                }
            }
            product = product.plus(&Self(row))?;
        }
        Some(product)
    }

    /// The number that it is, where it has no root and no symbol.
    fn rational(&self) -> Option<Rational> {
        let mut terms = self.0.iter();
        match (terms.next(), terms.next()) {
            (None, _) => Some(Rational::ZERO),
            (Some((term, number)), None) if term.root == 1 && term.powers.is_empty() => {
                Some(*number)
            }
            _ => None,
        }
    }
}

impl Term {
    fn times(&self, other: &Self) -> Option<(Self, Rational)> {
        let common = gcd(self.root, other.root);
        let root = (self.root / common).checked_mul(other.root / common)?;
        let mut powers = self.powers.clone();
        for (name, power) in &other.powers {
            let sum = powers.get(name).copied().unwrap_or(0).checked_add(*power)?;
            if sum == 0 {
                powers.remove(name);
            } else {
                powers.insert(name.clone(), sum);
            }
        }
        Some((Self { root, powers }, Rational::whole(i128::try_from(common).ok()?)))
    }
}

/// A quotient of two sums; the lower one is not 0.
#[derive(Debug, Clone)]
pub(super) struct Quotient {
    above: Sum,
    below: Sum,
}

impl Quotient {
    pub(super) fn number(number: Rational) -> Self {
        Self { above: Sum::constant(number), below: Sum::constant(Rational::ONE) }
    }

    pub(super) fn symbol(name: &str) -> Self {
        let term = Term { root: 1, powers: BTreeMap::from([(name.to_owned(), 1)]) };
        Self { above: Sum::single(term, Rational::ONE), below: Sum::constant(Rational::ONE) }
    }

    pub(super) fn rational(&self) -> Option<Rational> {
        let (above, (p, q)) = (self.above.rational()?, self.below.rational()?.parts());
        above.times(Rational::new(q, p)?)
    }

    pub(super) fn plus(&self, other: &Self) -> Option<Self> {
        if self.below == other.below {
            return Some(Self { above: self.above.plus(&other.above)?, below: self.below.clone() });
        }
        let left = self.above.times(&other.below)?;
        let right = other.above.times(&self.below)?;
        Some(Self { above: left.plus(&right)?, below: self.below.times(&other.below)? })
    }

    pub(super) fn negated(&self) -> Option<Self> {
        let minus = Sum::constant(Rational::ONE.negated()?);
        Some(Self { above: self.above.times(&minus)?, below: self.below.clone() })
    }

    pub(super) fn times(&self, other: &Self) -> Option<Self> {
        Some(Self {
            above: self.above.times(&other.above)?,
            below: self.below.times(&other.below)?,
        })
    }

    /// One over it; `None` for 0.
    pub(super) fn inverted(&self) -> Option<Self> {
        (!self.above.0.is_empty())
            .then(|| Self { above: self.below.clone(), below: self.above.clone() })
    }

    /// Its power: by multiplying out, as a root, or as a symbol of its own.
    pub(super) fn power(&self, exponent: &Self) -> Option<Self> {
        let Some(number) = exponent.rational() else {
            return Some(Self::symbol(&format!("({})^({})", self.name(), exponent.name())));
        };
        match number.parts() {
            (whole, 1) => {
                let count = u32::try_from(whole.unsigned_abs()).ok().filter(|n| *n <= MAX_POWER)?;
                let base = if whole < 0 { self.inverted()? } else { self.clone() };
                (0..count).try_fold(Self::number(Rational::ONE), |power, _| power.times(&base))
            }
            (whole, 2) => self.root(2)?.power(&Self::number(Rational::whole(whole))),
            (whole, below) => {
                let degree = u32::try_from(below).ok().filter(|n| *n <= MAX_POWER)?;
                self.root(degree)?.power(&Self::number(Rational::whole(whole)))
            }
        }
    }

    /// Its root of a degree from 2 on.
    pub(super) fn root(&self, degree: u32) -> Option<Self> {
        let opaque = || Some(Self::symbol(&format!("root{degree}({})", self.name())));
        let Some(number) = self.rational() else { return opaque() };
        let (above, below) = number.parts();
        if degree == 2 {
            // √(p/q) = √(pq)/q; of a negative number it is imaginary.
            let inside = above.unsigned_abs().checked_mul(below.unsigned_abs())?;
            let Some((outside, root)) = square_free(inside) else { return opaque() };
            let factor = Rational::new(i128::try_from(outside).ok()?, below)?;
            let powers =
                if above < 0 { BTreeMap::from([("i".to_owned(), 1)]) } else { BTreeMap::new() };
            let above = Sum::single(Term { root, powers }, factor);
            return Some(Self { above, below: Sum::constant(Rational::ONE) });
        }
        let exact = |n: u128| {
            let near = (n as f64).powf(1.0 / f64::from(degree)).round() as u128;
            near.checked_pow(degree).filter(|power| *power == n).map(|_| near)
        };
        if above < 0 && degree.is_multiple_of(2) {
            return opaque();
        }
        let (Some(top), Some(bottom)) = (exact(above.unsigned_abs()), exact(below.unsigned_abs()))
        else {
            return opaque();
        };
        let top = i128::try_from(top).ok()?.checked_mul(above.signum())?;
        Some(Self::number(Rational::new(top, i128::try_from(bottom).ok()?)?))
    }

    /// A text that is the same for the same sums, to name symbols by.
    pub(super) fn name(&self) -> String {
        if let Some(number) = self.rational() {
            let (above, below) = number.parts();
            return format!("{above}/{below}");
        }
        let mut name = String::new();
        for (sum, sign) in [(&self.above, ""), (&self.below, "|")] {
            name.push_str(sign);
            for (term, number) in &sum.0 {
                let (above, below) = number.parts();
                write!(name, "+{above}/{below}r{}", term.root).ok();
                for (symbol, power) in &term.powers {
                    write!(name, "*{symbol}^{power}").ok();
                }
            }
        }
        name
    }

    /// Whether one is the other times a number that is not 0, where that can be told.
    pub(super) fn proportional(&self, other: &Self) -> Option<bool> {
        let (left, right) = (self.above.times(&other.below)?, other.above.times(&self.below)?);
        let (Some((term, a)), Some((same, b))) =
            (left.0.first_key_value(), right.0.first_key_value())
        else {
            return Some(left == right);
        };
        if term != same {
            return Some(false);
        }
        let (above, below) = b.parts();
        let factor = a.times(Rational::new(below, above)?)?;
        Some(right.times(&Sum::constant(factor))? == left)
    }

    /// Whether both are the same; `None` when that is too much to work out.
    pub(super) fn equals(&self, other: &Self) -> Option<bool> {
        Some(self.above.times(&other.below)? == other.above.times(&self.below)?)
    }
}

/// `number` as the square of the first times the second, which has no square factor.
fn square_free(number: u128) -> Option<(u128, u128)> {
    if number > MAX_ROOT {
        return None;
    }
    let (mut outside, mut inside, mut rest) = (1, 1, number);
    let mut factor = 2;
    // What is left behind the cube root has two prime factors at most.
    while factor * factor * factor <= rest {
        while rest % (factor * factor) == 0 {
            rest /= factor * factor;
            outside *= factor;
        }
        if rest % factor == 0 {
            rest /= factor;
            inside *= factor;
        }
        factor += 1;
    }
    let side = rest.isqrt();
    if rest == 0 {
        return Some((0, 1));
    }
    if side * side == rest {
        Some((outside * side, inside))
    } else {
        Some((outside, inside * rest))
    }
}
