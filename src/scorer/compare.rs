//! What scorers that compare have in common: the two sides, and words for their difference.

use crate::{
    base::text::push_one_line,
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
    let mut line = String::new();
    push_quoted(&mut line, text);
    line
}

/// Expected and got, in at most 300 characters.
pub(super) fn difference(expected: &[String], output: &str) -> String {
    // Answers that differ are many: one allocation is enough for nearly all of them.
    let mut line = String::with_capacity(3 * QUOTED_CHARS);
    line.push_str("expected ");
    push_alternatives(&mut line, expected);
    line.push_str(", got ");
    push_quoted(&mut line, output);
    line
}

/// The first one or two of `texts`, and how many more there are.
pub(super) fn alternatives(texts: &[String]) -> String {
    let mut line = String::new();
    push_alternatives(&mut line, texts);
    line
}

fn push_alternatives(line: &mut String, texts: &[String]) {
    let [one, rest @ ..] = texts else { return line.push_str("nothing") };
    push_quoted(line, one);
    let Some((two, rest)) = rest.split_first() else { return };
    line.push_str(if rest.is_empty() { " or " } else { ", " });
    push_quoted(line, two);
    if !rest.is_empty() {
        line.extend([" or one of ", &rest.len().to_string(), " more"]);
    }
}

fn push_quoted(line: &mut String, text: &str) {
    if text.is_empty() {
        return line.push_str("an empty text");
    }
    line.push('`');
    push_one_line(line, text, QUOTED_CHARS);
    line.push('`');
}
