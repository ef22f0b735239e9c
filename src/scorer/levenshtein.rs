//! How alike the output and the expected answer are, letter by letter.

use crate::scorer::{
    ArgError, Args, Better, Built, Card, Range, ScorerKind,
    against::{Compare, Found, THRESHOLD, best, higher, likeness},
    edits::similarity,
};

static CARD: Card = Card {
    name: "levenshtein",
    summary: "1 minus the edit distance to the expected answer, as a share of the longer text.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[THRESHOLD],
    edge_cases: &[
        "Of several expected answers the most alike counts.",
        "Insertion, deletion and substitution of a code point cost 1 each; an emoji of several code \
         points counts as several.",
        "Two empty texts are alike: 1.",
        "Texts of more than 2,000,000 characters are a failure of the scorer, and so are two that \
         differ over more than 200,000 by 200,000.",
    ],
    source: "Levenshtein 1966; `Levenshtein.normalized_similarity` of rapidfuzz",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Levenshtein;

#[derive(Debug)]
struct Similarity;

impl ScorerKind for Levenshtein {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        likeness(args, Similarity)
    }
}

impl Compare for Similarity {
    fn compare(&self, expected: &[String], output: &str) -> Result<Found, String> {
        best(expected, higher, |reference| similarity(reference, output).map(Found::value))
    }
}
