//! What a scorer says of one answer.

use serde::{Deserialize, Serialize};

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
    /// What was counted, in the order that the scorer's [`Corpus`] says; empty when it has none.
    pub counts: Vec<f64>,
}

impl Score {
    /// A yes/no judgement: 1 and passed, or 0 and failed.
    pub fn binary(passed: bool) -> Self {
        Self {
            value: f64::from(u8::from(passed)),
            passed: Some(passed),
            label: None,
            explanation: None,
            counts: Vec::new(),
        }
    }

    /// A number without a pass mark.
    pub fn number(value: f64) -> Self {
        Self { value, passed: None, label: None, explanation: None, counts: Vec::new() }
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
    /// A model that the scorer asks gave nothing that can be used: it may, when asked again.
    Unanswered(String),
}

impl Verdict {
    /// Whether there is no score although there should be one.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Unanswered(_))
    }
}

/// How the sums of what a scorer counted become one value for a whole run, which is not the mean of
/// the values of its answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "formula", rename_all = "snake_case")]
pub enum Corpus {
    /// BLEU. Counts: length, length of the reference, then of n-grams of 1 to 4 words those that
    /// match, and all.
    Bleu {
        /// What is done about orders without a match.
        smooth: Smooth,
        /// Whether orders that the text is too short for are left out.
        effective_order: bool,
    },
    /// chrF. Counts: for each order the n-grams, those of the reference, and those that match.
    Chrf {
        /// How many times recall weighs as much as precision.
        beta: f64,
    },
    /// The first count as a share of the second; 0 of nothing.
    Share,
    /// Edits by words of the reference; without such words, 1 when there are edits.
    EditRate,
    /// Errors by length of the reference; without length, the errors themselves.
    ErrorRate,
}

/// What BLEU does about orders of n-grams without a match.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "smooth", content = "value", rename_all = "snake_case")]
pub enum Smooth {
    /// Nothing: the value is 0.
    None,
    /// So many matches are taken for none.
    Floor(f64),
    /// So many are added to matches and n-grams of every order but the first.
    AddK(f64),
    /// Each such order counts half of the one before it.
    Exp,
}
