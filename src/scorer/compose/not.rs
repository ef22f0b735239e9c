//! The opposite of another scorer.

use super::{Compound, Fold, OPTION_OF_ONE, explained, one_part, part::Part, passed, unscored};
use crate::{
    domain::score::{Score, Verdict},
    scorer::{ArgError, Args, Better, Built, Card, Range, ScorerKind},
};

static CARD: Card = Card {
    name: "not",
    summary: "The opposite of another scorer: 1 minus its value, passed where that failed.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[OPTION_OF_ONE],
    edge_cases: &[
        "Without a score of the other scorer there is none here.",
        "Of a scorer whose values are no shares, such as `latency`, the pass mark is turned round; without one it is a failure of the scorer.",
    ],
    source: "negation",
};

/// The kind.
#[derive(Debug)]
pub(in crate::scorer) struct Not;

#[derive(Debug)]
struct Opposite;

impl ScorerKind for Not {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        Ok(Compound::new(vec![one_part(args)?], Opposite).into_built())
    }
}

impl Fold for Opposite {
    fn fold(&self, parts: &[Part], verdicts: Vec<Verdict>) -> Verdict {
        let ([part], [verdict]) = (parts, verdicts.as_slice()) else {
            return Verdict::Failed("it takes one scorer".to_owned());
        };
        let score = match verdict {
            Verdict::Scored(score) if part.is_share() => Score {
                value: 1.0 - score.value,
                passed: score.passed.map(|passed| !passed),
                ..Score::number(0.0)
            },
            verdict => match passed(verdict) {
                Ok(passed) => Score::binary(!passed),
                Err(reason) => return unscored(std::iter::once((part, reason))),
            },
        };
        Verdict::Scored(score.because(explained(parts, &verdicts)))
    }
}
