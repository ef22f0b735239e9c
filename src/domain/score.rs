//! What a scorer says of one answer.

/// A judgement. `value` is finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// 0 to 1 for qualities; a number with the scorer's unit else.
    pub value: f64,
    /// Pass or fail, where the scorer has a threshold or is a yes/no question.
    pub passed: Option<bool>,
    /// A category.
    pub label: Option<String>,
    /// Why, for a person.
    pub explanation: Option<String>,
}

impl Score {
    /// A yes/no judgement: 1 and passed, or 0 and failed.
    pub fn binary(passed: bool) -> Self {
        Self {
            value: f64::from(u8::from(passed)),
            passed: Some(passed),
            label: None,
            explanation: None,
        }
    }

    /// A number without a pass mark.
    pub fn number(value: f64) -> Self {
        Self { value, passed: None, label: None, explanation: None }
    }

    /// The same score with a reason.
    #[must_use]
    pub fn because(mut self, explanation: impl Into<String>) -> Self {
        self.explanation = Some(explanation.into());
        self
    }
}

/// The outcome of scoring one answer: a score, or the reason why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// A score.
    Scored(Score),
    /// The scorer does not apply here: nothing to compare with, or no whole answer to score.
    Skipped(String),
    /// The scorer could not do its work.
    Failed(String),
}
