//! Whether the output is JSON.

use serde::de::{Deserialize, IgnoredAny};
use serde_json::Deserializer;

use crate::{
    base::text::one_line,
    domain::score::Verdict,
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::{output, yes_or_no},
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
        "Values may be nested as deep as they like.",
        "Keys that occur twice and lone surrogates are allowed, as in the standard's grammar.",
    ],
    source: "RFC 8259",
};

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
        let problem = match check(text) {
            Err(_) if text.starts_with("```") => {
                Some("it stands in a code fence; `extract: code_block` removes it".to_owned())
            }
            Err(error) => Some(one_line(&format!("no JSON: {error}"), 200)),
            Ok(()) if self.object_only && !text.starts_with('{') => {
                Some("JSON, but no object".to_owned())
            }
            Ok(()) => None,
        };
        yes_or_no(problem.is_none(), || problem.unwrap_or_default())
    }
}

/// Checks the grammar without building the value, and so without descending into it.
fn check(text: &str) -> Result<(), serde_json::Error> {
    let mut read = Deserializer::from_str(text);
    IgnoredAny::deserialize(&mut read)?;
    read.end()
}
