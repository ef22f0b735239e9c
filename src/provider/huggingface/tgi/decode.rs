//! From a whole reply to the generation; also what streams share with it.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    domain::{
        fault::{Fault, FaultKind},
        generation::{FinishReason, Generation, TokenLogprob, Usage},
    },
    provider::{
        HttpReply, classify,
        loose::{Loose, Shape, WireObject},
    },
};

/// An answer; also the last event of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    generated_text: Loose<String>,
    details: Loose<Details>,
}

/// How an answer came about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Details {
    finish_reason: Loose<String>,
    generated_tokens: Loose<u64>,
    input_length: Loose<u64>,
    prefill: Loose<Vec<Counted>>,
    tokens: Loose<Vec<WireToken>>,
    top_tokens: Loose<Vec<Vec<WireToken>>>,
}

/// A token of the prompt, of which only the number matters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Counted {}

/// A token of the answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireToken {
    pub(super) text: Loose<String>,
    logprob: Loose<f64>,
    special: Value,
}

impl WireObject<'_> for Body {}
impl WireObject<'_> for Details {}
impl WireObject<'_> for Counted {}
impl WireObject<'_> for WireToken {}

/// An object, or an array of one.
struct Answer(Body);

impl<'de> Shape<'de> for Answer {
    fn list<A: serde::de::SeqAccess<'de>>(items: A) -> Result<Option<Self>, A::Error> {
        Ok(Vec::<Body>::list(items)?.and_then(|all| all.into_iter().next()).map(Self))
    }

    fn object<A: serde::de::MapAccess<'de>>(fields: A) -> Result<Option<Self>, A::Error> {
        Ok(<Body as Shape>::object(fields)?.map(Self))
    }
}

impl WireToken {
    /// Whether it marks a place, such as the end, instead of being text.
    pub(super) fn is_special(&self) -> bool {
        self.special == Value::Bool(true)
    }

    /// The token with its alternatives.
    pub(super) fn logprob(&self, top: &[Self]) -> Option<TokenLogprob> {
        let pair = |token: &Self| Some((token.text.0.clone()?, token.logprob.0?));
        let (token, logprob) = pair(self)?;
        Some(TokenLogprob { token, logprob, top: top.iter().filter_map(pair).collect() })
    }
}

impl Details {
    /// Adds to `generation` what they say.
    pub(super) fn complete(self, generation: &mut Generation) {
        let read = self.prefill.0.map(|prefill| prefill.len() as u64).filter(|count| *count > 0);
        let (input, output) = (self.input_length.0.or(read), self.generated_tokens.0);
        generation.usage =
            input.zip(output).map(|(input, output)| Usage { input, output, ..Usage::default() });
        generation.finish_reason = match self.finish_reason.0.as_deref().unwrap_or_default() {
            "eos_token" | "stop_sequence" => FinishReason::Stop,
            "length" => FinishReason::Length,
            _ => FinishReason::Unknown,
        };
        generation.raw_finish_reason = self.finish_reason.0;
        // Without alternatives nobody asked for log probabilities.
        let tokens = self.tokens.0.unwrap_or_default();
        let top = self.top_tokens.0.unwrap_or_default();
        let pairs = tokens.iter().zip(&top).filter(|(token, _)| !token.is_special());
        generation.logprobs.extend(pairs.filter_map(|(token, top)| token.logprob(top)));
    }
}

/// The answer in a whole reply; `None` when it is not written in this format.
pub(in crate::provider::huggingface) fn reply(
    reply: &HttpReply<'_>,
) -> Option<Result<Generation, Fault>> {
    let answer: Loose<Answer> = serde_json::from_slice(reply.body).ok()?;
    let Answer(body) = answer.0?;
    let Some(text) = body.generated_text.0 else {
        let other: Value = serde_json::from_slice(reply.body).ok()?;
        return error(&other, reply.status).map(Err);
    };
    let request_id = reply.headers.get("x-request-id").map(str::to_owned);
    let mut generation = Generation { text, request_id, ..Generation::default() };
    if let Some(details) = body.details.0 {
        details.complete(&mut generation);
    }
    Some(Ok(generation))
}

/// The fault that an error inside a reply of status 2xx is; `None` when it is none of this format.
pub(super) fn error(body: &Value, status: u16) -> Option<Fault> {
    let kind = body["error_type"].as_str()?;
    let error = classify::error_in(body)?;
    // The status that the server would have sent before the first token.
    let meant = match kind {
        "validation" => 422,
        "generation" => 424,
        "overloaded" => 429,
        _ => 500,
    };
    let mut fault = classify::inner_fault(&error, meant);
    fault.status = Some(status);
    if fault.kind == FaultKind::Protocol {
        fault.kind = FaultKind::Transient;
    }
    Some(fault)
}
