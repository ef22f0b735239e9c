//! A value by an expression over the output and the row.

use crate::scorer::{
    ArgError, Args, Better, Built, Card, OptionCard, Range, ScorerKind,
    script::{self, Script},
};

static CARD: Card = Card {
    name: "expr",
    summary: "What an expression gives, such as `output.length < 280`.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "code",
            kind: "text",
            default: "required",
            doc: "An expression of JavaScript. It sees what `js` sees.",
        },
        script::OPTION_THRESHOLD,
        script::OPTION_RANGE,
    ],
    edge_cases: &[
        "`true` is 1 and passed, `false` is 0 and failed.",
        script::NOT_SCORED,
        "Statements are refused; `js` takes them.",
    ],
    source: "ECMAScript 2023, as QuickJS runs it",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Expr;

impl ScorerKind for Expr {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        script::build(args, Script::expression)
    }
}
