//! A value by a line of JavaScript.

use crate::scorer::{
    ArgError, Args, Better, Built, Card, OptionCard, Range, ScorerKind,
    script::{self, Script},
};

static CARD: Card = Card {
    name: "js",
    summary: "What a line of JavaScript gives.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "code",
            kind: "text",
            default: "required",
            doc: "An expression, or the body of a function that returns. It sees `output`, \
                  `expected` (a list), `input`, `vars`, `metadata`, `answer` (the whole output), \
                  `tool_calls`, `finish_reason`, `sample_id` and `epoch`.",
        },
        script::OPTION_THRESHOLD,
        script::OPTION_RANGE,
    ],
    edge_cases: &[
        "`true` is 1 and passed, `false` is 0 and failed; an object has the fields of a reply: \
         `score`, `passed`, `label`, `explanation`, `error`, `skipped`.",
        script::NOT_SCORED,
        "The code has the language and nothing else: no files, no network, no modules.",
    ],
    source: "ECMAScript 2023, as QuickJS runs it",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Js;

impl ScorerKind for Js {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        script::build(args, Script::expression_or_body)
    }
}
