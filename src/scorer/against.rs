//! What scorers of likeness have in common: references, pass mark, limits, words for a difference.

use std::fmt;

use crate::{
    domain::score::{Corpus, Score, Verdict},
    scorer::{
        ArgError, Args, Built, OptionCard, Scorer, Subject,
        compare::{accepted, difference},
    },
    stats::pooled,
};

/// Longest text that is compared, in characters.
pub(super) const MAX_CHARS: usize = 2_000_000;

/// The option of scorers whose values are degrees, where more is better.
pub(super) const THRESHOLD: OptionCard = OptionCard {
    name: "threshold",
    kind: "number from 0 to 1",
    default: "none: neither passed nor failed",
    doc: "The value from which on the answer has passed.",
};

/// The option of scorers where less is better.
pub(super) const MAX: OptionCard = OptionCard {
    name: "max",
    kind: "number",
    default: "none: neither passed nor failed",
    doc: "The highest value with which the answer has passed.",
};

/// What a comparison found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// The value.
    pub(super) value: f64,
    /// What was counted for the corpus.
    pub(super) counts: Vec<f64>,
}

impl Found {
    /// A value of which nothing is counted.
    pub(super) fn value(value: f64) -> Self {
        Self { value, counts: Vec::new() }
    }

    /// The value of what was counted, as `corpus` has it.
    pub(super) fn counted(corpus: Corpus, counts: Vec<f64>) -> Self {
        Self { value: pooled(corpus, &counts).unwrap_or(0.0), counts }
    }
}

/// A comparison of one output with one or more references.
pub(super) trait Compare: Send + Sync + fmt::Debug + 'static {
    /// How alike they are; of several references the best one counts. There is at least one.
    ///
    /// # Errors
    /// Why they cannot be compared.
    fn compare(&self, expected: &[String], output: &str) -> Result<Found, String>;

    /// How what it counts becomes a value for a whole run.
    fn corpus(&self) -> Option<Corpus> {
        None
    }
}

/// The best of what was found for each reference; the first one of equals.
pub(super) fn best<T>(
    references: impl IntoIterator<Item = T>,
    better: impl Fn(f64, f64) -> bool,
    mut compare: impl FnMut(T) -> Result<Found, String>,
) -> Result<Found, String> {
    let mut best: Option<Found> = None;
    for reference in references {
        let found = compare(reference)?;
        if best.as_ref().is_none_or(|best| better(found.value, best.value)) {
            best = Some(found);
        }
    }
    best.ok_or_else(|| "there is nothing to compare with".to_owned())
}

/// Of two values of likeness, the higher one is better.
pub(super) fn higher(a: f64, b: f64) -> bool {
    a > b
}

/// Of two rates of errors, the lower one is better.
pub(super) fn lower(a: f64, b: f64) -> bool {
    a < b
}

/// A scorer of likeness, where more is better; reads the option [`THRESHOLD`].
///
/// # Errors
/// A threshold that is not between 0 and 1.
pub(super) fn likeness(args: &Args, compare: impl Compare) -> Result<Built, ArgError> {
    let mark = Mark::AtLeast(args.number("threshold", 0.0, 1.0)?);
    Ok(Built::pure(Against { compare, mark }))
}

/// A scorer of errors, where less is better; reads the option [`MAX`].
///
/// # Errors
/// A mark that is below 0.
pub(super) fn errors(args: &Args, compare: impl Compare) -> Result<Built, ArgError> {
    let mark = Mark::AtMost(args.number("max", 0.0, f64::MAX)?);
    Ok(Built::pure(Against { compare, mark }))
}

/// Which values have passed.
#[derive(Debug, Clone, Copy)]
enum Mark {
    AtLeast(Option<f64>),
    AtMost(Option<f64>),
}

#[derive(Debug)]
struct Against<C> {
    compare: C,
    mark: Mark,
}

impl<C: Compare> Scorer for Against<C> {
    fn needs_expected(&self) -> bool {
        true
    }

    fn corpus(&self) -> Option<Corpus> {
        self.compare.corpus()
    }

    fn score(&self, subject: &Subject<'_>) -> Verdict {
        let expected = match accepted(subject) {
            Ok(expected) => expected,
            Err(verdict) => return verdict,
        };
        let output = subject.output.unwrap_or_default();
        let long = std::iter::once(("output", output))
            .chain(expected.iter().map(|text| ("expected answer", text.as_str())))
            .find_map(|(which, text)| too_long(text).map(|chars| (which, chars)));
        if let Some((which, chars)) = long {
            return Verdict::Failed(format!(
                "the {which} has {chars} characters; at most {MAX_CHARS} are compared"
            ));
        }
        let Found { mut value, counts } = match self.compare.compare(expected, output) {
            Ok(found) => found,
            Err(why) => return Verdict::Failed(why),
        };
        let nothing = subject.output.is_none();
        if nothing && matches!(self.mark, Mark::AtLeast(_)) {
            value = 0.0;
        }
        let (passed, perfect) = match self.mark {
            Mark::AtLeast(mark) => (mark.map(|mark| value >= mark), value >= 1.0),
            Mark::AtMost(mark) => (mark.map(|mark| value <= mark), value <= 0.0),
        };
        let explanation = match (nothing, perfect) {
            (true, _) => Some("the extraction found nothing".to_owned()),
            (false, true) => None,
            (false, false) => Some(difference(expected, output)),
        };
        Verdict::Scored(Score { passed, explanation, counts, ..Score::number(value) })
    }
}

/// How long a text is that is too long.
fn too_long(text: &str) -> Option<usize> {
    if text.len() <= MAX_CHARS {
        return None;
    }
    Some(text.chars().count()).filter(|chars| *chars > MAX_CHARS)
}
