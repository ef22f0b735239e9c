//! From the events of a stream to the generation.

use serde::Deserialize;
use serde_json::Value;

use super::{
    decode::{self, WireUsage},
    fault,
};
use crate::{
    base::text,
    domain::{
        fault::{Fault, FaultKind},
        generation::{Generation, ToolCall},
    },
    provider::{HttpReply, Progress, StreamDecoder, loose::Loose, sse::Event},
};

/// An event. Its type is its name; the fields of all types are read alike.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Body {
    content_block_index: Loose<u64>,
    start: Value,
    delta: Value,
    stop_reason: Loose<String>,
    usage: Loose<WireUsage>,
    trace: Value,
}

/// Collects the pieces of one answer.
#[derive(Debug)]
pub(super) struct Decoder {
    status: u16,
    generation: Generation,
    reasoning: String,
    /// The calls, with the index of their block.
    calls: Vec<(u64, ToolCall)>,
}

impl Decoder {
    /// A decoder for the stream that `head` opens.
    pub(super) fn new(head: &HttpReply<'_>) -> Self {
        let request_id = decode::request_id(head.headers);
        Self {
            status: head.status,
            generation: Generation { request_id, ..Generation::default() },
            reasoning: String::new(),
            calls: Vec::new(),
        }
    }

    fn read(&self, event: Event<'_>) -> Result<Body, Fault> {
        serde_json::from_str(event.data).map_err(|error| {
            let shown = text::one_line(event.data, 200);
            let message = format!("an event of the stream is not JSON ({error}): {shown}");
            let fault = Fault::new(FaultKind::Protocol, message);
            Fault { status: Some(self.status), ..fault }
        })
    }

    /// The call of the block `index`, begun if it was not announced.
    fn call(&mut self, index: u64) -> &mut ToolCall {
        let place = self.calls.iter().position(|(have, _)| *have == index);
        let place = place.unwrap_or_else(|| {
            let (id, name, arguments) = Default::default();
            self.calls.push((index, ToolCall { id, name, arguments }));
            self.calls.len() - 1
        });
        &mut self.calls[place].1
    }

    fn start(&mut self, body: &Body) -> Progress {
        let call = &body.start["toolUse"];
        if !call.is_object() {
            return Progress::Quiet;
        }
        let begun = self.call(body.content_block_index.0.unwrap_or(0));
        call["toolUseId"].as_str().unwrap_or_default().clone_into(&mut begun.id);
        call["name"].as_str().unwrap_or_default().clone_into(&mut begun.name);
        Progress::Output
    }

    fn delta(&mut self, body: &Body) -> Progress {
        let piece =
            |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        if let Some(piece) = piece(&body.delta["text"]) {
            self.generation.text.push_str(&piece);
        } else if let Some(piece) = piece(&body.delta["reasoningContent"]["text"]) {
            self.reasoning.push_str(&piece);
        } else if let Some(piece) = piece(&body.delta["toolUse"]["input"]) {
            self.call(body.content_block_index.0.unwrap_or(0)).arguments.push_str(&piece);
        } else {
            return Progress::Quiet;
        }
        Progress::Output
    }
}

impl StreamDecoder for Decoder {
    fn event(&mut self, event: Event<'_>) -> Result<Progress, Fault> {
        if let Some((_, kind)) = event.name.split_once(':') {
            return Err(fault::streamed(kind, event.data, self.status));
        }
        Ok(match event.name {
            "contentBlockStart" => {
                let body = self.read(event)?;
                self.start(&body)
            }
            "contentBlockDelta" => {
                let body = self.read(event)?;
                self.delta(&body)
            }
            "messageStop" => {
                let reason = self.read(event)?.stop_reason.0;
                self.generation.raw_finish_reason = reason.or_else(|| Some(String::new()));
                Progress::Quiet
            }
            "metadata" => {
                let body = self.read(event)?;
                self.generation.usage = body.usage.0.and_then(|usage| usage.tokens());
                self.generation.served_model = decode::routed_to(&body.trace);
                if self.complete() { Progress::Done } else { Progress::Quiet }
            }
            // `messageStart`, `contentBlockStop`, and what is added one day.
            _ => Progress::Quiet,
        })
    }

    fn complete(&self) -> bool {
        self.generation.raw_finish_reason.is_some()
    }

    fn partial(&self) -> Option<String> {
        Some(&self.generation.text).filter(|text| !text.is_empty()).cloned()
    }

    fn finish(self: Box<Self>) -> Result<Generation, Fault> {
        if !self.complete() {
            let message = "the stream ended before the model had finished";
            let mut fault = Fault::new(FaultKind::Truncated, message);
            fault.status = Some(self.status);
            fault.partial = self.partial();
            return Err(fault);
        }
        let mut generation = self.generation;
        generation.raw_finish_reason = generation.raw_finish_reason.filter(|raw| !raw.is_empty());
        generation.finish_reason = decode::finish_reason(generation.raw_finish_reason.as_deref());
        generation.reasoning = Some(self.reasoning).filter(|text| !text.is_empty());
        let calls = self.calls.into_iter().map(|(_, mut call)| {
            // A function without arguments streams none, where a whole reply has an empty object.
            if call.arguments.is_empty() {
                "{}".clone_into(&mut call.arguments);
            }
            call
        });
        generation.tool_calls = calls.collect();
        Ok(generation)
    }
}
