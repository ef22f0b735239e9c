//! How unsure the model was of its answer.

use crate::{
    domain::score::Verdict,
    scorer::{
        ArgError, Args, Better, Built, Card, Range, Scorer, ScorerKind, Subject,
        bounds::{Bounds, MAX},
    },
};

static CARD: Card = Card {
    name: "perplexity",
    summary: "Perplexity of the answer: e to the minus mean log probability of its tokens.",
    range: Range::Number { unit: "perplexity" },
    better: Better::Lower,
    reads_output: false,
    options: &[MAX],
    edge_cases: &[
        "It needs log probabilities, which must be asked for; an answer without them has no score.",
        "All tokens of the answer count alike, whatever was extracted.",
        "1 is certainty. A token that the model found impossible, or a log probability above 0, is \
         a failure of the scorer.",
        "Models with different tokens cannot be compared by it.",
    ],
    source: "exp(-mean of ln p), as in Jelinek et al. 1977",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Perplexity;

#[derive(Debug)]
struct Unsure(Bounds);

impl ScorerKind for Perplexity {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        Ok(Built::pure(Unsure(Bounds::read(args)?)))
    }
}

impl Scorer for Unsure {
    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let tokens = &subject.generation.logprobs;
        if tokens.is_empty() {
            let why =
                "the answer has no log probabilities; ask for them with `params: {logprobs: 1}`";
            return Verdict::Skipped(why.to_owned());
        }
        // Rounding may lift a certain token a little above 0.
        if let Some(odd) =
            tokens.iter().find(|token| !token.logprob.is_finite() || token.logprob > 1e-3)
        {
            return Verdict::Failed(format!("{} is no log probability", odd.logprob));
        }
        let sum: f64 = tokens.iter().map(|token| token.logprob).sum();
        let perplexity = (-sum / tokens.len() as f64).exp();
        if !perplexity.is_finite() {
            return Verdict::Failed("the perplexity is beyond all numbers".to_owned());
        }
        self.0.verdict(perplexity, "perplexity")
    }
}
