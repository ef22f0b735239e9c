//! What a run may use up. `None` is no limit.

use std::time::Duration;

use crate::base::money::Money;

/// The limits of a run, over all of its models.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Budget {
    /// Cost of its calls.
    pub usd: Option<Money>,
    /// Tokens, of prompts and answers together.
    pub tokens: Option<u64>,
    /// Time, from when this process takes the run up.
    pub time: Option<Duration>,
    /// Share of trials that may end without an answer.
    pub error_rate: Option<f64>,
}

/// What calls have used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Their cost.
    pub cost: Money,
    /// Tokens of prompts and answers.
    pub tokens: u64,
}

impl Spent {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { cost: self.cost + other.cost, tokens: self.tokens.saturating_add(other.tokens) }
    }

    /// What is left of this without `other`.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self {
            cost: Money::from_pico(self.cost.pico().saturating_sub(other.cost.pico())),
            tokens: self.tokens.saturating_sub(other.tokens),
        }
    }
}
