//! From a whole reply to the generation; also the objects that streams are made of.

use serde::Deserialize;
use serde_json::Value;

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

/// A reply, and the message that a stream begins with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Body {
    pub(super) id: Loose<String>,
    pub(super) model: Loose<String>,
    pub(super) content: Loose<Vec<Block>>,
    pub(super) stop_reason: Loose<String>,
    pub(super) stop_details: Loose<StopDetails>,
    pub(super) usage: Loose<WireUsage>,
    error: Value,
}

/// A block of content, or a piece of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Block {
    pub(super) r#type: Loose<String>,
    pub(super) id: Loose<String>,
    pub(super) name: Loose<String>,
    pub(super) input: Value,
    pub(super) text: Loose<String>,
    pub(super) thinking: Loose<String>,
    pub(super) partial_json: Loose<String>,
    pub(super) stop_reason: Loose<String>,
    pub(super) stop_details: Loose<StopDetails>,
}

/// Why a model declined.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StopDetails {
    category: Loose<String>,
    explanation: Loose<String>,
}

/// Counts of tokens; those of the prompt exclude what the cache took or gave.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    input_tokens: Loose<u64>,
    cache_creation_input_tokens: Loose<u64>,
    cache_read_input_tokens: Loose<u64>,
    output_tokens: Loose<u64>,
    output_tokens_details: Loose<OutputDetails>,
    cache_creation: Loose<CacheCreation>,
}

/// The cache writes by how long they last.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_1h_input_tokens: Loose<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    thinking_tokens: Loose<u64>,
}

impl WireObject<'_> for Body {}
impl WireObject<'_> for Block {}
impl WireObject<'_> for StopDetails {}
impl WireObject<'_> for WireUsage {}
impl WireObject<'_> for OutputDetails {}
impl WireObject<'_> for CacheCreation {}

impl StopDetails {
    /// The explanation, or else the category.
    pub(super) fn text(self) -> Option<String> {
        let given = [self.explanation.0, self.category.0];
        given.into_iter().flatten().find(|text| !text.is_empty())
    }
}

impl WireUsage {
    /// Takes the counts that `later` has; they are sums, not differences.
    pub(super) fn update(&mut self, later: Self) {
        let take = |mine: &mut Loose<u64>, theirs: Loose<u64>| mine.0 = theirs.0.or(mine.0);
        take(&mut self.input_tokens, later.input_tokens);
        take(&mut self.cache_creation_input_tokens, later.cache_creation_input_tokens);
        take(&mut self.cache_read_input_tokens, later.cache_read_input_tokens);
        take(&mut self.output_tokens, later.output_tokens);
        if later.output_tokens_details.0.is_some() {
            self.output_tokens_details = later.output_tokens_details;
        }
        if later.cache_creation.0.is_some() {
            self.cache_creation = later.cache_creation;
        }
    }

    /// The counts in normal form; `None` unless both totals can be told.
    pub(super) fn tokens(&self) -> Option<Usage> {
        let cache_read = self.cache_read_input_tokens.0.unwrap_or(0);
        let cache_write = self.cache_creation_input_tokens.0.unwrap_or(0);
        let output = self.output_tokens.0?;
        let details = self.output_tokens_details.0.as_ref();
        let thinking = details.and_then(|details| details.thinking_tokens.0).unwrap_or(0);
        let lasting = self.cache_creation.0.as_ref();
        let for_an_hour =
            lasting.and_then(|writes| writes.ephemeral_1h_input_tokens.0).unwrap_or(0);
        Some(Usage {
            input: self.input_tokens.0?.saturating_add(cache_read).saturating_add(cache_write),
            output,
            cache_read,
            cache_write,
            cache_write_1h: for_an_hour.min(cache_write),
            reasoning: thinking.min(output),
        })
    }
}

/// The id of the request.
pub(super) fn request_id(headers: &dyn Headers) -> Option<String> {
    let ids = ["request-id", "x-request-id"];
    ids.iter().find_map(|name| headers.get(name)).map(str::to_owned)
}

/// The neutral reason of a provider's word for it.
fn finish_reason(raw: Option<&str>) -> FinishReason {
    match raw {
        Some("end_turn" | "stop_sequence") => FinishReason::Stop,
        Some("max_tokens") => FinishReason::Length,
        Some("model_context_window_exceeded") => FinishReason::Context,
        Some("tool_use") => FinishReason::ToolCalls,
        Some("refusal") => FinishReason::Refusal,
        _ => FinishReason::Unknown,
    }
}

/// Completes what was collected: why the model declined becomes the text where there is no other.
pub(super) fn settle(mut generation: Generation, details: Option<StopDetails>) -> Generation {
    generation.finish_reason = finish_reason(generation.raw_finish_reason.as_deref());
    if generation.finish_reason == FinishReason::Refusal && generation.text.is_empty() {
        generation.text = details.and_then(StopDetails::text).unwrap_or_default();
    }
    generation
}

/// The answer in a whole reply.
pub(in crate::provider) fn reply(reply: &HttpReply<'_>) -> Result<Generation, Fault> {
    let body: Body = serde_json::from_slice(reply.body)
        .map_err(|error| classify::protocol(reply, &format!("the reply is not JSON ({error})")))?;
    let Some(blocks) = body.content.0 else {
        let other = serde_json::from_slice(reply.body).ok();
        let other = other.filter(|_| !body.error.is_null());
        let other = other.and_then(|body| classify::error_in(&body));
        return Err(other.map_or_else(
            || classify::protocol(reply, "the reply has no `content`"),
            |error| classify::inner_fault(&error, reply.status),
        ));
    };
    let mut generation = Generation {
        raw_finish_reason: body.stop_reason.0,
        usage: body.usage.0.as_ref().and_then(WireUsage::tokens),
        served_model: body.model.0,
        request_id: request_id(reply.headers).or(body.id.0),
        ..Generation::default()
    };
    let mut reasoning = String::new();
    for block in blocks {
        if block.r#type.0.as_deref() == Some("tool_use") {
            let arguments = arguments(&block.input);
            let (id, name) = (block.id.0.unwrap_or_default(), block.name.0.unwrap_or_default());
            generation.tool_calls.push(ToolCall { id, name, arguments });
            continue;
        }
        generation.text.push_str(block.text.0.as_deref().unwrap_or_default());
        reasoning.push_str(block.thinking.0.as_deref().unwrap_or_default());
    }
    generation.reasoning = Some(reasoning).filter(|text| !text.is_empty());
    Ok(settle(generation, body.stop_details.0))
}

/// The arguments of a function as JSON text.
pub(super) fn arguments(input: &Value) -> String {
    match input {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
