//! How many tokens the answer took.

use crate::{
    domain::{generation::Generation, score::Verdict},
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        bounds::{Bounds, MAX, MIN},
    },
};

static CARD: Card = Card {
    name: "tokens",
    summary: "Tokens of the call, as the provider counts them.",
    range: Range::Number { unit: "tokens" },
    better: Better::Lower,
    reads_output: false,
    options: &[
        OptionCard {
            name: "count",
            kind: "total, input, output or reasoning",
            default: "total",
            doc: "Which tokens: `input` of the prompt, `output` of the answer with its reasoning, \
                  `reasoning` alone, `total` input and output.",
        },
        MIN,
        MAX,
    ],
    edge_cases: &[
        "Where the provider counts no tokens there is no score.",
        "Tokens read from the provider's prompt cache are part of the input.",
        "`reasoning` has no score where the answer shows reasoning and the provider does not count it.",
        "Failed attempts do not count; `cost` has them.",
        "An answer from the response cache counts with the tokens that it took when it was asked.",
    ],
    source: "the provider's reply",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Tokens;

#[derive(Debug)]
struct Counter {
    count: &'static str,
    bounds: Bounds,
}

impl ScorerKind for Tokens {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let names = ["total", "input", "output", "reasoning"];
        let count = args.name("count", &names)?.unwrap_or("total");
        Ok(Built::pure(Counter { count, bounds: Bounds::read(args)? }))
    }
}

impl Counter {
    fn of(&self, generation: &Generation) -> Option<u64> {
        let usage = generation.usage?;
        match self.count {
            "input" => Some(usage.input),
            "output" => Some(usage.output),
            "reasoning" => {
                let shown = generation.reasoning.as_ref().is_some_and(|text| !text.is_empty());
                (usage.reasoning > 0 || !shown).then_some(usage.reasoning)
            }
            _ => usage.input.checked_add(usage.output),
        }
    }
}

impl Scorer for Counter {
    fn score(&self, subject: &Subject<'_>) -> Verdict {
        match self.of(subject.generation) {
            Some(count) => self.bounds.verdict(count as f64, "tokens"),
            None => Verdict::Skipped("the provider gives no such count of tokens".to_owned()),
        }
    }
}
