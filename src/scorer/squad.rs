//! The normalisation of `SQuAD`'s evaluator, and what is compared with it.

use std::collections::HashMap;

use crate::scorer::python_text;

/// `text` in lower case, without ASCII punctuation and articles, words apart by one blank.
pub(super) fn normalize(text: &str) -> String {
    let lower = text.to_lowercase();
    let plain: String = lower.chars().filter(|c| !python_text::is_punctuation(*c)).collect();
    let mut words = String::with_capacity(plain.len());
    for word in python_text::split(&without_articles(&plain)) {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    words
}

/// `text`, in lower case, with a blank for every `a`, `an` and `the` between word borders.
pub(super) fn without_articles(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = python_text::is_word(first);
        let end = rest.find(|c| python_text::is_word(c) != is_word).unwrap_or(rest.len());
        let (run, behind) = rest.split_at(end);
        kept.push_str(if matches!(run, "a" | "an" | "the") { " " } else { run });
        rest = behind;
    }
    kept
}

/// The references that count, normalised: those of which something is left, or one empty text when
/// there are none, which is how the dataset writes a question without an answer.
pub(super) fn references(expected: &[String]) -> Vec<String> {
    let mut kept: Vec<String> =
        expected.iter().map(|text| normalize(text)).filter(|text| !text.is_empty()).collect();
    if kept.is_empty() {
        kept.push(String::new());
    }
    kept
}

/// The harmonic mean of precision and recall over the words of two normalised texts.
pub(super) fn f1(reference: &str, output: &str) -> f64 {
    let mut counts: HashMap<&str, i64> = HashMap::new();
    let (mut wanted, mut got, mut same) = (0_u64, 0_u64, 0_u64);
    for word in python_text::split(reference) {
        *counts.entry(word).or_insert(0) += 1;
        wanted += 1;
    }
    for word in python_text::split(output) {
        got += 1;
        if let Some(left) = counts.get_mut(word).filter(|left| **left > 0) {
            *left -= 1;
            same += 1;
        }
    }
    if wanted == 0 || got == 0 {
        return f64::from(u8::from(wanted == got));
    }
    if same == 0 {
        return 0.0;
    }
    let (precision, recall) = (same as f64 / got as f64, same as f64 / wanted as f64);
    (2.0 * precision * recall) / (precision + recall)
}
