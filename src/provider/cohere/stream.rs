//! From the events of a stream to the generation.

use serde::Deserialize;
use serde_json::Value;

use super::decode::{self, Logprob, WireToolCall, WireUsage};
use crate::{
    base::text,
    domain::{
        fault::{Fault, FaultKind},
        generation::{Generation, ToolCall},
    },
    provider::{
        HttpReply, Progress, StreamDecoder, classify,
        loose::{Loose, WireObject},
        sse::Event,
    },
};

/// An event; its type is inside, and its name repeats it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    #[serde(rename = "type")]
    kind: Loose<String>,
    id: Loose<String>,
    index: Loose<u64>,
    delta: Loose<Delta>,
    logprobs: Loose<Logprob>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Delta {
    message: Loose<Piece>,
    finish_reason: Loose<String>,
    usage: Loose<WireUsage>,
    error: Loose<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Piece {
    content: Value,
    tool_plan: Loose<String>,
    /// One call, although the name is a plural.
    tool_calls: Loose<WireToolCall>,
}

impl WireObject<'_> for Body {}
impl WireObject<'_> for Delta {}
impl WireObject<'_> for Piece {}

/// Collects the pieces of one answer.
#[derive(Debug)]
pub(super) struct Decoder {
    status: u16,
    generation: Generation,
    reasoning: String,
    plan: String,
    /// The calls, with the index by which the stream tells them apart.
    calls: Vec<(Option<u64>, ToolCall)>,
    done: bool,
}

impl Decoder {
    /// A decoder for the stream that `head` opens.
    pub(super) fn new(head: &HttpReply<'_>) -> Self {
        Self {
            status: head.status,
            generation: Generation::default(),
            reasoning: String::new(),
            plan: String::new(),
            calls: Vec::new(),
            done: false,
        }
    }

    fn read(&self, data: &str) -> Result<Body, Fault> {
        let body: Loose<Body> = serde_json::from_str(data).map_err(|error| {
            let shown = text::one_line(data, 200);
            let message = format!("an event of the stream is not JSON ({error}): {shown}");
            self.with_status(Fault::new(FaultKind::Protocol, message))
        })?;
        let body = body.0.unwrap_or_default();
        if body.kind.0.is_none() {
            let other = serde_json::from_str(data).ok();
            if let Some(error) = other.and_then(|body| classify::error_in(&body)) {
                return Err(classify::inner_fault(&error, self.status));
            }
        }
        Ok(body)
    }

    fn with_status(&self, fault: Fault) -> Fault {
        Fault { status: Some(self.status), ..fault }
    }

    fn piece(&mut self, piece: Piece, index: Option<u64>, starts_call: bool) -> Progress {
        let (text, thought) = decode::part(&piece.content);
        let plan = piece.tool_plan.0.unwrap_or_default();
        let mut moved = !(text.is_empty() && thought.is_empty() && plan.is_empty());
        self.generation.text.push_str(text);
        self.reasoning.push_str(thought);
        self.plan.push_str(&plan);
        if let Some(call) = piece.tool_calls.0 {
            moved = true;
            let function = call.function.0.unwrap_or_default();
            let to = self.call(index, starts_call);
            to.id.push_str(call.id.0.as_deref().unwrap_or_default());
            to.name.push_str(function.name.0.as_deref().unwrap_or_default());
            to.arguments.push_str(function.arguments.0.as_deref().unwrap_or_default());
        }
        if moved { Progress::Output } else { Progress::Quiet }
    }

    /// The call that a piece belongs to: the one with its index, else the last.
    fn call(&mut self, index: Option<u64>, starts: bool) -> &mut ToolCall {
        let place = self.calls.iter().rposition(|(have, _)| index.is_none() || *have == index);
        let place = place.filter(|_| !starts).unwrap_or_else(|| {
            let (id, name, arguments) = Default::default();
            self.calls.push((index, ToolCall { id, name, arguments }));
            self.calls.len() - 1
        });
        &mut self.calls[place].1
    }

    fn end(&mut self, delta: Delta) -> Result<Progress, Fault> {
        let raw = delta.finish_reason.0;
        let reason = decode::finish_reason(raw.as_deref(), delta.error.0.as_deref());
        self.generation.finish_reason = reason.map_err(|fault| self.with_status(fault))?;
        self.generation.raw_finish_reason = raw;
        self.generation.usage = delta.usage.0.and_then(|usage| usage.normal());
        self.done = true;
        Ok(Progress::Done)
    }
}

impl StreamDecoder for Decoder {
    fn event(&mut self, event: Event<'_>) -> Result<Progress, Fault> {
        let data = event.data.trim();
        if self.done || data.is_empty() || data == "[DONE]" {
            return Ok(Progress::Quiet);
        }
        let body = self.read(data)?;
        let delta = body.delta.0.unwrap_or_default();
        Ok(match body.kind.0.as_deref().unwrap_or_default() {
            "message-start" => {
                self.generation.request_id = body.id.0;
                Progress::Quiet
            }
            kind @ ("content-start" | "content-delta" | "tool-plan-delta" | "tool-call-start"
            | "tool-call-delta") => {
                self.generation.logprobs.extend(body.logprobs.0.and_then(Logprob::token));
                let piece = delta.message.0.unwrap_or_default();
                self.piece(piece, body.index.0, kind == "tool-call-start")
            }
            "message-end" => return self.end(delta),
            // The ends of pieces, citations, and what is added one day.
            _ => Progress::Quiet,
        })
    }

    fn complete(&self) -> bool {
        self.done
    }

    fn partial(&self) -> Option<String> {
        Some(&self.generation.text).filter(|text| !text.is_empty()).cloned()
    }

    fn finish(self: Box<Self>) -> Result<Generation, Fault> {
        if !self.done {
            let message = "the stream ended before the model had finished";
            let partial = self.partial();
            let fault = Fault::new(FaultKind::Truncated, message);
            return Err(Fault { partial, ..self.with_status(fault) });
        }
        let mut generation = self.generation;
        let reasoning = decode::with_plan(self.reasoning, &self.plan);
        generation.reasoning = Some(reasoning).filter(|text| !text.is_empty());
        generation.tool_calls = self.calls.into_iter().map(|(_, call)| call).collect();
        Ok(generation)
    }
}
