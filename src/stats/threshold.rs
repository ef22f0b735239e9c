//! Where a score should count as a pass, by people's labels.

use crate::stats::distinct;

/// How well scores at or above a mark tell what people passed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Told {
    /// Share of the items at which both say the same.
    pub accuracy: f64,
    /// Mean of the shares told right among what people passed and among what they failed; `None`
    /// when they did only one of both.
    pub balanced: Option<f64>,
}

/// What a mark at `threshold` tells of `items`, each a score and whether a person passed it; `None`
/// without items.
pub fn told(items: &[(f64, bool)], threshold: f64) -> Option<Told> {
    let count = |wanted: bool| items.iter().filter(|(_, passed)| *passed == wanted).count() as f64;
    let right = |wanted: bool| {
        let right =
            |(score, passed): &&(f64, bool)| *passed == wanted && (*score >= threshold) == wanted;
        items.iter().filter(right).count() as f64
    };
    if items.is_empty() {
        return None;
    }
    let accuracy = (right(true) + right(false)) / items.len() as f64;
    let both = count(true) > 0.0 && count(false) > 0.0;
    let balanced =
        both.then(|| f64::midpoint(right(true) / count(true), right(false) / count(false)));
    Some(Told { accuracy, balanced })
}

/// The mark, midway between two scores, that tells `items` best: by the balanced accuracy, then by
/// the accuracy; of equals the lowest. `None` when all scores are the same, or people passed all or
/// nothing.
///
/// It was chosen by these items, so what it tells of them is too good: ask [`told`] about others.
///
/// # Source
/// Youden (1950), Cancer 3, 32-35: the balanced accuracy is half of his index and one.
pub fn best_threshold(items: &[(f64, bool)]) -> Option<f64> {
    let scores = distinct(items.iter().map(|(score, _)| *score));
    let marks = scores.windows(2).map(|pair| f64::midpoint(pair[0], pair[1]));
    let mut best: Option<((f64, f64), f64)> = None;
    for mark in marks {
        let found = told(items, mark)?;
        let worth = (found.balanced?, found.accuracy);
        if best.is_none_or(|(known, _)| worth > known) {
            best = Some((worth, mark));
        }
    }
    best.map(|(_, mark)| mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_that_separates_is_found() {
        let items = [(0.2, false), (0.4, false), (0.7, true), (0.9, true)];
        let mark = best_threshold(&items).expect("two kinds");
        assert!((mark - 0.55).abs() < 1e-12);
        assert_eq!(told(&items, mark), Some(Told { accuracy: 1.0, balanced: Some(1.0) }));
        let at_half = told(&items, 0.3).expect("items");
        assert!((at_half.accuracy - 0.75).abs() < 1e-12);
    }

    #[test]
    fn a_rare_fail_is_not_given_up_for_the_many_passes() {
        let mut items = vec![(0.9, true); 18];
        items.extend([(0.3, true), (0.3, true), (0.3, false), (0.2, false)]);
        // Passing nearly all would be right more often; half of the fails would then pass.
        assert_eq!(best_threshold(&items), Some(0.6));
    }

    #[test]
    fn nothing_to_choose_from_is_none() {
        assert_eq!(best_threshold(&[]), None);
        assert_eq!(best_threshold(&[(0.5, true), (0.5, false)]), None);
        assert_eq!(best_threshold(&[(0.1, true), (0.5, true)]), None);
        assert_eq!(told(&[], 0.5), None);
        assert_eq!(told(&[(0.5, true)], 0.5).unwrap().balanced, None);
    }
}
