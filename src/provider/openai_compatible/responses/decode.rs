//! From a response to the generation.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    domain::{
        fault::{Fault, FaultKind},
        generation::{FinishReason, Generation, ToolCall, Usage},
    },
    provider::{
        HttpReply, classify,
        loose::{Loose, WireObject},
        openai_compatible::{cost::WireCost, decode, logprobs},
    },
};

/// A response, finished or not.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Body {
    id: Loose<String>,
    model: Loose<String>,
    status: Loose<String>,
    output: Loose<Vec<Item>>,
    incomplete_details: Loose<Incomplete>,
    usage: Loose<WireUsage>,
    error: Value,
}

/// A message, a piece of reasoning, or a function call.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Item {
    #[serde(rename = "type")]
    kind: Loose<String>,
    content: Loose<Vec<Part>>,
    summary: Loose<Vec<Part>>,
    call_id: Loose<String>,
    id: Loose<String>,
    name: Loose<String>,
    arguments: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part {
    text: Loose<String>,
    refusal: Loose<String>,
    logprobs: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Incomplete {
    reason: Loose<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    input_tokens: Loose<u64>,
    output_tokens: Loose<u64>,
    input_tokens_details: Loose<InputDetails>,
    output_tokens_details: Loose<OutputDetails>,
    #[serde(flatten)]
    cost: WireCost,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Loose<u64>,
    cache_write_tokens: Loose<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Loose<u64>,
}

impl WireObject<'_> for Body {}
impl WireObject<'_> for Item {}
impl WireObject<'_> for Part {}
impl WireObject<'_> for Incomplete {}
impl WireObject<'_> for WireUsage {}
impl WireObject<'_> for InputDetails {}
impl WireObject<'_> for OutputDetails {}

/// What a response says, and the refusal in it.
pub(super) struct Read {
    pub(super) generation: Generation,
    pub(super) refusal: String,
}

/// The answer in a whole reply.
pub(in crate::provider::openai_compatible) fn reply(
    reply: &HttpReply<'_>,
) -> Result<Generation, Fault> {
    let body: Body = serde_json::from_slice(reply.body)
        .map_err(|error| classify::protocol(reply, &format!("the reply is not JSON ({error})")))?;
    let (request_id, cost) = decode::from_headers(reply.headers);
    let mut read = body.read(reply.status)?;
    let generation = &mut read.generation;
    generation.request_id = request_id.or(generation.request_id.take());
    generation.reported_cost = generation.reported_cost.or(cost);
    Ok(read.settled())
}

impl Read {
    /// The answer. A refusal becomes the text where there is no other.
    pub(super) fn settled(self) -> Generation {
        let Self { mut generation, refusal } = self;
        if !refusal.is_empty() {
            generation.finish_reason = FinishReason::Refusal;
            if generation.text.is_empty() {
                generation.text = refusal;
            }
        }
        generation
    }
}

impl Body {
    /// What the response says.
    ///
    /// # Errors
    ///
    /// The error in it, or `Protocol` when it is not finished.
    pub(super) fn read(self, http: u16) -> Result<Read, Fault> {
        if let Some(error) = classify::error_in(&json!({ "error": self.error })) {
            return Err(classify::inner_fault(&error, http));
        }
        let status = self.status.0.unwrap_or_default();
        if !["completed", "incomplete"].contains(&status.as_str()) {
            let status = crate::base::text::one_line(&status, 40);
            let message = format!("the response has the status `{status}` and no error");
            let kind = if status == "failed" { FaultKind::Transient } else { FaultKind::Protocol };
            let mut fault = Fault::new(kind, message);
            fault.status = Some(http);
            return Err(fault);
        }
        let mut generation = Generation {
            reported_cost: self.usage.0.as_ref().and_then(|usage| usage.cost.money(false)),
            usage: self.usage.0.and_then(|usage| usage.normal()),
            served_model: self.model.0,
            request_id: self.id.0,
            ..Generation::default()
        };
        let mut refusal = String::new();
        let mut thoughts = Vec::new();
        for item in self.output.0.unwrap_or_default() {
            match item.kind.0.as_deref() {
                Some("message") => item.message(&mut generation, &mut refusal),
                Some("reasoning") => thoughts.extend(item.thoughts()),
                Some("function_call") => generation.tool_calls.push(item.call()),
                _ => {}
            }
        }
        generation.reasoning = Some(thoughts.join("\n\n")).filter(|text| !text.is_empty());
        let reason = self.incomplete_details.0.and_then(|details| details.reason.0);
        let raw = reason.filter(|_| status == "incomplete").unwrap_or(status);
        generation.finish_reason = match raw.as_str() {
            "completed" if generation.tool_calls.is_empty() => FinishReason::Stop,
            "completed" => FinishReason::ToolCalls,
            other => decode::finish_reason(Some(other)),
        };
        generation.raw_finish_reason = Some(raw);
        Ok(Read { generation, refusal })
    }
}

impl Item {
    fn message(self, generation: &mut Generation, refusal: &mut String) {
        for part in self.content.0.into_iter().flatten() {
            generation.text.push_str(part.text.0.as_deref().unwrap_or_default());
            refusal.push_str(part.refusal.0.as_deref().unwrap_or_default());
            generation.logprobs.extend(logprobs::read(&part.logprobs));
        }
    }

    /// The reasoning itself where the model shows it, else its summary.
    fn thoughts(self) -> Vec<String> {
        let texts = |parts: Loose<Vec<Part>>| -> Vec<String> {
            parts.0.into_iter().flatten().filter_map(|part| part.text.0).collect()
        };
        let shown = texts(self.content);
        if shown.is_empty() { texts(self.summary) } else { shown }
    }

    fn call(self) -> ToolCall {
        ToolCall {
            id: self.call_id.0.or(self.id.0).unwrap_or_default(),
            name: self.name.0.unwrap_or_default(),
            arguments: match self.arguments {
                Value::Null => String::new(),
                Value::String(text) => text,
                other => other.to_string(),
            },
        }
    }
}

impl WireUsage {
    fn normal(&self) -> Option<Usage> {
        let (input, output) = (self.input_tokens.0?, self.output_tokens.0?);
        let inputs = self.input_tokens_details.0.as_ref();
        let outputs = self.output_tokens_details.0.as_ref();
        let read = inputs.and_then(|details| details.cached_tokens.0).unwrap_or(0).min(input);
        let written = inputs.and_then(|details| details.cache_write_tokens.0).unwrap_or(0);
        let reasoning = outputs.and_then(|details| details.reasoning_tokens.0).unwrap_or(0);
        Some(Usage {
            input,
            output,
            cache_read: read,
            cache_write: written.min(input - read),
            cache_write_1h: 0,
            reasoning: reasoning.min(output),
        })
    }
}
