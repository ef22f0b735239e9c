//! The `budget` of a config.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::At;

/// Limits for the whole run. It stops cleanly when the next call could go over one of them, and
/// can be resumed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BudgetEntry {
    /// US dollars.
    pub usd: Option<At<f64>>,
    /// US dollars for the models that scorers ask, out of `usd` where that is set.
    pub judges: Option<At<f64>>,
    /// Tokens, of prompts and answers together.
    pub tokens: Option<At<u64>>,
    /// Time, as `30m`.
    pub time: Option<At<String>>,
    /// The share of trials that may end without an answer, as `20%`; over twenty at least.
    pub error_rate: Option<At<String>>,
    /// Models without a price that may be called under a budget in dollars, by their names.
    pub unpriced: Vec<At<String>>,
}

impl BudgetEntry {
    /// This budget with what `over` says taking precedence.
    #[must_use]
    pub fn overridden_by(self, over: Self) -> Self {
        Self {
            usd: over.usd.or(self.usd),
            judges: over.judges.or(self.judges),
            tokens: over.tokens.or(self.tokens),
            time: over.time.or(self.time),
            error_rate: over.error_rate.or(self.error_rate),
            unpriced: if over.unpriced.is_empty() { self.unpriced } else { over.unpriced },
        }
    }
}
