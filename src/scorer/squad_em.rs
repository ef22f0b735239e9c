//! `SQuAD`'s exact match.

use crate::{
    domain::score::Verdict,
    scorer::{
        ArgError, Args, Better, Built, Card, Range, Scorer, ScorerKind, Subject,
        compare::{accepted, difference, output, yes_or_no},
        squad,
    },
};

static CARD: Card = Card {
    name: "squad_em",
    summary: "Whether the output is one of the expected answers but for case, punctuation and articles.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[],
    edge_cases: &[
        "Both sides are put in lower case; ASCII punctuation, the words a, an and the, and white \
         space beyond one blank are dropped.",
        "Punctuation of other scripts stays, and a word boundary stands in front of a combining \
         mark, as in the reference.",
        "An expected answer of which nothing is left counts only when there is no other: an \
         unanswerable question, to which an output is right of which nothing is left.",
    ],
    source: "the evaluator of SQuAD 2.0 (Rajpurkar et al. 2018), as in transformers 4.57.1",
};

/// The kind.
#[derive(Debug)]
pub(super) struct SquadEm;

#[derive(Debug)]
struct Same;

impl ScorerKind for SquadEm {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, _: &Args) -> Result<Built, ArgError> {
        Ok(Built::pure(Same))
    }
}

impl Scorer for Same {
    fn needs_expected(&self) -> bool {
        true
    }

    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let (expected, output) = match accepted(subject).and_then(|e| Ok((e, output(subject)?))) {
            Ok(sides) => sides,
            Err(verdict) => return verdict,
        };
        let got = squad::normalize(output);
        let matches = squad::references(expected).contains(&got);
        yes_or_no(matches, || difference(expected, output))
    }
}
