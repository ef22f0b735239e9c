//! Costs that replies report, where the place that they stand in is one whose unit is documented.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    base::money::Money,
    provider::{Headers, loose::Loose},
};

const USD_PER_XAI_TICK: f64 = 1e-10;

/// The fields of a `usage` that are about money.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireCost {
    pub(super) cost: Value,
    pub(super) cost_details: Value,
    pub(super) is_byok: Value,
    pub(super) cost_in_usd_ticks: Loose<f64>,
}

impl WireCost {
    /// The cost: Perplexity's `cost.total_cost`, xAI's ticks, and `OpenRouter`'s `cost` with its
    /// companions; with `in_dollars` also a `cost` alone.
    pub(super) fn money(&self, in_dollars: bool) -> Option<Money> {
        if let Some(total) = self.cost["total_cost"].as_f64() {
            return money(total);
        }
        if let Some(ticks) = self.cost_in_usd_ticks.0 {
            return money(ticks * USD_PER_XAI_TICK);
        }
        let cost = self.cost.as_f64()?;
        if self.is_byok == Value::Bool(true) {
            // The cost is then only the gateway's fee.
            let upstream = self.cost_details["upstream_inference_cost"].as_f64()?;
            return money(cost + upstream);
        }
        let documented = self.cost_details.is_object() || self.is_byok.is_boolean();
        // `LiteLLM` writes 0 for models that it has no price for.
        money(cost).filter(|cost| documented || in_dollars && *cost > Money::ZERO)
    }
}

/// Whether a bare `cost` beside the tokens is in dollars: `LiteLLM`'s is, which in streams has it
/// there and not in a header.
pub(super) fn in_dollars(headers: &dyn Headers) -> bool {
    headers.get("x-litellm-call-id").is_some()
}

/// The cost that `LiteLLM` reports beside every reply. It writes 0 for models that it has no price
/// for.
pub(super) fn in_headers(headers: &dyn Headers) -> Option<Money> {
    let cost = headers.get("x-litellm-response-cost")?.trim().parse().ok();
    cost.and_then(money).filter(|cost| *cost > Money::ZERO)
}

fn money(usd: f64) -> Option<Money> {
    Money::from_usd(usd).filter(|cost| *cost >= Money::ZERO)
}
