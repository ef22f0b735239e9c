//! An answer as JSON, and back.

use serde::{Deserialize, Serialize};

use crate::{
    base::money::Money,
    domain::generation::{FinishReason, Generation, TokenLogprob, ToolCall, Usage},
};

/// The form of the JSON. One of another version is as good as none.
const VERSION: u32 = 1;

/// A [`Generation`] as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    v: u32,
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reasoning: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall>,
    finish_reason: FinishReason,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raw_finish_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    served_model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reported_cost_pico: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    logprobs: Vec<TokenLogprob>,
}

/// The JSON of `generation`; `None` for what JSON cannot say.
pub(super) fn written(generation: &Generation) -> Option<String> {
    let Generation {
        text,
        reasoning,
        tool_calls,
        finish_reason,
        raw_finish_reason,
        usage,
        served_model,
        request_id,
        reported_cost,
        logprobs,
    } = generation.clone();
    // JSON has no infinity: it would be written as null, and not be read again.
    let said = |token: &TokenLogprob| {
        token.logprob.is_finite() && token.top.iter().all(|(_, logprob)| logprob.is_finite())
    };
    if !logprobs.iter().all(said) {
        return None;
    }
    let entry = Entry {
        v: VERSION,
        text,
        reasoning,
        tool_calls,
        finish_reason,
        raw_finish_reason,
        usage,
        served_model,
        request_id,
        reported_cost_pico: reported_cost.map(Money::pico),
        logprobs,
    };
    serde_json::to_string(&entry).ok()
}

/// The answer in `json`; `None` for anything else than what [`written`] makes.
pub(super) fn read(json: &str) -> Option<Generation> {
    let entry: Entry =
        serde_json::from_str(json).ok().filter(|entry: &Entry| entry.v == VERSION)?;
    Some(Generation {
        text: entry.text,
        reasoning: entry.reasoning,
        tool_calls: entry.tool_calls,
        finish_reason: entry.finish_reason,
        raw_finish_reason: entry.raw_finish_reason,
        usage: entry.usage,
        served_model: entry.served_model,
        request_id: entry.request_id,
        reported_cost: entry.reported_cost_pico.map(Money::from_pico),
        logprobs: entry.logprobs,
    })
}
