//! What the scorers that look for texts in the output have in common: which texts, and letter case.

use std::borrow::Cow;

use crate::{
    domain::score::{Score, Verdict},
    scorer::{
        ArgError, Args, OptionCard, Subject,
        compare::{alternatives, output, quoted, wanted},
    },
};

/// The options of such a scorer.
pub(super) const OPTIONS: &[OptionCard] = &[
    OptionCard {
        name: "values",
        kind: "text or list of texts",
        default: "the expected answers",
        doc: "What to look for instead of the expected answers.",
    },
    OptionCard {
        name: "ignore_case",
        kind: "flag",
        default: "false",
        doc: "Compares after full Unicode case folding.",
    },
];

/// Texts to look for.
#[derive(Debug)]
pub(super) struct Parts {
    values: Option<Vec<String>>,
    ignore_case: bool,
}

impl Parts {
    /// What `args` ask for.
    pub(super) fn read(args: &Args) -> Result<Self, ArgError> {
        let values = args.texts("values")?;
        if values.iter().flatten().any(String::is_empty) {
            return Err(args.error("values", "an empty text stands in every output"));
        }
        Ok(Self { values, ignore_case: args.flag("ignore_case")? })
    }

    /// Whether the texts are the sample's expected answers.
    pub(super) fn are_expected(&self) -> bool {
        self.values.is_none()
    }

    /// Scores 1 when `fits(output, text)` for one of the texts.
    pub(super) fn any(
        &self,
        subject: &Subject<'_>,
        lack: &str,
        fits: impl Fn(&str, &str) -> bool,
    ) -> Verdict {
        let (wanted, output) = match self.sides(subject) {
            Ok(sides) => sides,
            Err(verdict) => return verdict,
        };
        let text = self.folded(output);
        let mut parts = wanted.iter().filter(|part| !part.is_empty());
        let found = parts.find(|part| fits(&text, &self.folded(part)));
        let score = Score::binary(found.is_some());
        Verdict::Scored(match found {
            Some(part) => Score { label: Some(part.clone()), ..score },
            None => score.because(format!("{lack} {} in {}", alternatives(wanted), quoted(output))),
        })
    }

    /// Scores 1 when the output contains each of the texts.
    pub(super) fn all(&self, subject: &Subject<'_>) -> Verdict {
        let (wanted, output) = match self.sides(subject) {
            Ok(sides) => sides,
            Err(verdict) => return verdict,
        };
        let text = self.folded(output);
        let is_missing =
            |part: &&String| !part.is_empty() && !text.contains(self.folded(part).as_ref());
        let missing: Vec<String> = wanted.iter().filter(is_missing).cloned().collect();
        let score = Score::binary(missing.is_empty());
        Verdict::Scored(match missing.as_slice() {
            [] => score,
            [one] => score.because(format!("no {} in {}", quoted(one), quoted(output))),
            [one, rest @ ..] => {
                let (one, output) = (quoted(one), quoted(output));
                score.because(format!("no {one} and {} more missing in {output}", rest.len()))
            }
        })
    }

    fn sides<'a>(&'a self, subject: &Subject<'a>) -> Result<(&'a [String], &'a str), Verdict> {
        let wanted = wanted(self.values.as_deref(), subject)?;
        let output = output(subject)?;
        if wanted.iter().all(String::is_empty) {
            let why = "the expected answer is empty, and every text contains it";
            return Err(Verdict::Failed(why.to_owned()));
        }
        Ok((wanted, output))
    }

    fn folded<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.ignore_case {
            return Cow::Owned(caseless::default_case_fold_str(text));
        }
        Cow::Borrowed(text)
    }
}
