//! Which of a list of answers the output is.

use std::borrow::Cow;

use crate::{
    domain::score::{Score, Verdict},
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, Scorer, ScorerKind, Subject,
        compare::{difference, output, wanted},
    },
};

static CARD: Card = Card {
    name: "one_of",
    summary: "Whether the output, without white space around it, is one of a list.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "values",
            kind: "text or list of texts",
            default: "the expected answers",
            doc: "The list.",
        },
        OptionCard {
            name: "casefold",
            kind: "flag",
            default: "false",
            doc: "Compares after full Unicode case folding.",
        },
    ],
    edge_cases: &[
        "The label is the entry as the list writes it, whatever the output's case.",
        "With `values` the expected answers are not looked at: it tells whether the output is a \
         valid answer, not whether it is the right one.",
    ],
    source: "set membership",
};

/// The kind.
#[derive(Debug)]
pub(super) struct OneOf;

#[derive(Debug)]
struct Member {
    values: Option<Vec<String>>,
    casefold: bool,
}

impl ScorerKind for OneOf {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let (values, casefold) = (args.texts("values")?, args.flag("casefold")?);
        Ok(Built::pure(Member { values, casefold }))
    }
}

impl Member {
    fn key<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.casefold {
            return Cow::Owned(caseless::default_case_fold_str(text.trim()));
        }
        Cow::Borrowed(text.trim())
    }
}

impl Scorer for Member {
    fn needs_expected(&self) -> bool {
        self.values.is_none()
    }

    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let sides = wanted(self.values.as_deref(), subject).and_then(|v| Ok((v, output(subject)?)));
        let (values, output) = match sides {
            Ok(sides) => sides,
            Err(verdict) => return verdict,
        };
        let key = self.key(output);
        let found = values.iter().find(|value| self.key(value) == key);
        let score = Score::binary(found.is_some());
        Verdict::Scored(match found {
            Some(value) => Score { label: Some(value.clone()), ..score },
            None => score.because(difference(values, output)),
        })
    }
}
