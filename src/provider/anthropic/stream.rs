//! From the events of a stream to the generation.

use serde::Deserialize;
use serde_json::Value;

use super::decode::{self, Block, Body, StopDetails, WireUsage};
use crate::{
    base::text,
    domain::{
        fault::{Fault, FaultKind},
        generation::{Generation, ToolCall},
    },
    provider::{HttpReply, Progress, StreamDecoder, classify, loose::Loose, sse::Event},
};

/// An event; its kind is told by `type`, since not every host names the event as well.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireEvent {
    r#type: Loose<String>,
    message: Loose<Body>,
    index: Loose<u64>,
    content_block: Loose<Block>,
    delta: Loose<Block>,
    usage: Loose<WireUsage>,
    error: Value,
}

/// Collects the pieces of one answer.
#[derive(Debug)]
pub(in crate::provider) struct Decoder {
    status: u16,
    generation: Generation,
    reasoning: String,
    usage: WireUsage,
    details: Option<StopDetails>,
    /// The calls, with the index of their block and the arguments that the block began with.
    calls: Vec<(u64, ToolCall, String)>,
    done: bool,
}

impl Decoder {
    /// A decoder for the stream that `head` opens.
    pub(in crate::provider) fn new(head: &HttpReply<'_>) -> Self {
        let request_id = decode::request_id(head.headers);
        Self {
            status: head.status,
            generation: Generation { request_id, ..Generation::default() },
            reasoning: String::new(),
            usage: WireUsage::default(),
            details: None,
            calls: Vec::new(),
            done: false,
        }
    }

    fn fault(&self, kind: FaultKind, message: String) -> Fault {
        Fault { status: Some(self.status), ..Fault::new(kind, message) }
    }

    fn begin(&mut self, message: Body) {
        self.generation.served_model = message.model.0.or(self.generation.served_model.take());
        if self.generation.request_id.is_none() {
            self.generation.request_id = message.id.0;
        }
        if let Some(usage) = message.usage.0 {
            self.usage.update(usage);
        }
    }

    /// Takes a block's beginning or a later piece of it; says whether it brought anything.
    fn take(&mut self, index: u64, piece: Block) -> bool {
        if piece.r#type.0.as_deref() == Some("tool_use") {
            let name = piece.name.0.unwrap_or_default();
            let id = piece.id.0.unwrap_or_default();
            let call = ToolCall { id, name, arguments: String::new() };
            self.calls.push((index, call, decode::arguments(&piece.input)));
            return true;
        }
        let text = piece.text.0.unwrap_or_default();
        let thinking = piece.thinking.0.unwrap_or_default();
        let json = piece.partial_json.0.unwrap_or_default();
        self.generation.text.push_str(&text);
        self.reasoning.push_str(&thinking);
        if let Some((_, call, _)) = self.calls.iter_mut().rfind(|(have, ..)| *have == index) {
            call.arguments.push_str(&json);
        }
        !(text.is_empty() && thinking.is_empty() && json.is_empty())
    }
}

impl StreamDecoder for Decoder {
    fn event(&mut self, event: Event<'_>) -> Result<Progress, Fault> {
        let data = event.data.trim();
        if data.is_empty() || self.done {
            return Ok(Progress::Quiet);
        }
        // Gateways that also speak another format close with its mark.
        if data == "[DONE]" {
            self.done = true;
            return Ok(Progress::Done);
        }
        let event: WireEvent = serde_json::from_str(data).map_err(|error| {
            let shown = text::one_line(data, 200);
            let message = format!("an event of the stream is not JSON ({error}): {shown}");
            self.fault(FaultKind::Protocol, message)
        })?;
        if !event.error.is_null() {
            let error = classify::error_in(&serde_json::json!({ "error": event.error }));
            return Err(error.map_or_else(
                || self.fault(FaultKind::Protocol, text::one_line(data, 200)),
                |error| classify::inner_fault(&error, self.status),
            ));
        }
        if let Some(usage) = event.usage.0 {
            self.usage.update(usage);
        }
        let index = event.index.0.unwrap_or(0);
        let moved = match event.r#type.0.as_deref() {
            Some("message_start") => {
                if let Some(message) = event.message.0 {
                    self.begin(message);
                }
                false
            }
            Some("content_block_start") => {
                event.content_block.0.is_some_and(|block| self.take(index, block))
            }
            Some("content_block_delta") => {
                event.delta.0.is_some_and(|delta| self.take(index, delta))
            }
            Some("message_delta") => {
                let delta = event.delta.0.unwrap_or_default();
                let reason = delta.stop_reason.0.filter(|reason| !reason.is_empty());
                self.generation.raw_finish_reason =
                    reason.or(self.generation.raw_finish_reason.take());
                self.details = delta.stop_details.0.or(self.details.take());
                false
            }
            Some("message_stop") => {
                self.done = true;
                return Ok(Progress::Done);
            }
            // `ping`, the end of a block, and what is yet to come.
            _ => false,
        };
        Ok(if moved { Progress::Output } else { Progress::Quiet })
    }

    fn complete(&self) -> bool {
        self.done || self.generation.raw_finish_reason.is_some()
    }

    fn partial(&self) -> Option<String> {
        Some(&self.generation.text).filter(|text| !text.is_empty()).cloned()
    }

    fn finish(self: Box<Self>) -> Result<Generation, Fault> {
        if !self.complete() {
            let message = "the stream ended before the model had finished".to_owned();
            let partial = self.partial();
            return Err(Fault { partial, ..self.fault(FaultKind::Truncated, message) });
        }
        let mut generation = self.generation;
        generation.usage = self.usage.tokens();
        generation.reasoning = Some(self.reasoning).filter(|text| !text.is_empty());
        generation.tool_calls = self
            .calls
            .into_iter()
            .map(|(_, mut call, first)| {
                // A block that brings no pieces holds its arguments from the beginning.
                if call.arguments.is_empty() {
                    call.arguments = first;
                }
                call
            })
            .collect();
        Ok(decode::settle(generation, self.details))
    }
}
