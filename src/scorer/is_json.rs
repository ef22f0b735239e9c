//! Whether the output is JSON.

use crate::{
    base::text::one_line,
    domain::score::Verdict,
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::{output, yes_or_no},
        json::{depth, grammar},
    },
};

static CARD: Card = Card {
    name: "is_json",
    summary: "Whether the whole output is one JSON value.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[OptionCard {
        name: "object_only",
        kind: "flag",
        default: "false",
        doc: "Only an object will do: no list, text, number, boolean or null.",
    }],
    edge_cases: &[
        "White space around the value is allowed; a code fence is not, `extract: code_block` \
         removes it.",
        "Output that is JSON and nested over 1,000 levels deep is not scored: few readers take it.",
        "Keys that occur twice and lone surrogates are allowed, as in the standard's grammar.",
    ],
    source: "RFC 8259",
};

/// Deepest nesting that counts as an answer.
const MAX_DEPTH: usize = 1_000;

/// The kind.
#[derive(Debug)]
pub(super) struct IsJson;

#[derive(Debug)]
struct Parses {
    object_only: bool,
}

impl ScorerKind for IsJson {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        Ok(Built::pure(Parses { object_only: args.flag("object_only")? }))
    }
}

impl Scorer for Parses {
    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let text = match output(subject) {
            Ok(output) => output.trim(),
            Err(verdict) => return verdict,
        };
        let problem = match grammar(text) {
            Err(_) if text.starts_with("```") => {
                Some("it stands in a code fence; `extract: code_block` removes it".to_owned())
            }
            Err(error) => Some(one_line(&format!("no JSON: {error}"), 200)),
            Ok(()) if depth(text) > MAX_DEPTH => {
                let deep = format!("the output is nested over {MAX_DEPTH} levels deep");
                return Verdict::Failed(deep);
            }
            Ok(()) if self.object_only && !text.starts_with('{') => {
                Some("JSON, but no object".to_owned())
            }
            Ok(()) => None,
        };
        yes_or_no(problem.is_none(), || problem.unwrap_or_default())
    }
}
