//! How alike two short texts are, such as names, with more weight on how they begin.

use rapidfuzz::distance::jaro_winkler::{Args as Weights, normalized_similarity_with_args};

use crate::scorer::{
    ArgError, Args, Better, Built, Card, OptionCard, Range, ScorerKind,
    against::{Compare, Found, THRESHOLD, best, higher, likeness},
    edits::bounded,
};

static CARD: Card = Card {
    name: "jaro_winkler",
    summary: "Likeness to the expected answer by the characters they share in nearly the same places, more so where they begin alike.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        THRESHOLD,
        OptionCard {
            name: "prefix_weight",
            kind: "number from 0 to 0.25",
            default: "0.1",
            doc: "What each of the first four characters adds when they are the same; 0 is Jaro's likeness.",
        },
    ],
    edge_cases: &[
        "Of several expected answers the most alike counts.",
        "The beginning counts only when the likeness without it is above 0.7, as in rapidfuzz.",
        "Two empty texts are alike: 1; an empty and another are not: 0.",
    ],
    source: "Winkler 1990; `JaroWinkler.normalized_similarity` of rapidfuzz 3.14.6",
};

/// The kind.
#[derive(Debug)]
pub(super) struct JaroWinkler;

#[derive(Debug)]
struct Similarity {
    prefix_weight: f64,
}

impl ScorerKind for JaroWinkler {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let prefix_weight = args.number("prefix_weight", 0.0, 0.25)?.unwrap_or(0.1);
        likeness(args, Similarity { prefix_weight })
    }
}

impl Compare for Similarity {
    fn compare(&self, expected: &[String], output: &str) -> Result<Found, String> {
        let chars: Vec<char> = output.chars().collect();
        let weights = Weights::default().prefix_weight(self.prefix_weight);
        best(expected, higher, |reference| {
            let reference: Vec<char> = reference.chars().collect();
            bounded(reference.len(), chars.len())?;
            Ok(Found::value(normalized_similarity_with_args(
                reference.iter().copied(),
                chars.iter().copied(),
                &weights,
            )))
        })
    }
}
