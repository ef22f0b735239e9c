//! What the answer cost.

use crate::{
    base::money::Money,
    domain::score::{Score, Verdict},
    scorer::{ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject},
};

static CARD: Card = Card {
    name: "cost",
    summary: "US dollars that the answer cost.",
    range: Range::Number { unit: "USD" },
    better: Better::Lower,
    reads_output: false,
    options: &[OptionCard {
        name: "max",
        kind: "amount: $0.01",
        default: "none: neither passed nor failed",
        doc: "The highest cost with which the answer has passed.",
    }],
    edge_cases: &[
        "All attempts that were answered count, not only the last one.",
        "An answer whose cost is not known has no score; unknown is not free.",
        "An answer from the response cache counts with what it cost when it was asked.",
    ],
    source: "tokens times the prices of the run",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Cost;

#[derive(Debug)]
struct Priced {
    max: Option<Money>,
}

impl ScorerKind for Cost {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        Ok(Built::pure(Priced { max: args.money("max")? }))
    }
}

impl Scorer for Priced {
    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let answer = subject.answer;
        // What an answer costs is a property of the model; that this run paid nothing is not.
        let cost = answer.cached.map_or_else(|| answer.cost(), |hit| hit.saved);
        let Some(cost) = cost else {
            return Verdict::Skipped("the cost is not known".to_owned());
        };
        let passed = self.max.map(|max| cost <= max);
        let over = self.max.filter(|max| cost > *max);
        let explanation = over.map(|max| format!("cost {cost}, allowed is {max}"));
        Verdict::Scored(Score { passed, explanation, ..Score::number(cost.usd()) })
    }
}
