//! From a whole reply to the generation; also what streams share with it.

use serde::Deserialize;
use serde_json::Value;

use super::fault;
use crate::{
    domain::{
        fault::Fault,
        generation::{FinishReason, Generation, ToolCall, Usage},
    },
    provider::{
        Headers, HttpReply, classify,
        loose::{Loose, WireObject},
    },
};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Body {
    output: Loose<Output>,
    stop_reason: Loose<String>,
    usage: Loose<WireUsage>,
    trace: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Output {
    message: Loose<WireMessage>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireMessage {
    content: Loose<Vec<Block>>,
}

/// A block of content; it has one of the fields.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Block {
    text: Loose<String>,
    reasoning_content: Value,
    tool_use: Loose<ToolUse>,
    citations_content: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ToolUse {
    #[serde(rename = "toolUseId")]
    id: Loose<String>,
    name: Loose<String>,
    input: Value,
}

/// Tokens; those of the cache are counted beside `inputTokens`, not in it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    #[serde(rename = "inputTokens")]
    input: Loose<u64>,
    #[serde(rename = "outputTokens")]
    output: Loose<u64>,
    #[serde(rename = "cacheReadInputTokens")]
    cache_read: Loose<u64>,
    #[serde(rename = "cacheWriteInputTokens")]
    cache_write: Loose<u64>,
    #[serde(rename = "cacheDetails")]
    details: Loose<Vec<CacheDetail>>,
}

/// Cache writes of one lifetime.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CacheDetail {
    ttl: Loose<String>,
    input_tokens: Loose<u64>,
}

impl WireObject<'_> for Output {}
impl WireObject<'_> for WireMessage {}
impl WireObject<'_> for Block {}
impl WireObject<'_> for ToolUse {}
impl WireObject<'_> for WireUsage {}
impl WireObject<'_> for CacheDetail {}

impl WireUsage {
    /// The counts in normal form; `None` unless both totals can be told.
    pub(super) fn tokens(&self) -> Option<Usage> {
        let cache_read = self.cache_read.0.unwrap_or(0);
        let cache_write = self.cache_write.0.unwrap_or(0);
        let details = self.details.0.iter().flatten();
        let for_an_hour: u64 = details
            .filter(|detail| detail.ttl.0.as_deref() == Some("1h"))
            .filter_map(|detail| detail.input_tokens.0)
            .fold(0, u64::saturating_add);
        Some(Usage {
            input: self.input.0? + cache_read + cache_write,
            output: self.output.0?,
            cache_read,
            cache_write,
            cache_write_1h: for_an_hour.min(cache_write),
            reasoning: 0,
        })
    }
}

/// The model that a router chose.
pub(super) fn routed_to(trace: &Value) -> Option<String> {
    trace["promptRouter"]["invokedModelId"].as_str().map(str::to_owned)
}

/// The id of the request.
pub(super) fn request_id(headers: &dyn Headers) -> Option<String> {
    headers.get("x-amzn-requestid").map(str::to_owned)
}

/// The neutral reason of Converse's word for it.
pub(super) fn finish_reason(raw: Option<&str>) -> FinishReason {
    match raw.unwrap_or_default() {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "tool_use" => FinishReason::ToolCalls,
        "max_tokens" => FinishReason::Length,
        "model_context_window_exceeded" => FinishReason::Context,
        "guardrail_intervened" | "content_filtered" => FinishReason::ContentFilter,
        "refusal" => FinishReason::Refusal,
        "malformed_model_output" | "malformed_tool_use" => FinishReason::Error,
        _ => FinishReason::Unknown,
    }
}

/// The answer in a whole reply.
pub(super) fn reply(reply: &HttpReply<'_>) -> Result<Generation, Fault> {
    let body: Body = serde_json::from_slice(reply.body)
        .map_err(|error| classify::protocol(reply, &format!("the reply is not JSON ({error})")))?;
    let Some(message) = body.output.0.and_then(|output| output.message.0) else {
        let other: Value = serde_json::from_slice(reply.body).unwrap_or_default();
        let other = fault::inner(&other, reply.status);
        return Err(
            other.unwrap_or_else(|| classify::protocol(reply, "the reply has no `output.message`"))
        );
    };
    let mut generation = Generation {
        finish_reason: finish_reason(body.stop_reason.0.as_deref()),
        raw_finish_reason: body.stop_reason.0,
        usage: body.usage.0.and_then(|usage| usage.tokens()),
        served_model: routed_to(&body.trace),
        request_id: request_id(reply.headers),
        ..Generation::default()
    };
    let mut reasoning = String::new();
    for block in message.content.0.into_iter().flatten() {
        generation.text.push_str(block.text.0.as_deref().unwrap_or_default());
        for cited in block.citations_content["content"].as_array().into_iter().flatten() {
            generation.text.push_str(cited["text"].as_str().unwrap_or_default());
        }
        let thought = &block.reasoning_content["reasoningText"]["text"];
        reasoning.push_str(thought.as_str().unwrap_or_default());
        if let Some(call) = block.tool_use.0 {
            generation.tool_calls.push(ToolCall {
                id: call.id.0.unwrap_or_default(),
                name: call.name.0.unwrap_or_default(),
                arguments: if call.input.is_null() { "{}".into() } else { call.input.to_string() },
            });
        }
    }
    generation.reasoning = Some(reasoning).filter(|text| !text.is_empty());
    Ok(generation)
}
