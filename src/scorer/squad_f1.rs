//! `SQuAD`'s F1 over words.

use crate::{
    domain::score::Verdict,
    scorer::{
        ArgError, Args, Better, Built, Card, Range, Scorer, ScorerKind, Subject,
        against::THRESHOLD, compare::accepted, graded::Graded, squad,
    },
};

static CARD: Card = Card {
    name: "squad_f1",
    summary: "How many words the output and the expected answer share, but for case, punctuation and articles.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[THRESHOLD],
    edge_cases: &[
        "The harmonic mean of precision and recall over words, each as often as it occurs; of \
         several expected answers the best counts.",
        "Words are what white space parts, after the normalisation of `squad_em`; Chinese and \
         Japanese without blanks are one word.",
        "When nothing is left of either side it is 1 if nothing is left of the other, else 0.",
        "An expected answer of which nothing is left counts only when there is no other.",
    ],
    source: "the evaluator of SQuAD 2.0 (Rajpurkar et al. 2018), as in transformers 4.57.1; that of \
             SQuAD 1.1 gives 0 where both sides are empty",
};

/// The kind.
#[derive(Debug)]
pub(super) struct SquadF1;

#[derive(Debug)]
struct Shared(Graded);

impl ScorerKind for SquadF1 {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        Ok(Built::pure(Shared(Graded::read(args)?)))
    }
}

impl Scorer for Shared {
    fn needs_expected(&self) -> bool {
        true
    }

    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let expected = match accepted(subject) {
            Ok(expected) => expected,
            Err(verdict) => return verdict,
        };
        self.0.verdict(subject, expected, |output| {
            let got = squad::normalize(output);
            let references = squad::references(expected);
            Ok(references.iter().map(|text| squad::f1(text, &got)).fold(0.0, f64::max))
        })
    }
}
