//! Mathematical answers in LaTeX: normalised as text, and compared by what they mean.
//!
//! Arithmetic is exact, on rationals, square roots and symbols; what it cannot decide is compared as
//! normalised text. Nothing is claimed about functions, inequalities that would have to be solved,
//! and factors that would have to be cancelled by other means than multiplying out.

mod answer;
mod clean;
mod parse;
mod poly;
mod rational;

pub(super) use clean::boxed;

/// Longest text whose meaning is looked at, in bytes; longer ones are compared as text.
const MAX_LENGTH: usize = 4_000;

/// Whether `one` and `other` are the same answer.
pub(super) fn equivalent(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim(), other.trim());
    if one == other || clean::normal(one) == clean::normal(other) {
        return true;
    }
    if one.len() > MAX_LENGTH || other.len() > MAX_LENGTH {
        return false;
    }
    let (one, other) = (clean::plain(one), clean::plain(other));
    if one.is_empty() || other.is_empty() {
        return false;
    }
    answer::read(&one, 0)
        .is_some_and(|one| answer::read(&other, 0).is_some_and(|other| answer::same(&one, &other)))
}

#[cfg(test)]
mod tests;
