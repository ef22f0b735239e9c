//! Edit distances of lists of any kind, with a limit on the work.

use rapidfuzz::{HashableChar, distance::levenshtein};

/// Most pairs of items that are compared: 200,000 by 200,000.
pub(super) const MAX_PAIRS: u64 = 40_000_000_000;

/// The least number of insertions, deletions and substitutions that lead from `a` to `b`; the
/// beginning and the end that they share are free.
///
/// # Errors
/// Why there is none: they are too long.
pub(super) fn distance<T: HashableChar + Copy + PartialEq>(
    a: &[T],
    b: &[T],
) -> Result<usize, String> {
    let start = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[start..], &b[start..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
    bounded(a.len(), b.len())?;
    Ok(levenshtein::distance(a.iter().copied(), b.iter().copied()))
}

/// Refuses more work than there is time for.
///
/// # Errors
/// What is too much.
pub(super) fn bounded(a: usize, b: usize) -> Result<(), String> {
    if (a as u64).saturating_mul(b as u64) <= MAX_PAIRS {
        return Ok(());
    }
    Err(format!("too long to compare: {a} by {b}; at most {MAX_PAIRS} pairs are compared"))
}

/// `1 - distance / longer`, of code points; 1 of two empty texts.
///
/// # Errors
/// They are too long.
pub(super) fn similarity(a: &str, b: &str) -> Result<f64, String> {
    let (distance, longest) = if a.is_ascii() && b.is_ascii() {
        (distance(a.as_bytes(), b.as_bytes())?, a.len().max(b.len()))
    } else {
        let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
        (distance(&a, &b)?, a.len().max(b.len()))
    };
    Ok(if longest == 0 { 1.0 } else { 1.0 - distance as f64 / longest as f64 })
}
