//! From the events of a stream to the generation.

use super::decode::{Body, Collected};
use crate::{
    base::text,
    domain::{
        fault::{Fault, FaultKind},
        generation::Generation,
    },
    provider::{HttpReply, Progress, StreamDecoder, sse::Event},
};

/// Collects the events, each of which is a reply with some of the parts.
#[derive(Debug)]
pub(in crate::provider) struct Decoder {
    status: u16,
    collected: Collected,
}

impl Decoder {
    /// A decoder for the stream that `head` opens.
    pub(in crate::provider) fn new(head: &HttpReply<'_>) -> Self {
        Self { status: head.status, collected: Collected::new(head.status) }
    }

    fn fault(&self, kind: FaultKind, message: impl Into<String>) -> Fault {
        Fault { status: Some(self.status), ..Fault::new(kind, message) }
    }
}

impl StreamDecoder for Decoder {
    fn event(&mut self, event: Event<'_>) -> Result<Progress, Fault> {
        let data = event.data.trim();
        // The format has no mark for its end; gateways put that of another one.
        if data.is_empty() || data == "[DONE]" {
            return Ok(Progress::Quiet);
        }
        let body: Body = serde_json::from_str(data).map_err(|error| {
            let shown = text::one_line(data, 200);
            let message = format!("an event of the stream is not JSON ({error}): {shown}");
            self.fault(FaultKind::Protocol, message)
        })?;
        let moved = self.collected.take(body)?;
        Ok(if moved == Some(true) { Progress::Output } else { Progress::Quiet })
    }

    fn complete(&self) -> bool {
        self.collected.generation.raw_finish_reason.is_some()
    }

    fn partial(&self) -> Option<String> {
        Some(&self.collected.generation.text).filter(|text| !text.is_empty()).cloned()
    }

    fn finish(self: Box<Self>) -> Result<Generation, Fault> {
        if self.complete() {
            return Ok(self.collected.finish());
        }
        let message = "the stream ended before the model had finished";
        let partial = self.partial();
        Err(Fault { partial, ..self.fault(FaultKind::Truncated, message) })
    }
}
