//! Word error rate.

use std::{borrow::Cow, hash::BuildHasher as _};

use foldhash::fast::RandomState;

use crate::{
    domain::score::Corpus,
    scorer::{
        ArgError, Args, Better, Built, Card, Range, ScorerKind,
        against::{Compare, Found, best, errors, lower},
        edits::{distance, in_one_block},
        error_rate::{OPTIONS, normalize, rate_of},
        normalize::Normalize,
        python_text::is_space,
        words::Ids,
    },
};

static CARD: Card = Card {
    name: "wer",
    summary: "Insertions, deletions and substitutions of words that lead to the expected answer, by its length.",
    range: Range::Number { unit: "errors/word" },
    better: Better::Lower,
    reads_output: true,
    options: OPTIONS,
    edge_cases: &[
        "It may be above 1. Case and punctuation count unless `normalize` says otherwise.",
        "Words stand between blanks, as by jiwer: two or more characters of white space are a blank, \
         a single line feed or tab is part of a word.",
        "The metric `mean` is the mean over answers, `corpus` the errors of all answers by all words.",
        "Of several expected answers the lowest rate counts.",
        "Against an empty expected answer it is the number of words.",
    ],
    source: "`wer` of jiwer 4.0.0 with its default transforms",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Wer;

#[derive(Debug)]
struct Words {
    normalize: Normalize,
}

impl ScorerKind for Wer {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        errors(args, Words { normalize: normalize(args)? })
    }
}

impl Compare for Words {
    fn compare(&self, expected: &[String], output: &str) -> Result<Found, String> {
        let output = blanks(self.normalize.apply(output));
        best(expected, lower, |reference| {
            let reference = blanks(self.normalize.apply(reference));
            let errors = errors_between(&reference, &output)?;
            Ok(rate_of(errors, count(&reference)))
        })
    }

    fn corpus(&self) -> Option<Corpus> {
        Some(Corpus::ErrorRate)
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

/// How many words there are, by where they begin.
fn count(text: &str) -> usize {
    let bytes = text.as_bytes();
    let begins = bytes.iter().zip(bytes.iter().skip(1));
    let begins = begins.filter(|(before, byte)| **before == b' ' && **byte != b' ').count();
    begins + usize::from(bytes.first().is_some_and(|byte| *byte != b' '))
}

/// The distance of two texts in words.
///
/// # Errors
/// They are too long.
fn errors_between(a: &str, b: &str) -> Result<usize, String> {
    let (a, b) = differing(a, b);
    let counts = (count(a), count(b));
    let (short, long) = if counts.0 <= counts.1 { (a, b) } else { (b, a) };
    let fewer = counts.0.min(counts.1);
    if fewer == 0 {
        return Ok(counts.0.max(counts.1));
    }
    if fewer <= Places::MOST {
        let places = Places::of(words(short));
        return Ok(in_one_block(fewer, words(long).map(|word| places.get(word))));
    }
    let mut ids = Ids::for_texts([short, long]);
    let mut numbers = |text| words(text).map(|word| ids.of(word)).collect::<Vec<u32>>();
    let (short, long) = (numbers(short), numbers(long));
    distance(&short, &long)
}

/// Both texts without the words that they begin or end with alike.
fn differing<'a>(a: &'a str, b: &'a str) -> (&'a str, &'a str) {
    let is_blank = |byte: &u8| *byte == b' ';
    let alike = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let start = a.as_bytes()[..alike].iter().rposition(is_blank).map_or(0, |at| at + 1);
    let (a, b) = (&a[start..], &b[start..]);
    let alike = a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
    let tail = &a.as_bytes()[a.len() - alike..];
    let end = tail.iter().position(is_blank).map_or(0, |at| alike - at);
    (&a[..a.len() - end], &b[..b.len() - end])
}

/// Slots for the words of a short text.
const SLOTS: usize = 128;

/// Where each word of a short text stands, as a bit each.
struct Places<'a> {
    slots: [(&'a str, u64); SLOTS],
    hasher: RandomState,
}

impl<'a> Places<'a> {
    /// Words that find room; half of the slots stay free.
    const MOST: usize = 64;

    fn of(words: impl Iterator<Item = &'a str>) -> Self {
        let mut places = Self { slots: [("", 0); SLOTS], hasher: RandomState::default() };
        for (at, word) in words.enumerate().take(Self::MOST) {
            let slot = places.slot(word);
            places.slots[slot].0 = word;
            places.slots[slot].1 |= 1 << at;
        }
        places
    }

    /// Where `word` is, or would be.
    fn slot(&self, word: &str) -> usize {
        let mut slot = self.hasher.hash_one(word) as usize % SLOTS;
        while !self.slots[slot].0.is_empty() && self.slots[slot].0 != word {
            slot = (slot + 1) % SLOTS;
        }
        slot
    }

    fn get(&self, word: &str) -> u64 {
        self.slots[self.slot(word)].1
    }
}

/// `text` with one blank for two or more characters of white space, and none at its ends.
fn blanks(text: Cow<'_, str>) -> Cow<'_, str> {
    if is_plain(&text) {
        return text;
    }
    let mut made = String::with_capacity(text.len());
    let mut rest = text.trim_matches(is_space);
    while let Some(at) = rest.find(is_space) {
        let (word, tail) = rest.split_at(at);
        let next = tail.trim_start_matches(is_space);
        let white = &tail[..tail.len() - next.len()];
        made.push_str(word);
        made.push_str(if white.chars().nth(1).is_some() { " " } else { white });
        rest = next;
    }
    made.push_str(rest);
    Cow::Owned(made)
}

/// Whether `text` is as it should be already: with single blanks between words, and no character
/// that may be other white space. Looks at all of it, since that takes many bytes at a time.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    // White space beyond ASCII begins with one of four bytes.
    let other = |byte: u8| !byte.is_ascii() && byte != 0xC2 && !(0xE1..=0xE3).contains(&byte);
    let fits = |byte: u8| (b' '..=b'~').contains(&byte) || other(byte);
    let pairs = bytes.iter().zip(bytes.iter().skip(1));
    bytes.first() != Some(&b' ')
        && bytes.last() != Some(&b' ')
        && bytes.iter().filter(|byte| !fits(**byte)).count() == 0
        && pairs.filter(|(a, b)| **a == b' ' && **b == b' ').count() == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_that_are_left_out_change_nothing(
            a in "[abé ]{0,90}", b in "[abé ]{0,90}", many in 0_usize..70,
        ) {
            let (a, b) = (format!("{}{a}", "x ".repeat(many)), format!("{b}{}", " y".repeat(many)));
            for (a, b) in [(&a, &b), (&a, &a), (&b, &a)] {
                let mut ids = Ids::for_texts([a.as_str(), b]);
                let mut numbers = |text| words(text).map(|word| ids.of(word)).collect::<Vec<u32>>();
                let (left, right) = (numbers(a), numbers(b));
                prop_assert_eq!(count(a), left.len());
                prop_assert_eq!(errors_between(a, b), distance(&left, &right));
            }
        }
    }

    #[test]
    fn runs_of_white_space_are_one_blank() {
        assert!(matches!(blanks("a b".into()), Cow::Borrowed("a b")));
        assert!(matches!(blanks("é ß".into()), Cow::Borrowed("é ß")));
        assert_eq!(blanks(" a  b ".into()), "a b");
        assert_eq!(blanks(" \ta\tb \n c\u{a0}\u{a0}d \u{1c}".into()), "a\tb c d");
        for c in (0x80..=u32::from(char::MAX)).filter_map(char::from_u32).filter(|c| is_space(*c)) {
            assert!(!is_plain(&format!("a{c}b")), "{c:?}");
        }
    }
}
