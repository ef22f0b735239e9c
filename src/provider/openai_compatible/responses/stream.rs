//! From the events of a stream to the generation.
//!
//! The last event carries the whole response; the pieces before it show when output began, and are
//! what is left when the stream breaks off.

use serde::Deserialize;
use serde_json::Value;

use super::decode::{Body, Read};
use crate::{
    domain::{
        fault::{Fault, FaultKind},
        generation::Generation,
    },
    provider::{Progress, StreamDecoder, classify, loose::Loose, sse::Event},
};

/// Collects the events of one response.
#[derive(Debug)]
pub(in crate::provider::openai_compatible) struct Decoder {
    status: u16,
    request_id: Option<String>,
    text: String,
    reasoning: String,
    whole: Option<Body>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireEvent {
    #[serde(rename = "type")]
    kind: Loose<String>,
    delta: Loose<String>,
    response: Loose<Body>,
}

impl Decoder {
    /// A decoder for a stream of status `status`.
    pub(in crate::provider::openai_compatible) fn new(
        status: u16,
        request_id: Option<String>,
    ) -> Self {
        let (text, reasoning) = Default::default();
        Self { status, request_id, text, reasoning, whole: None }
    }

    fn protocol(&self, message: String) -> Fault {
        let mut fault = Fault::new(FaultKind::Protocol, message);
        fault.status = Some(self.status);
        fault
    }

    fn failed(&self, data: &str) -> Fault {
        let body: Value = serde_json::from_str(data).unwrap_or_default();
        classify::error_in(&body).map_or_else(
            || self.protocol("the stream has an `error` event without an error".to_owned()),
            |error| classify::inner_fault(&error, self.status),
        )
    }
}

impl StreamDecoder for Decoder {
    fn event(&mut self, event: Event<'_>) -> Result<Progress, Fault> {
        let data = event.data.trim();
        if data.is_empty() || data == "[DONE]" || self.whole.is_some() {
            return Ok(Progress::Quiet);
        }
        let wire: WireEvent = serde_json::from_str(data).map_err(|error| {
            let shown = crate::base::text::one_line(data, 200);
            self.protocol(format!("an event of the stream is not JSON ({error}): {shown}"))
        })?;
        let kind = wire.kind.0.unwrap_or_else(|| event.name.to_owned());
        let delta = wire.delta.0.unwrap_or_default();
        match kind.as_str() {
            "response.output_text.delta" => self.text.push_str(&delta),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.reasoning.push_str(&delta);
            }
            "response.refusal.delta" | "response.function_call_arguments.delta" => {}
            "response.completed" | "response.incomplete" | "response.failed" => {
                let body = wire.response.0;
                let absent = || self.protocol(format!("the event `{kind}` has no `response`"));
                self.whole = Some(body.ok_or_else(absent)?);
                return Ok(Progress::Done);
            }
            "error" => return Err(self.failed(data)),
            _ => return Ok(Progress::Quiet),
        }
        Ok(if delta.is_empty() { Progress::Quiet } else { Progress::Output })
    }

    fn complete(&self) -> bool {
        self.whole.is_some()
    }

    fn partial(&self) -> Option<String> {
        Some(&self.text).filter(|text| !text.is_empty()).cloned()
    }

    fn finish(self: Box<Self>) -> Result<Generation, Fault> {
        let partial = self.partial();
        let Some(whole) = self.whole else {
            let message = "the stream ended before the model had finished";
            let mut fault = Fault::new(FaultKind::Truncated, message);
            fault.status = Some(self.status);
            fault.partial = partial;
            return Err(fault);
        };
        let read = whole.read(self.status);
        let Read { mut generation, refusal } = read.map_err(|fault| Fault { partial, ..fault })?;
        generation.request_id = self.request_id.or(generation.request_id);
        // Some servers leave what they have streamed out of the last event.
        if generation.text.is_empty() && refusal.is_empty() {
            generation.text = self.text;
        }
        if generation.reasoning.is_none() && !self.reasoning.is_empty() {
            generation.reasoning = Some(self.reasoning);
        }
        Ok(Read { generation, refusal }.settled())
    }
}
