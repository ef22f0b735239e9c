//! ROUGE: n-grams and subsequences that the output shares with a reference.

use std::borrow::Cow;

use crate::scorer::{
    ArgError, Args, Built, OptionCard,
    against::{Compare, Found, THRESHOLD, best, higher, likeness},
    edits::bounded,
    ngrams::Grams,
    porter::stem,
    subsequence::union_hits,
    words::{Ids, Quick},
};

/// The options of the whole family.
pub(super) const OPTIONS: &[OptionCard] = &[
    THRESHOLD,
    OptionCard {
        name: "stem",
        kind: "flag",
        default: "false",
        doc: "Compares the stems of words of more than three letters, after Porter.",
    },
];

/// What holds for the whole family.
pub(super) const EDGE_CASES: &[&str] = &[
    "The value is the F-measure; of several expected answers the best one counts.",
    "Words are runs of the letters a to z and of digits in lower case; everything else separates \
     them, so texts in other scripts have no words and score 0.",
    "Without words on either side the value is 0.",
];

/// Where the numbers come from.
pub(super) const SOURCE: &str = "Lin 2004; `RougeScorer` of rouge-score 0.1.2";

/// A member of the family.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// N-grams of so many words.
    Ngrams(usize),
    /// The longest common subsequence.
    Longest,
    /// Line by line, the union of longest common subsequences.
    Lines,
}

#[derive(Debug)]
struct Rouge {
    kind: Kind,
    stem: bool,
}

/// The scorer of `kind` that `args` ask for.
///
/// # Errors
/// An option of a wrong type.
pub(super) fn build(kind: Kind, args: &Args) -> Result<Built, ArgError> {
    likeness(args, Rouge { kind, stem: args.flag("stem")? })
}

impl Compare for Rouge {
    fn compare(&self, expected: &[String], output: &str) -> Result<Found, String> {
        let output = lower(output);
        let expected: Vec<Cow<'_, str>> = expected.iter().map(|text| lower(text)).collect();
        let mut words = Words {
            stem: self.stem,
            ids: Ids::for_texts(expected.iter().map(|text| &**text).chain([&*output])),
            stems: Quick::default(),
            seen: Vec::new(),
        };
        match self.kind {
            Kind::Ngrams(n) => {
                let output = words.of(&output);
                let expected: Vec<Vec<u32>> = expected.iter().map(|text| words.of(text)).collect();
                let bits = words.ids.bits();
                let grams = Grams::new(&output, n, bits);
                best(&expected, higher, |reference| {
                    let reference = Grams::new(reference, n, bits);
                    let hits = grams.matches(&[&reference], n);
                    Ok(Found::value(f_measure(hits, grams.count(n), reference.count(n))))
                })
            }
            Kind::Longest => {
                let output = words.of(&output);
                best(&expected, higher, |reference| {
                    let reference = words.of(reference);
                    bounded(output.len(), reference.len())?;
                    let (a, b) = (reference.iter().copied(), output.iter().copied());
                    let hits = rapidfuzz::distance::lcs_seq::similarity(a, b);
                    Ok(Found::value(f_measure(hits, output.len(), reference.len())))
                })
            }
            Kind::Lines => {
                let output = words.of_lines(&output);
                let count = |lines: &[Vec<u32>]| lines.iter().map(Vec::len).sum();
                best(&expected, higher, |reference| {
                    let reference = words.of_lines(reference);
                    let hits = union_hits(&reference, &output)?;
                    Ok(Found::value(f_measure(hits, count(&output), count(&reference))))
                })
            }
        }
    }
}

/// `text` in lower case, as far as its words go.
fn lower(text: &str) -> Cow<'_, str> {
    // The first bytes of `İ` and of the sign for kelvin; of what is not ASCII, only these two have
    // letters from a to z in their lower case.
    if text.bytes().any(|byte| matches!(byte, 0xC4 | 0xE2)) {
        return Cow::Owned(text.to_lowercase());
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    Cow::Borrowed(text)
}

fn f_measure(hits: usize, words: usize, reference: usize) -> f64 {
    if hits == 0 || words == 0 || reference == 0 {
        return 0.0;
    }
    let (precision, recall) = (hits as f64 / words as f64, hits as f64 / reference as f64);
    2.0 * precision * recall / (precision + recall)
}

/// Numbers for words, or for their stems.
struct Words<'a> {
    stem: bool,
    ids: Ids<'a>,
    /// The number that stands for each stem.
    stems: Quick<String, u32>,
    /// The same for each number of a word.
    seen: Vec<u32>,
}

impl<'a> Words<'a> {
    fn of(&mut self, text: &'a str) -> Vec<u32> {
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        // What is looked for is ASCII, and no part of a longer character is.
        let mut numbers = Vec::with_capacity(text.len() / 6);
        let (bytes, mut start) = (text.as_bytes(), None);
        for (at, byte) in bytes.iter().enumerate() {
            match (is_word(*byte), start) {
                (true, None) => start = Some(at),
                (false, Some(from)) => {
                    numbers.push(self.number(&text[from..at]));
                    start = None;
                }
                _ => {}
            }
        }
        numbers.extend(start.map(|from| self.number(&text[from..])));
        numbers
    }

    fn of_lines(&mut self, text: &'a str) -> Vec<Vec<u32>> {
        text.split('\n').map(|line| self.of(line)).collect()
    }

    fn number(&mut self, word: &'a str) -> u32 {
        let number = self.ids.of(word);
        if !self.stem {
            return number;
        }
        // Words of one stem share the number of the first of them.
        match self.seen.get(number as usize) {
            Some(known) => *known,
            None => {
                let stem = if word.len() > 3 { stem(word) } else { word.to_owned() };
                let shared = *self.stems.entry(stem).or_insert(number);
                self.seen.push(shared);
                shared
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_case_has_the_words_of_all_lower_case() {
        for c in ('\u{80}'..=char::MAX).filter(|c| c.to_lowercase().any(|c| c.is_ascii())) {
            let text = format!("A{c}B");
            assert_eq!(lower(&text), text.to_lowercase());
        }
        assert_eq!(lower("AÉ"), "aÉ");
    }
}
