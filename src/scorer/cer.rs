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
        let chars = |text: &str| -> Vec<char> {
            self.normalize.apply(text).trim_matches(is_space).chars().collect()
        };
        let output = chars(output);
        best(expected, lower, |reference| rate(&chars(reference), &output))
    }

    fn corpus(&self) -> Option<Corpus> {
        Some(Corpus::ErrorRate)
    }
}
