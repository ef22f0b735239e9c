//! ROUGE: n-grams and subsequences that the output shares with a reference.

use std::collections::HashMap;

use crate::scorer::{
    ArgError, Args, Built, OptionCard,
    against::{Compare, Found, THRESHOLD, best, higher, likeness},
    edits::bounded,
    ngrams::{matches, sorted},
    porter::stem,
    subsequence::union_hits,
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
        best(expected, higher, |reference| {
            let mut ids = Words { stem: self.stem, ids: HashMap::new(), seen: HashMap::new() };
            let value = match self.kind {
                Kind::Ngrams(n) => {
                    let grams = sorted(&ids.of(output), n, 32);
                    let reference = sorted(&ids.of(reference), n, 32);
                    let hits = matches(&grams, &[&reference]);
                    f_measure(hits, grams.len(), reference.len())
                }
                Kind::Longest => {
                    let (words, reference) = (ids.of(output), ids.of(reference));
                    bounded(words.len(), reference.len())?;
                    let (a, b) = (reference.iter().copied(), words.iter().copied());
                    let hits = rapidfuzz::distance::lcs_seq::similarity(a, b);
                    f_measure(hits, words.len(), reference.len())
                }
                Kind::Lines => {
                    let mut lines = |text: &str| -> Vec<Vec<u32>> {
                        text.split('\n').map(|line| ids.of(line)).collect()
                    };
                    let (lines, reference) = (lines(output), lines(reference));
                    let count = |lines: &[Vec<u32>]| lines.iter().map(Vec::len).sum();
                    let hits = union_hits(&reference, &lines)?;
                    f_measure(hits, count(&lines), count(&reference))
                }
            };
            Ok(Found::value(value))
        })
    }
}

fn f_measure(hits: usize, words: usize, reference: usize) -> f64 {
    if hits == 0 || words == 0 || reference == 0 {
        return 0.0;
    }
    let (precision, recall) = (hits as f64 / words as f64, hits as f64 / reference as f64);
    2.0 * precision * recall / (precision + recall)
}

/// Numbers for words, or for their stems.
struct Words {
    stem: bool,
    ids: HashMap<String, u32>,
    /// Of words as written, when they are stemmed.
    seen: HashMap<String, u32>,
}

impl Words {
    fn of(&mut self, text: &str) -> Vec<u32> {
        let lower = if text.is_ascii() { text.to_ascii_lowercase() } else { text.to_lowercase() };
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let words = lower.split(|c| !is_word(c)).filter(|word| !word.is_empty());
        words.map(|word| if self.stem { self.stemmed(word) } else { self.id(word) }).collect()
    }

    fn id(&mut self, word: &str) -> u32 {
        if let Some(id) = self.ids.get(word) {
            return *id;
        }
        let next = self.ids.len() as u32;
        self.ids.insert(word.to_owned(), next);
        next
    }

    fn stemmed(&mut self, word: &str) -> u32 {
        if let Some(id) = self.seen.get(word) {
            return *id;
        }
        let id = if word.len() > 3 { self.id(&stem(word)) } else { self.id(word) };
        self.seen.insert(word.to_owned(), id);
        id
    }
}
