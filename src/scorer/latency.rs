//! How long the answer took.

use crate::{
    domain::score::{Score, Verdict},
    scorer::{ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject},
};

static CARD: Card = Card {
    name: "latency",
    summary: "Milliseconds from handing over the request to the last byte of the answer.",
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
        "Of several attempts only the one that brought the answer counts.",
        "An answer whose time is not known has no score.",
        "Nor has an answer from the response cache: nothing was timed.",
    ],
    source: "the client's own clock",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Latency;

#[derive(Debug)]
struct Timed {
    max_ms: Option<f64>,
}

impl ScorerKind for Latency {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        Ok(Built::pure(Timed { max_ms: args.milliseconds("max")? }))
    }
}

impl Scorer for Timed {
    fn score(&self, subject: &Subject<'_>) -> Verdict {
        if let Some(hit) = &subject.answer.cached {
            let then =
                hit.latency_us.map(|us| format!("; it took {} ms then", us as f64 / 1_000.0));
            return Verdict::Skipped(format!(
                "nothing was timed: the answer is from the cache{}",
                then.unwrap_or_default()
            ));
        }
        let Some(micros) = subject.answer.latency_us() else {
            return Verdict::Skipped("the latency is not known".to_owned());
        };
        let ms = micros as f64 / 1_000.0;
        let passed = self.max_ms.map(|max| ms <= max);
        let over = self.max_ms.filter(|max| ms > *max);
        let explanation = over.map(|max| format!("took {ms} ms, allowed are {max} ms"));
        Verdict::Scored(Score { passed, explanation, ..Score::number(ms) })
    }
}
