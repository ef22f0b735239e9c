//! From a whole reply to the generation; also the objects that streams are made of.

use serde::Deserialize;
use serde_json::Value;

use super::{
    cost::{self, WireCost},
    logprobs, responses,
};
use crate::{
    base::money::Money,
    domain::{
        fault::{Fault, FaultKind},
        generation::{FinishReason, Generation, ToolCall, Usage},
    },
    provider::{
        Headers, HttpReply, classify,
        loose::{Loose, Shape, WireObject},
        request_id,
    },
};

/// A reply, or one event of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Body {
    pub(super) id: Loose<String>,
    pub(super) model: Loose<String>,
    pub(super) choices: Loose<Vec<Choice>>,
    usage: Loose<WireUsage>,
    x_groq: Loose<Groq>,
    error: Value,
    base_resp: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Groq {
    usage: Loose<WireUsage>,
    error: Value,
}

/// One of the answers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice {
    index: Loose<u64>,
    message: Loose<WireMessage>,
    pub(super) delta: Loose<WireMessage>,
    pub(super) text: Loose<String>,
    pub(super) finish_reason: Loose<String>,
    usage: Loose<WireUsage>,
    pub(super) logprobs: Value,
    error: Value,
}

/// A message, or a piece of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireMessage {
    pub(super) content: Loose<Content>,
    pub(super) refusal: Loose<String>,
    reasoning_content: Loose<String>,
    reasoning: Loose<String>,
    reasoning_details: Loose<Vec<Detail>>,
    pub(super) tool_calls: Loose<Vec<WireToolCall>>,
    pub(super) function_call: Loose<Function>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail {
    text: Loose<String>,
    summary: Loose<String>,
}

/// A function call, or a piece of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireToolCall {
    pub(super) index: Loose<u64>,
    pub(super) id: Loose<String>,
    pub(super) function: Loose<Function>,
}

/// The function and its arguments.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Function {
    pub(super) name: Loose<String>,
    arguments: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Piece {
    text: Loose<Content>,
    thinking: Loose<Content>,
    refusal: Loose<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    prompt_tokens: Loose<u64>,
    completion_tokens: Loose<u64>,
    total_tokens: Loose<u64>,
    prompt_tokens_details: Loose<InputDetails>,
    completion_tokens_details: Loose<OutputDetails>,
    /// Moonshot.
    cached_tokens: Loose<u64>,
    /// `DeepSeek`.
    prompt_cache_hit_tokens: Loose<u64>,
    /// Perplexity.
    reasoning_tokens: Loose<u64>,
    cost: Value,
    cost_details: Value,
    is_byok: Value,
    cost_in_usd_ticks: Loose<f64>,
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

impl WireObject<'_> for Groq {}
impl WireObject<'_> for Choice {}
impl WireObject<'_> for WireMessage {}
impl WireObject<'_> for Detail {}
impl WireObject<'_> for WireToolCall {}
impl WireObject<'_> for Function {}
impl WireObject<'_> for WireUsage {}
impl WireObject<'_> for InputDetails {}
impl WireObject<'_> for OutputDetails {}

/// A message's content: text, or parts of which some may be reasoning.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) text: String,
    reasoning: String,
    refusal: String,
}

impl<'de> Shape<'de> for Content {
    fn text(text: &str) -> Option<Self> {
        Some(Self { text: text.to_owned(), ..Self::default() })
    }

    fn list<A: serde::de::SeqAccess<'de>>(mut items: A) -> Result<Option<Self>, A::Error> {
        let mut all = Self::default();
        while let Some(Loose(part)) = items.next_element::<Loose<Self>>()? {
            let Some(part) = part else { continue };
            all.text.push_str(&part.text);
            all.reasoning.push_str(&part.reasoning);
            all.refusal.push_str(&part.refusal);
        }
        Ok(Some(all))
    }

    fn object<A: serde::de::MapAccess<'de>>(fields: A) -> Result<Option<Self>, A::Error> {
        let from = serde::de::value::MapAccessDeserializer::new(fields);
        let piece = Piece::deserialize(from)?;
        let mut content = piece.text.0.unwrap_or_default();
        if let Some(thinking) = piece.thinking.0 {
            content.reasoning.push_str(&thinking.text);
        }
        content.refusal.push_str(piece.refusal.0.as_deref().unwrap_or_default());
        Ok(Some(content))
    }
}

impl WireMessage {
    /// The text, the refusal and the reasoning, taken out. Any may be empty.
    pub(super) fn take(&mut self) -> (String, String, String) {
        let content = self.content.0.take().unwrap_or_default();
        let mut refusal = self.refusal.0.take().unwrap_or_default();
        refusal.push_str(&content.refusal);
        let fields = [self.reasoning_content.0.take(), self.reasoning.0.take()];
        let given = fields.into_iter().flatten().find(|text| !text.is_empty());
        let reasoning = given.unwrap_or_else(|| {
            let details = self.reasoning_details.0.take().unwrap_or_default();
            let mut text = content.reasoning;
            text.extend(
                details.into_iter().filter_map(|detail| detail.text.0.or(detail.summary.0)),
            );
            text
        });
        (content.text, refusal, reasoning)
    }
}

impl Function {
    /// The arguments as JSON text; some servers send the object itself.
    pub(super) fn arguments(&self) -> String {
        match &self.arguments {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

impl Body {
    /// The fault that the reply reports, if it does.
    pub(super) fn fault(&self, status: u16) -> Option<Fault> {
        let groq = self.x_groq.0.as_ref().map(|groq| &groq.error);
        let choice = self.choices.0.iter().flatten().map(|choice| &choice.error);
        let errors = [&self.error].into_iter().chain(groq).chain(choice);
        let error = errors
            .filter(|error| !is_none(error))
            .find_map(|error| classify::error_in(&serde_json::json!({ "error": error })));
        let error = error.or_else(|| {
            let given = self.base_resp.is_object().then_some(&self.base_resp)?;
            classify::error_in(&serde_json::json!({ "base_resp": given }))
        });
        error.map(|error| classify::inner_fault(&error, status))
    }

    /// The first answer, taken out.
    pub(super) fn take_choice(&mut self) -> Option<Choice> {
        let choices = self.choices.0.take()?;
        choices.into_iter().find(|choice| choice.index.0.unwrap_or(0) == 0)
    }

    /// Tokens and reported cost, wherever they stand; `choice` is the answer that was taken out,
    /// `in_dollars` what [`cost::in_dollars`] says.
    pub(super) fn usage(
        &mut self,
        choice: Option<&mut Choice>,
        in_dollars: bool,
    ) -> (Option<Usage>, Option<Money>) {
        let groq = || self.x_groq.0.take().and_then(|groq| groq.usage.0);
        let inner = choice.and_then(|choice| choice.usage.0.take());
        let usage = self.usage.0.take().or_else(groq).or(inner);
        usage.map_or((None, None), |usage| (usage.tokens(), usage.cost().money(in_dollars)))
    }
}

/// Servers fill an absent error with `null`, an empty text or an empty object.
fn is_none(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

impl WireUsage {
    /// What it says of money.
    fn cost(self) -> WireCost {
        let Self { cost, cost_details, is_byok, cost_in_usd_ticks, .. } = self;
        WireCost { cost, cost_details, is_byok, cost_in_usd_ticks }
    }

    /// The counts in normal form; `None` unless both totals can be told.
    fn tokens(&self) -> Option<Usage> {
        let total = self.total_tokens.0;
        let input = match (self.prompt_tokens.0, self.completion_tokens.0) {
            (None, Some(output)) => total?.checked_sub(output)?,
            (input, _) => input?,
        };
        let output = self.completion_tokens.0.or_else(|| total?.checked_sub(input))?;
        let inputs = self.prompt_tokens_details.0.as_ref();
        let outputs = self.completion_tokens_details.0.as_ref();
        let reasoning = outputs.and_then(|details| details.reasoning_tokens.0);
        let reasoning = reasoning.or(self.reasoning_tokens.0).unwrap_or(0);
        // xAI counts reasoning beside the answer, not in it; its total tells which it was.
        let beside = reasoning > 0 && total == Some(input + output + reasoning);
        let output = if beside { output + reasoning } else { output };
        let cached = inputs.and_then(|details| details.cached_tokens.0);
        let cached = cached.or(self.cached_tokens.0).or(self.prompt_cache_hit_tokens.0);
        let cache_read = cached.unwrap_or(0).min(input);
        let written = inputs.and_then(|details| details.cache_write_tokens.0).unwrap_or(0);
        Some(Usage {
            input,
            output,
            cache_read,
            cache_write: written.min(input - cache_read),
            cache_write_1h: 0,
            reasoning: reasoning.min(output),
        })
    }
}

/// What the headers say: the id of the request, and a cost.
pub(super) fn from_headers(headers: &dyn Headers) -> (Option<String>, Option<Money>) {
    (request_id(headers), cost::in_headers(headers))
}

/// The neutral reason of a provider's word for it.
pub(super) fn finish_reason(raw: Option<&str>) -> FinishReason {
    let Some(raw) = raw else { return FinishReason::Unknown };
    match raw.to_ascii_lowercase().as_str() {
        "stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence" | "complete" => {
            FinishReason::Stop
        }
        "length" | "max_tokens" | "max_output_tokens" => FinishReason::Length,
        "model_length" | "model_context_window_exceeded" => FinishReason::Context,
        "tool_calls" | "function_call" | "tool_use" | "tool_call" => FinishReason::ToolCalls,
        "content_filter" | "content_filtered" | "safety" | "guardrail_intervened" => {
            FinishReason::ContentFilter
        }
        "refusal" => FinishReason::Refusal,
        "timeout" | "other" => FinishReason::Error,
        malformed if malformed.starts_with("malformed") => FinishReason::Error,
        _ => FinishReason::Unknown,
    }
}

/// Turns what was collected into the result: a refusal becomes the text where there is no other,
/// and an answer that the provider gave up on becomes a fault.
pub(super) fn settle(mut generation: Generation, refusal: String) -> Result<Generation, Fault> {
    let raw = generation.raw_finish_reason.as_deref();
    if raw.is_some_and(|raw| raw.eq_ignore_ascii_case("error")) {
        let message = "the provider ended the answer with the finish reason `error`";
        let mut fault = Fault::new(FaultKind::Transient, message);
        fault.partial = Some(generation.text).filter(|text| !text.is_empty());
        return Err(fault);
    }
    generation.finish_reason = finish_reason(raw);
    if !refusal.is_empty() {
        generation.finish_reason = FinishReason::Refusal;
        if generation.text.is_empty() {
            generation.text = refusal;
        }
    }
    Ok(generation)
}

/// The answer in a whole reply.
pub(in crate::provider) fn reply(reply: &HttpReply<'_>) -> Result<Generation, Fault> {
    let mut body: Body = serde_json::from_slice(reply.body)
        .map_err(|error| classify::protocol(reply, &format!("the reply is not JSON ({error})")))?;
    if let Some(fault) = body.fault(reply.status) {
        return Err(fault);
    }
    let Some(mut choice) = body.take_choice() else {
        let other: Option<Value> = serde_json::from_slice(reply.body).ok();
        if other.as_ref().is_some_and(responses::is_response) {
            return responses::reply(reply);
        }
        let other = other.and_then(|body| classify::error_in(&body));
        return Err(other.map_or_else(
            || classify::protocol(reply, "the reply has no `choices`"),
            |error| classify::inner_fault(&error, reply.status),
        ));
    };
    let (usage, cost) = body.usage(Some(&mut choice), cost::in_dollars(reply.headers));
    let (request_id, header_cost) = from_headers(reply.headers);
    let mut message = choice.message.0.or(choice.delta.0).unwrap_or_default();
    let (mut text, refusal, reasoning) = message.take();
    text.push_str(choice.text.0.as_deref().unwrap_or_default());
    let generation = Generation {
        text,
        reasoning: Some(reasoning).filter(|text| !text.is_empty()),
        tool_calls: tool_calls(&message),
        finish_reason: FinishReason::Unknown,
        raw_finish_reason: choice.finish_reason.0,
        usage,
        served_model: body.model.0,
        request_id: request_id.or(body.id.0),
        reported_cost: cost.or(header_cost),
        logprobs: logprobs::read(&choice.logprobs),
    };
    settle(generation, refusal).map_err(|fault| Fault { status: Some(reply.status), ..fault })
}

/// Whether a reply is a completion with neither answers nor an error in it.
pub(super) fn is_empty(body: &[u8]) -> bool {
    serde_json::from_slice::<Body>(body).is_ok_and(|body| {
        body.id.0.is_some()
            && body.error.is_null()
            && body.choices.0.is_none_or(|all| all.is_empty())
    })
}

fn tool_calls(message: &WireMessage) -> Vec<ToolCall> {
    let calls = message.tool_calls.0.iter().flatten();
    let mut calls: Vec<ToolCall> = calls
        .map(|call| {
            let id = call.id.0.clone().unwrap_or_default();
            call.function.0.as_ref().map_or_else(
                || ToolCall { id: id.clone(), name: String::new(), arguments: String::new() },
                |function| function.call(id.clone()),
            )
        })
        .collect();
    // Old servers, and llama-cpp-python beside the list, name one function outside the list.
    if let (true, Some(function)) = (calls.is_empty(), &message.function_call.0) {
        calls.push(function.call(String::new()));
    }
    calls
}

impl Function {
    fn call(&self, id: String) -> ToolCall {
        let name = self.name.0.clone().unwrap_or_default();
        ToolCall { id, name, arguments: self.arguments() }
    }
}
