//! What scorers of degrees from 0 to 1 have in common: the pass mark and the explanation.

use crate::{
    domain::score::{Score, Verdict},
    scorer::{
        ArgError, Args, Subject,
        compare::{difference, output},
    },
};

/// A pass mark, where there is one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Graded {
    threshold: Option<f64>,
}

impl Graded {
    /// The pass mark in `args`.
    pub(super) fn read(args: &Args) -> Result<Self, ArgError> {
        Ok(Self { threshold: args.number("threshold", 0.0, 1.0)? })
    }

    /// The verdict with the value that `grade` gives to the output; 0 when there is no output, and a
    /// failure with what it says is wrong.
    pub(super) fn verdict(
        self,
        subject: &Subject<'_>,
        expected: &[String],
        grade: impl FnOnce(&str) -> Result<f64, String>,
    ) -> Verdict {
        let (value, explanation) = match output(subject) {
            Ok(output) => match grade(output) {
                Ok(value) => (value, (value < 1.0).then(|| difference(expected, output))),
                Err(why) => return Verdict::Failed(why),
            },
            Err(Verdict::Scored(nothing)) => (nothing.value, nothing.explanation),
            Err(verdict) => return verdict,
        };
        let passed = self.threshold.map(|threshold| value >= threshold);
        Verdict::Scored(Score { passed, explanation, ..Score::number(value) })
    }
}
