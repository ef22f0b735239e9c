//! Why the model stopped.

use crate::{
    domain::{
        generation::FinishReason,
        score::{Score, Verdict},
    },
    scorer::{ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject},
};

const NAMES: [&str; 7] =
    ["stop", "length", "context", "tool_calls", "content_filter", "refusal", "error"];

static CARD: Card = Card {
    name: "finish_reason",
    summary: "Whether the model stopped for one of the expected reasons.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: false,
    options: &[OptionCard {
        name: "value",
        kind: "one or a list of stop, length, context, tool_calls, content_filter, refusal, error",
        default: "stop",
        doc: "The reasons with which the answer has passed.",
    }],
    edge_cases: &[
        "The label is the reason, in these words whatever the provider's own are.",
        "An answer whose reason is not known has no score.",
        "Answers that were cut, refused or are empty are asked about as well.",
    ],
    source: "the provider's reply",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Finish;

#[derive(Debug)]
struct Reasons(Vec<&'static str>);

impl ScorerKind for Finish {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let mut reasons = args.names("value", &NAMES)?;
        if reasons.is_empty() {
            reasons.push("stop");
        }
        Ok(Built::pure(Reasons(reasons)))
    }
}

impl Scorer for Reasons {
    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let reason = match subject.generation.finish_reason {
            FinishReason::Unknown => {
                return Verdict::Skipped("the reason is not known".to_owned());
            }
            known => known.name(),
        };
        let passed = self.0.contains(&reason);
        let score = Score { label: Some(reason.to_owned()), ..Score::binary(passed) };
        let expected = || format!("stopped for `{reason}`, expected `{}`", self.0.join("` or `"));
        Verdict::Scored(if passed { score } else { score.because(expected()) })
    }
}
