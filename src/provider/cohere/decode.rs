//! From a whole reply to the generation; also what streams share with it.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    domain::{
        fault::{Fault, FaultKind},
        generation::{Embeddings, FinishReason, Generation, TokenLogprob, ToolCall, Usage},
    },
    provider::{
        HttpReply, classify,
        loose::{Loose, WireObject},
        vectors,
    },
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    id: Loose<String>,
    message: Loose<WireMessage>,
    finish_reason: Loose<String>,
    usage: Loose<WireUsage>,
    logprobs: Loose<Vec<Logprob>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireMessage {
    content: Value,
    tool_plan: Loose<String>,
    tool_calls: Loose<Vec<WireToolCall>>,
}

/// A function call, or a piece of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireToolCall {
    pub(super) id: Loose<String>,
    pub(super) function: Loose<Function>,
}

/// The function and its arguments.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Function {
    pub(super) name: Loose<String>,
    pub(super) arguments: Loose<String>,
}

/// Tokens: those that are charged, and those that the model saw.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    billed_units: Loose<Tokens>,
    tokens: Loose<Tokens>,
    cached_tokens: Loose<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tokens {
    input_tokens: Loose<u64>,
    output_tokens: Loose<u64>,
}

/// A piece of the text with the probabilities of its tokens.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Logprob {
    text: Loose<String>,
    logprobs: Loose<Vec<f64>>,
}

impl WireObject<'_> for Body {}
impl WireObject<'_> for WireMessage {}
impl WireObject<'_> for WireToolCall {}
impl WireObject<'_> for Function {}
impl WireObject<'_> for WireUsage {}
impl WireObject<'_> for Tokens {}
impl WireObject<'_> for Logprob {}

impl WireUsage {
    /// The counts in normal form; `None` unless both totals can be told.
    ///
    /// The totals are the billed units where those are given: `tokens` counts the template around
    /// the prompt as well, which is not charged.
    pub(super) fn normal(&self) -> Option<Usage> {
        let of = |from: &Loose<Tokens>, output: bool| {
            let tokens = from.0.as_ref()?;
            if output { tokens.output_tokens.0 } else { tokens.input_tokens.0 }
        };
        let input = of(&self.billed_units, false).or_else(|| of(&self.tokens, false))?;
        let output = of(&self.billed_units, true).or_else(|| of(&self.tokens, true))?;
        let cache_read = self.cached_tokens.0.unwrap_or(0).min(input);
        Some(Usage { input, output, cache_read, ..Usage::default() })
    }
}

impl Logprob {
    /// The piece as one token: Cohere does not say where one ends inside it. Its probability is the
    /// product of theirs.
    pub(super) fn token(self) -> Option<TokenLogprob> {
        let logprobs = self.logprobs.0.filter(|logprobs| !logprobs.is_empty())?;
        let token = self.text.0.unwrap_or_default();
        Some(TokenLogprob { token, logprob: logprobs.iter().sum(), top: Vec::new() })
    }
}

/// The text and the thinking in a part of content.
pub(super) fn part(part: &Value) -> (&str, &str) {
    let of = |name: &str| part[name].as_str().unwrap_or_default();
    (of("text"), of("thinking"))
}

/// The neutral reason of Cohere's word for it.
///
/// # Errors
///
/// `Transient` for the words that mean that Cohere failed.
pub(super) fn finish_reason(raw: Option<&str>, why: Option<&str>) -> Result<FinishReason, Fault> {
    Ok(match raw.unwrap_or_default() {
        "COMPLETE" | "STOP_SEQUENCE" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "TOOL_CALL" => FinishReason::ToolCalls,
        failed @ ("ERROR" | "TIMEOUT") => {
            let why = why.map_or_else(String::new, |why| {
                format!(": {}", crate::base::text::one_line(why, 500))
            });
            let message = format!("Cohere ended the answer with `{failed}`{why}");
            return Err(Fault::new(FaultKind::Transient, message));
        }
        _ => FinishReason::Unknown,
    })
}

/// The answer in a whole reply.
pub(super) fn reply(reply: &HttpReply<'_>) -> Result<Generation, Fault> {
    let body: Loose<Body> = serde_json::from_slice(reply.body)
        .map_err(|error| classify::protocol(reply, &format!("the reply is not JSON ({error})")))?;
    let body = body.0.unwrap_or_default();
    let Some(message) = body.message.0 else {
        return Err(no(reply, "the reply has no `message`"));
    };
    let (mut text, mut reasoning) = (String::new(), String::new());
    // Content is a list of parts; compatible servers also give the text itself.
    text.push_str(message.content.as_str().unwrap_or_default());
    for given in message.content.as_array().into_iter().flatten() {
        let (piece, thought) = part(given);
        text.push_str(piece);
        reasoning.push_str(thought);
    }
    let plan = message.tool_plan.0.unwrap_or_default();
    let calls = message.tool_calls.0.into_iter().flatten().map(|call| {
        let function = call.function.0.unwrap_or_default();
        ToolCall {
            id: call.id.0.unwrap_or_default(),
            name: function.name.0.unwrap_or_default(),
            arguments: function.arguments.0.unwrap_or_default(),
        }
    });
    let tool_calls = calls.collect();
    let finish_reason = finish_reason(body.finish_reason.0.as_deref(), None).map_err(|fault| {
        let partial = Some(&text).filter(|text| !text.is_empty()).cloned();
        Fault { status: Some(reply.status), partial, ..fault }
    })?;
    Ok(Generation {
        text,
        reasoning: Some(with_plan(reasoning, &plan)).filter(|text| !text.is_empty()),
        tool_calls,
        finish_reason,
        raw_finish_reason: body.finish_reason.0,
        usage: body.usage.0.and_then(|usage| usage.normal()),
        request_id: body.id.0,
        logprobs: body.logprobs.0.into_iter().flatten().filter_map(Logprob::token).collect(),
        ..Generation::default()
    })
}

/// The thinking with the plan for calling functions, which is thinking, too.
pub(super) fn with_plan(mut reasoning: String, plan: &str) -> String {
    if !reasoning.is_empty() && !plan.is_empty() {
        reasoning.push('\n');
    }
    reasoning.push_str(plan);
    reasoning
}

/// The vectors in a whole reply.
pub(super) fn embeddings(reply: &HttpReply<'_>) -> Result<Embeddings, Fault> {
    let body: Value = serde_json::from_slice(reply.body)
        .map_err(|error| classify::protocol(reply, &format!("the reply is not JSON ({error})")))?;
    let vectors = vectors::list(&body["embeddings"]["float"]);
    let vectors = vectors.ok_or_else(|| no(reply, "the reply has no `embeddings.float`"))?;
    let billed: Loose<Tokens> =
        serde_json::from_value(body["meta"]["billed_units"].clone()).unwrap_or_default();
    let input = billed.0.and_then(|billed| billed.input_tokens.0);
    Ok(Embeddings {
        vectors,
        usage: input.map(|input| Usage { input, ..Usage::default() }),
        ..Embeddings::default()
    })
}

/// A reply of status 2xx without what it is for: the error that it reports, or a complaint.
fn no(reply: &HttpReply<'_>, what: &str) -> Fault {
    let other: Value = serde_json::from_slice(reply.body).unwrap_or_default();
    classify::error_in(&other).map_or_else(
        || classify::protocol(reply, what),
        |error| classify::inner_fault(&error, reply.status),
    )
}
