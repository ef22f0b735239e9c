//! Whether the output contains a text.

use std::borrow::Cow;

use crate::{
    domain::score::{Score, Verdict},
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::{alternatives, output, quoted, wanted},
    },
};

static CARD: Card = Card {
    name: "contains",
    summary: "Whether the output contains one of the expected answers.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "value",
            kind: "text or list of texts",
            default: "the expected answers",
            doc: "What to look for instead of the expected answers; one of them suffices.",
        },
        OptionCard {
            name: "ignore_case",
            kind: "flag",
            default: "false",
            doc: "Compares after full Unicode case folding.",
        },
    ],
    edge_cases: &[
        "The label is the first text that was found, in the order they are written.",
        "Words are not told apart: `cat` is found in `concatenate`; use `regex` with `\\b`.",
        "An expected answer that is empty stands in every text and is a failure of the scorer.",
    ],
    source: "substring search on code points",
};

/// The kind.
#[derive(Debug)]
pub(super) struct Contains;

#[derive(Debug)]
struct Finder {
    value: Option<Vec<String>>,
    ignore_case: bool,
}

impl ScorerKind for Contains {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let value = args.texts("value")?;
        if value.iter().flatten().any(String::is_empty) {
            return Err(args.error("value", "an empty text stands in every output"));
        }
        Ok(Built::pure(Finder { value, ignore_case: args.flag("ignore_case")? }))
    }
}

impl Finder {
    fn folded<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.ignore_case {
            return Cow::Owned(caseless::default_case_fold_str(text));
        }
        Cow::Borrowed(text)
    }
}

impl Scorer for Finder {
    fn needs_expected(&self) -> bool {
        self.value.is_none()
    }

    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let sides = wanted(self.value.as_deref(), subject).and_then(|w| Ok((w, output(subject)?)));
        let (wanted, output) = match sides {
            Ok(sides) => sides,
            Err(verdict) => return verdict,
        };
        if wanted.iter().all(String::is_empty) {
            return Verdict::Failed(
                "the expected answer is empty, and every text contains it".into(),
            );
        }
        let text = self.folded(output);
        let found = wanted
            .iter()
            .filter(|part| !part.is_empty())
            .find(|part| text.contains(self.folded(part).as_ref()));
        let score = Score::binary(found.is_some());
        Verdict::Scored(match found {
            Some(part) => Score { label: Some(part.clone()), ..score },
            None => score.because(format!("no {} in {}", alternatives(wanted), quoted(output))),
        })
    }
}
