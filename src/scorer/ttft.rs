//! How long the first piece of the answer took.

use crate::{
    domain::score::{Score, Verdict},
    scorer::{ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject},
};

static CARD: Card = Card {
    name: "ttft",
    summary: "Milliseconds from handing over the request to the first piece of text.",
    range: Range::Number { unit: "ms" },
    better: Better::Lower,
    reads_output: false,
    options: &[OptionCard {
        name: "max",
        kind: "duration: 500ms, 3s, 2m",
        default: "none: neither passed nor failed",
        doc: "The longest time with which the answer has passed.",
    }],
    edge_cases: &[
        "Only streamed answers have it; others have no score.",
        "Of several attempts only the one that brought the answer counts.",
        "An answer from the response cache has none: nothing was timed.",
    ],
    source: "the client's own clock",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Ttft;

#[derive(Debug)]
struct Timed {
    max_ms: Option<f64>,
}

impl ScorerKind for Ttft {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        Ok(Built::pure(Timed { max_ms: args.milliseconds("max")? }))
    }
}

impl Scorer for Timed {
    fn score(&self, subject: &Subject<'_>) -> Verdict {
        if subject.answer.cached.is_some() {
            let why = "nothing was timed: the answer is from the cache";
            return Verdict::Skipped(why.to_owned());
        }
        let Some(micros) = subject.answer.ttft_us() else {
            let why = "the time to first token is not known; only streamed answers have one";
            return Verdict::Skipped(why.to_owned());
        };
        let ms = micros as f64 / 1_000.0;
        let passed = self.max_ms.map(|max| ms <= max);
        let over = self.max_ms.filter(|max| ms > *max);
        let explanation = over.map(|max| format!("took {ms} ms, allowed are {max} ms"));
        Verdict::Scored(Score { passed, explanation, ..Score::number(ms) })
    }
}
