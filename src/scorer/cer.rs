//! Character error rate.

use crate::{
    domain::score::Corpus,
    scorer::{
        ArgError, Args, Better, Built, Card, Range, ScorerKind,
        against::{Compare, Found, best, errors, lower},
        error_rate::{OPTIONS, normalize, rate},
        normalize::Normalize,
        python_text::is_space,
    },
};

static CARD: Card = Card {
    name: "cer",
    summary: "Insertions, deletions and substitutions of characters that lead to the expected answer, by its length.",
    range: Range::Number { unit: "errors/character" },
    better: Better::Lower,
    reads_output: true,
    options: OPTIONS,
    edge_cases: &[
        "It may be above 1. Characters are code points; white space counts, but not at the ends.",
        "The metric `mean` is the mean over answers, `corpus` the errors of all answers by all \
         characters.",
        "Of several expected answers the lowest rate counts.",
        "Against an empty expected answer it is the number of characters.",
    ],
    source: "`cer` of jiwer 4.0.0 with its default transforms",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Cer;

#[derive(Debug)]
struct Characters {
    normalize: Normalize,
}

impl ScorerKind for Cer {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        errors(args, Characters { normalize: normalize(args)? })
    }
}

impl Compare for Characters {
    fn compare(&self, expected: &[String], output: &str) -> Result<Found, String> {
        let output = self.normalize.apply(output);
        let output = output.trim_matches(is_space);
        let mut chars = Vec::new();
        best(expected, lower, |reference| {
            let reference = self.normalize.apply(reference);
            let reference = reference.trim_matches(is_space);
            if output.is_ascii() && reference.is_ascii() {
                return rate(reference.as_bytes(), output.as_bytes());
            }
            if chars.is_empty() {
                chars.extend(output.chars());
            }
            rate(&reference.chars().collect::<Vec<char>>(), &chars)
        })
    }

    fn corpus(&self) -> Option<Corpus> {
        Some(Corpus::ErrorRate)
    }
}
