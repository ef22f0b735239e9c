//! Values for a whole run out of the sums of what scorers counted.

use crate::domain::score::{Corpus, Smooth};

/// The value of `counts`, which are those of one answer or the sums over many; `None` when they are
/// not what `corpus` takes, or no number comes of them.
///
/// # Source
/// `BLEU.compute_bleu`, `CHRF._compute_f_score` and `TER._compute_score_from_stats` of sacrebleu
/// 2.6.0, divided by 100; `corpus_gleu` of nltk 3.10.4; `process_words` of jiwer 4.0.0.
pub fn pooled(corpus: Corpus, counts: &[f64]) -> Option<f64> {
    let ratio = |without: fn(f64) -> f64| {
        let [part, whole] = *counts else { return None };
        Some(if whole > 0.0 { part / whole } else { without(part) })
    };
    let value = match corpus {
        Corpus::Bleu { smooth, effective_order } => bleu(smooth, effective_order, counts),
        Corpus::Chrf { beta } => chrf(beta, counts),
        Corpus::Share => ratio(|_| 0.0),
        Corpus::EditRate => ratio(|edits| f64::from(u8::from(edits > 0.0))),
        Corpus::ErrorRate => ratio(|errors| errors),
    };
    value.filter(|value| value.is_finite())
}

/// Orders of n-grams that BLEU looks at.
const ORDERS: usize = 4;

fn bleu(smooth: Smooth, effective_order: bool, counts: &[f64]) -> Option<f64> {
    let [length, reference, grams @ ..] = counts else { return None };
    let (matches, totals) = grams.split_at_checked(ORDERS).filter(|(_, t)| t.len() == ORDERS)?;
    if matches.iter().all(|count| *count <= 0.0) {
        return Some(0.0);
    }
    let brevity = if length < reference { (1.0 - reference / length).exp() } else { 1.0 };
    let mut log_precisions = 0.0;
    let mut orders = ORDERS;
    let mut halved = 1.0;
    for (order, (matched, total)) in matches.iter().zip(totals).enumerate() {
        let added = match smooth {
            Smooth::AddK(k) if order > 0 => k,
            _ => 0.0,
        };
        let (matched, total) = (matched + added, total + added);
        if total <= 0.0 {
            // No n-grams of this order: the text is too short for it.
            if !effective_order {
                return Some(0.0);
            }
            orders = order;
            break;
        }
        let precision = match smooth {
            _ if matched > 0.0 => matched / total,
            Smooth::Exp => {
                halved *= 2.0;
                1.0 / (halved * total)
            }
            Smooth::Floor(floor) => floor / total,
            Smooth::None | Smooth::AddK(_) => 0.0,
        };
        log_precisions += precision.ln();
    }
    Some(brevity * (log_precisions / orders as f64).exp())
}

fn chrf(beta: f64, counts: &[f64]) -> Option<f64> {
    let (orders, []) = counts.as_chunks::<3>() else { return None };
    let (mut precision, mut recall, mut used) = (0.0, 0.0, 0.0);
    for [grams, reference, matched] in orders {
        if *grams > 0.0 && *reference > 0.0 {
            precision += matched / grams;
            recall += matched / reference;
            used += 1.0;
        }
    }
    if precision + recall <= 0.0 {
        return Some(0.0);
    }
    let (precision, recall, weight) = (precision / used, recall / used, beta * beta);
    Some((1.0 + weight) * precision * recall / (weight * precision + recall))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(corpus: Corpus, counts: &[f64], expected: Option<f64>) {
        let found = pooled(corpus, counts);
        let near = match (found, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() < 1e-12,
            (found, expected) => found == expected,
        };
        assert!(near, "{corpus:?} of {counts:?} gave {found:?}, not {expected:?}");
    }

    #[test]
    fn ratios_of_nothing_are_numbers() {
        check(Corpus::Share, &[1.0, 4.0], Some(0.25));
        check(Corpus::Share, &[0.0, 0.0], Some(0.0));
        check(Corpus::EditRate, &[3.0, 0.0], Some(1.0));
        check(Corpus::EditRate, &[0.0, 0.0], Some(0.0));
        check(Corpus::ErrorRate, &[3.0, 0.0], Some(3.0));
        check(Corpus::ErrorRate, &[3.0, 2.0], Some(1.5));
    }

    #[test]
    fn counts_of_another_shape_have_no_value() {
        let bleu = Corpus::Bleu { smooth: Smooth::Exp, effective_order: false };
        check(bleu, &[1.0, 2.0, 3.0], None);
        check(bleu, &[0.0; 11], None);
        check(bleu, &[0.0; 10], Some(0.0));
        check(Corpus::Chrf { beta: 2.0 }, &[1.0; 4], None);
        check(Corpus::Chrf { beta: 2.0 }, &[], Some(0.0));
        check(Corpus::ErrorRate, &[1.0], None);
    }

    #[test]
    fn orders_without_a_match_are_smoothed() {
        // Eight words, one 4-gram short of a match.
        let counts = [8.0, 8.0, 7.0, 5.0, 2.0, 0.0, 8.0, 7.0, 6.0, 5.0];
        let bleu = |smooth| Corpus::Bleu { smooth, effective_order: false };
        let with = |last: f64| {
            let product = (7.0 / 8.0) * (5.0 / 7.0) * (2.0 / 6.0) * last;
            Some(f64::powf(product, 0.25))
        };
        check(bleu(Smooth::None), &counts, Some(0.0));
        check(bleu(Smooth::Exp), &counts, with(1.0 / 10.0));
        check(bleu(Smooth::Floor(0.1)), &counts, with(0.1 / 5.0));
    }
}
