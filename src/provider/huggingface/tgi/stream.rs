//! From the events of a stream to the generation.

use serde::Deserialize;
use serde_json::Value;

use super::decode::{self, Details, WireToken};
use crate::{
    base::text,
    domain::{
        fault::{Fault, FaultKind},
        generation::Generation,
    },
    provider::{
        HttpReply, Progress, StreamDecoder,
        loose::{Loose, WireObject},
        sse::Event,
    },
};

/// One token; the last event brings the whole text and how it came about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    token: Loose<WireToken>,
    top_tokens: Loose<Vec<WireToken>>,
    generated_text: Loose<String>,
    details: Loose<Details>,
    error_type: Loose<String>,
}

impl WireObject<'_> for Body {}

/// Whether `data` is an event of this format.
pub(in crate::provider::huggingface) fn is_event(data: &str) -> bool {
    let body: Option<Loose<Body>> = serde_json::from_str(data).ok();
    body.and_then(|body| body.0).is_some_and(|body| {
        body.token.0.is_some() || body.generated_text.0.is_some() || body.error_type.0.is_some()
    })
}

/// Collects the tokens of one answer.
#[derive(Debug)]
pub(in crate::provider::huggingface) struct Decoder {
    status: u16,
    generation: Generation,
    done: bool,
}

impl Decoder {
    /// A decoder for the stream that `head` opens.
    pub(in crate::provider::huggingface) fn new(head: &HttpReply<'_>) -> Self {
        let request_id = head.headers.get("x-request-id").map(str::to_owned);
        let generation = Generation { request_id, ..Generation::default() };
        Self { status: head.status, generation, done: false }
    }

    fn with_status(&self, kind: FaultKind, message: impl Into<String>) -> Fault {
        Fault { status: Some(self.status), ..Fault::new(kind, message) }
    }
}

impl StreamDecoder for Decoder {
    fn event(&mut self, event: Event<'_>) -> Result<Progress, Fault> {
        let data = event.data.trim();
        if self.done || data.is_empty() || data == "[DONE]" {
            return Ok(Progress::Quiet);
        }
        let body: Loose<Body> = serde_json::from_str(data).map_err(|error| {
            let shown = text::one_line(data, 200);
            let message = format!("an event of the stream is not JSON ({error}): {shown}");
            self.with_status(FaultKind::Protocol, message)
        })?;
        let body = body.0.unwrap_or_default();
        if body.error_type.0.is_some() {
            let error: Value = serde_json::from_str(data).unwrap_or_default();
            let fault = decode::error(&error, self.status);
            let unsaid = || self.with_status(FaultKind::Transient, "the server gave no reason");
            return Err(fault.unwrap_or_else(unsaid));
        }
        let mut progress = Progress::Quiet;
        if let Some(token) = body.token.0.filter(|token| !token.is_special()) {
            if let Some(top) = body.top_tokens.0.filter(|top| !top.is_empty()) {
                self.generation.logprobs.extend(token.logprob(&top));
            }
            let piece = token.text.0.unwrap_or_default();
            if !piece.is_empty() {
                progress = Progress::Output;
            }
            self.generation.text.push_str(&piece);
        }
        if let Some(text) = body.generated_text.0 {
            self.generation.text = text;
            self.done = true;
        }
        if let Some(details) = body.details.0 {
            details.complete(&mut self.generation);
            self.done = true;
        }
        Ok(if self.done { Progress::Done } else { progress })
    }

    fn complete(&self) -> bool {
        self.done
    }

    fn partial(&self) -> Option<String> {
        Some(&self.generation.text).filter(|text| !text.is_empty()).cloned()
    }

    fn finish(self: Box<Self>) -> Result<Generation, Fault> {
        if self.done {
            return Ok(self.generation);
        }
        let message = "the stream ended before the model had finished";
        let fault = self.with_status(FaultKind::Truncated, message);
        Err(Fault { partial: self.partial(), ..fault })
    }
}
