//! Word error rate.

use std::borrow::Cow;

use crate::{
    domain::score::Corpus,
    scorer::{
        ArgError, Args, Better, Built, Card, Range, ScorerKind,
        against::{Compare, Found, best, errors, lower},
        error_rate::{OPTIONS, normalize, rate},
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
        let expected: Vec<Cow<'_, str>> =
            expected.iter().map(|text| blanks(self.normalize.apply(text))).collect();
        let mut ids = Ids::for_texts(expected.iter().map(|text| &**text).chain([&*output]));
        let output = numbers(&output, &mut ids);
        best(&expected, lower, |reference| rate(&numbers(reference, &mut ids), &output))
    }

    fn corpus(&self) -> Option<Corpus> {
        Some(Corpus::ErrorRate)
    }
}

fn numbers<'a>(text: &'a str, ids: &mut Ids<'a>) -> Vec<u32> {
    text.split(' ').filter(|word| !word.is_empty()).map(|word| ids.of(word)).collect()
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
/// that may be other white space.
fn is_plain(text: &str) -> bool {
    let blank = |byte: &u8| *byte == b' ';
    let bytes = text.as_bytes();
    // White space beyond ASCII begins with one of four bytes.
    let other = |byte: &u8| !byte.is_ascii() && !matches!(byte, 0xC2 | 0xE1..=0xE3);
    bytes.iter().all(|byte| byte.is_ascii_graphic() || blank(byte) || other(byte))
        && !bytes.first().is_some_and(blank)
        && !bytes.last().is_some_and(blank)
        && !bytes.windows(2).any(|pair| pair == b"  ")
}

#[cfg(test)]
mod tests {
    use super::*;

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
