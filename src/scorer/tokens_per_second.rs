//! How fast the answer came.

use crate::{
    domain::score::Verdict,
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        bounds::{Bounds, MIN},
    },
};

static CARD: Card = Card {
    name: "tokens_per_second",
    summary: "Tokens of the answer for each second that it took.",
    range: Range::Number { unit: "tokens/s" },
    better: Better::Higher,
    reads_output: false,
    options: &[
        OptionCard {
            name: "from",
            kind: "start or first_token",
            default: "start",
            doc: "Where the time begins: at the request, or at the first piece of text, which then \
                  does not count and only streamed answers have.",
        },
        MIN,
    ],
    edge_cases: &[
        "Reasoning is part of the answer's tokens.",
        "Without the provider's count of tokens or without a time there is no score, nor when the \
         time is nothing.",
        "An answer from the response cache has none: nothing was timed.",
    ],
    source: "the provider's count over the client's own clock",
};

/// The kind.
#[derive(Debug)]
pub(super) struct TokensPerSecond;

#[derive(Debug)]
struct Speed {
    first_token: bool,
    bounds: Bounds,
}

impl ScorerKind for TokensPerSecond {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let from = args.name("from", &["start", "first_token"])?;
        let first_token = from == Some("first_token");
        Ok(Built::pure(Speed { first_token, bounds: Bounds::read(args)? }))
    }
}

impl Speed {
    fn measure(&self, subject: &Subject<'_>) -> Result<f64, &'static str> {
        let answer = subject.answer;
        if answer.cached.is_some() {
            return Err("nothing was timed: the answer is from the cache");
        }
        let usage = subject.generation.usage.ok_or("the provider gives no count of tokens")?;
        let latency = answer.latency_us().ok_or("the latency is not known")?;
        let (tokens, micros) = if self.first_token {
            let first = answer.ttft_us().ok_or("the time to first token is not known")?;
            (usage.output.saturating_sub(1), latency.saturating_sub(first))
        } else {
            (usage.output, latency)
        };
        if micros == 0 {
            return Err("it took no time that could be measured");
        }
        Ok(tokens as f64 * 1e6 / micros as f64)
    }
}

impl Scorer for Speed {
    fn score(&self, subject: &Subject<'_>) -> Verdict {
        match self.measure(subject) {
            Ok(speed) => self.bounds.verdict(speed, "tokens/s"),
            Err(why) => Verdict::Skipped(why.to_owned()),
        }
    }
}
