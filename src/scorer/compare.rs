//! What scorers that compare have in common: the two sides, and words for their difference.

use crate::{
    base::text::one_line,
    domain::score::{Score, Verdict},
    scorer::Subject,
};

/// Longest quotation of a text, in characters; three of them fit an explanation.
const QUOTED_CHARS: usize = 80;

/// The text to score; the verdict when the extraction found none.
pub(super) fn output<'a>(subject: &Subject<'a>) -> Result<&'a str, Verdict> {
    subject.output.ok_or_else(|| {
        Verdict::Scored(Score::binary(false).because("the extraction found nothing"))
    })
}

/// The accepted answers, at least one; the verdict when the sample has none.
pub(super) fn accepted<'a>(subject: &Subject<'a>) -> Result<&'a [String], Verdict> {
    match subject.sample.expected.as_slice() {
        [] => Err(Verdict::Skipped("the sample has no expected answer".to_owned())),
        expected => Ok(expected),
    }
}

/// The texts to compare with: those of an option, or else the sample's.
pub(super) fn wanted<'a>(
    option: Option<&'a [String]>,
    subject: &Subject<'a>,
) -> Result<&'a [String], Verdict> {
    option.map_or_else(|| accepted(subject), Ok)
}

/// A yes/no verdict, with `reason` for a no.
pub(super) fn yes_or_no(passed: bool, reason: impl FnOnce() -> String) -> Verdict {
    let score = Score::binary(passed);
    Verdict::Scored(if passed { score } else { score.because(reason()) })
}

/// `text` in backticks, on one line, cut to a length that fits an explanation.
pub(super) fn quoted(text: &str) -> String {
    if text.is_empty() {
        return "an empty text".to_owned();
    }
    format!("`{}`", one_line(text, QUOTED_CHARS))
}

/// Expected and got, in at most 300 characters.
pub(super) fn difference(expected: &[String], output: &str) -> String {
    format!("expected {}, got {}", alternatives(expected), quoted(output))
}

/// The first one or two of `texts`, and how many more there are.
pub(super) fn alternatives(texts: &[String]) -> String {
    match texts {
        [] => "nothing".to_owned(),
        [one] => quoted(one),
        [one, two] => format!("{} or {}", quoted(one), quoted(two)),
        [one, two, rest @ ..] => {
            format!("{}, {} or one of {} more", quoted(one), quoted(two), rest.len())
        }
    }
}
