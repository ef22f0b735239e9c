//! From replies, whole or in pieces, to the generation.

use serde::Deserialize;
use serde_json::Value;

use super::fault::inner_fault;
use crate::{
    domain::{
        fault::{Fault, FaultKind},
        generation::{Embeddings, FinishReason, Generation, TokenLogprob, ToolCall, Usage},
    },
    provider::{
        HttpReply, classify,
        loose::{Loose, WireObject},
    },
};

/// A reply, or one event of a stream: both have the same form.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Body {
    candidates: Loose<Vec<Candidate>>,
    prompt_feedback: Loose<Feedback>,
    usage_metadata: Loose<WireUsage>,
    model_version: Loose<String>,
    response_id: Loose<String>,
    error: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Candidate {
    index: Loose<u64>,
    content: Loose<Content>,
    finish_reason: Loose<String>,
    logprobs_result: Loose<Logprobs>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Content {
    parts: Loose<Vec<Part>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Part {
    text: Loose<String>,
    thought: Value,
    function_call: Loose<FunctionCall>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FunctionCall {
    id: Loose<String>,
    name: Loose<String>,
    args: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Feedback {
    block_reason: Loose<String>,
    block_reason_message: Loose<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Logprobs {
    chosen_candidates: Loose<Vec<Chosen>>,
    top_candidates: Loose<Vec<Top>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Chosen {
    token: Loose<String>,
    log_probability: Loose<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Top {
    candidates: Loose<Vec<Chosen>>,
}

/// Counts of tokens; zeros are left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names of the wire format")]
struct WireUsage {
    /// Includes what the cache gave.
    prompt_token_count: Loose<u64>,
    cached_content_token_count: Loose<u64>,
    tool_use_prompt_token_count: Loose<u64>,
    /// Excludes thoughts.
    candidates_token_count: Loose<u64>,
    thoughts_token_count: Loose<u64>,
    total_token_count: Loose<u64>,
}

impl WireObject<'_> for Candidate {}
impl WireObject<'_> for Content {}
impl WireObject<'_> for Part {}
impl WireObject<'_> for FunctionCall {}
impl WireObject<'_> for Feedback {}
impl WireObject<'_> for Logprobs {}
impl WireObject<'_> for Chosen {}
impl WireObject<'_> for Top {}
impl WireObject<'_> for WireUsage {}

impl WireUsage {
    /// The counts in normal form; `None` when the prompt was not counted.
    fn tokens(&self) -> Option<Usage> {
        let thoughts = self.thoughts_token_count.0.unwrap_or(0);
        let prompt = self.prompt_token_count.0?;
        let input = prompt.saturating_add(self.tool_use_prompt_token_count.0.unwrap_or(0));
        let rest = || {
            let rest = self.total_token_count.0?.checked_sub(input)?;
            rest.checked_sub(thoughts)
        };
        let candidates = self.candidates_token_count.0.or_else(rest).unwrap_or(0);
        Some(Usage {
            input,
            output: candidates.saturating_add(thoughts),
            cache_read: self.cached_content_token_count.0.unwrap_or(0).min(input),
            cache_write: 0,
            cache_write_1h: 0,
            reasoning: thoughts,
        })
    }
}

impl Logprobs {
    fn tokens(self) -> Vec<TokenLogprob> {
        let chosen = self.chosen_candidates.0.unwrap_or_default();
        let mut tops = self.top_candidates.0.unwrap_or_default().into_iter();
        let tokens = chosen.into_iter().filter_map(|chosen| {
            let top = tops.next().and_then(|top| top.candidates.0).unwrap_or_default();
            let top = top.into_iter().filter_map(Chosen::pair).collect();
            chosen.pair().map(|(token, logprob)| TokenLogprob { token, logprob, top })
        });
        tokens.collect()
    }
}

impl Chosen {
    fn pair(self) -> Option<(String, f64)> {
        Some((self.token.0.unwrap_or_default(), self.log_probability.0?))
    }
}

/// Collects the pieces of one answer.
#[derive(Debug)]
pub(super) struct Collected {
    status: u16,
    pub(super) generation: Generation,
    reasoning: String,
}

impl Collected {
    /// Nothing yet, of a reply with this status.
    pub(super) fn new(status: u16) -> Self {
        Self { status, generation: Generation::default(), reasoning: String::new() }
    }

    /// Takes a piece; says whether it brought anything to read, or `None` when it has no candidate.
    pub(super) fn take(&mut self, body: Body) -> Result<Option<bool>, Fault> {
        if !body.error.is_null() {
            let error = serde_json::json!({ "error": body.error });
            return Err(inner_fault(&error, self.status));
        }
        let made = &mut self.generation;
        made.usage = body.usage_metadata.0.as_ref().and_then(WireUsage::tokens).or(made.usage);
        made.served_model = body.model_version.0.or(made.served_model.take());
        made.request_id = made.request_id.take().or(body.response_id.0);
        let candidates = body.candidates.0.unwrap_or_default();
        let first = candidates.into_iter().find(|one| one.index.0.unwrap_or(0) == 0);
        let Some(candidate) = first else {
            return match body.prompt_feedback.0.and_then(Feedback::reason) {
                Some(message) => {
                    let fault = Fault::new(FaultKind::ContentFilter, message);
                    Err(Fault { status: Some(self.status), ..fault })
                }
                None => Ok(None),
            };
        };
        if let Some(reason) = candidate.finish_reason.0.filter(|reason| !reason.is_empty()) {
            made.raw_finish_reason = Some(reason);
        }
        made.logprobs.extend(candidate.logprobs_result.0.map(Logprobs::tokens).unwrap_or_default());
        let parts = candidate.content.0.and_then(|content| content.parts.0).unwrap_or_default();
        let moved = parts.into_iter().map(|part| self.part(part)).filter(|moved| *moved).count();
        Ok(Some(moved > 0))
    }

    fn part(&mut self, part: Part) -> bool {
        let text = part.text.0.unwrap_or_default();
        let call = part.function_call.0;
        let moved = !text.is_empty() || call.is_some();
        if part.thought == Value::Bool(true) {
            self.reasoning.push_str(&text);
        } else {
            self.generation.text.push_str(&text);
        }
        self.generation.tool_calls.extend(call.map(|call| ToolCall {
            id: call.id.0.unwrap_or_default(),
            name: call.name.0.unwrap_or_default(),
            arguments: match call.args {
                Value::Null => "{}".to_owned(),
                args => args.to_string(),
            },
        }));
        moved
    }

    /// The answer.
    pub(super) fn finish(self) -> Generation {
        let mut made = self.generation;
        made.finish_reason = finish_reason(made.raw_finish_reason.as_deref());
        // A function call is a regular stop here.
        if made.finish_reason == FinishReason::Stop && !made.tool_calls.is_empty() {
            made.finish_reason = FinishReason::ToolCalls;
        }
        made.reasoning = Some(self.reasoning).filter(|text| !text.is_empty());
        made
    }
}

impl Feedback {
    fn reason(self) -> Option<String> {
        let reason = self.block_reason.0.filter(|reason| !reason.is_empty())?;
        let more = self.block_reason_message.0.filter(|more| !more.is_empty());
        let more = more.map_or_else(String::new, |more| format!(": {more}"));
        let shown = crate::base::text::one_line(&format!("{reason}{more}"), 500);
        Some(format!("the prompt was blocked ({shown})"))
    }
}

/// The neutral reason of Google's word for it.
fn finish_reason(raw: Option<&str>) -> FinishReason {
    match raw {
        Some("STOP") => FinishReason::Stop,
        Some("MAX_TOKENS") => FinishReason::Length,
        Some("FUNCTION_CALL") => FinishReason::ToolCalls,
        Some(
            "SAFETY"
            | "RECITATION"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "MODEL_ARMOR"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION",
        ) => FinishReason::ContentFilter,
        Some(
            "OTHER"
            | "MALFORMED_FUNCTION_CALL"
            | "MALFORMED_RESPONSE"
            | "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS"
            | "MISSING_THOUGHT_SIGNATURE"
            | "IMAGE_OTHER"
            | "NO_IMAGE",
        ) => FinishReason::Error,
        _ => FinishReason::Unknown,
    }
}

/// The answer in a whole reply. A host that was asked for a stream and knows no events sends them as
/// an array.
pub(in crate::provider) fn reply(reply: &HttpReply<'_>) -> Result<Generation, Fault> {
    let is_list = reply.body.trim_ascii_start().starts_with(b"[");
    let bodies: Vec<Body> = if is_list {
        serde_json::from_slice(reply.body)
    } else {
        serde_json::from_slice(reply.body).map(|body| vec![body])
    }
    .map_err(|error| classify::protocol(reply, &format!("the reply is not JSON ({error})")))?;
    let mut collected = Collected::new(reply.status);
    let mut answered = false;
    for body in bodies {
        answered |= collected.take(body)?.is_some();
    }
    if !answered {
        return Err(classify::protocol(reply, "the reply has no `candidates`"));
    }
    Ok(collected.finish())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Vectors {
    embedding: Option<Vector>,
    embeddings: Option<Vec<Vector>>,
    usage_metadata: Loose<WireUsage>,
    error: Value,
}

#[derive(Debug, Deserialize)]
struct Vector {
    values: Vec<f32>,
}

/// The vectors in a whole reply.
pub(super) fn vectors(reply: &HttpReply<'_>) -> Result<Embeddings, Fault> {
    let body: Vectors = serde_json::from_slice(reply.body).map_err(|error| {
        classify::protocol(reply, &format!("the reply is no vectors ({error})"))
    })?;
    if !body.error.is_null() {
        return Err(inner_fault(&serde_json::json!({ "error": body.error }), reply.status));
    }
    let found = body.embeddings.or_else(|| body.embedding.map(|one| vec![one]));
    let found = found.ok_or_else(|| classify::protocol(reply, "the reply has no `embedding`"))?;
    Ok(Embeddings {
        vectors: found.into_iter().map(|one| one.values).collect(),
        usage: body.usage_metadata.0.as_ref().and_then(WireUsage::tokens),
        ..Embeddings::default()
    })
}
