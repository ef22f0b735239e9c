//! Streams in either of the two forms; the first event tells which.

use crate::{
    domain::{fault::Fault, generation::Generation},
    provider::{
        HttpReply, Progress, StreamDecoder, anthropic, google, sse::Event, vertex::is_message,
    },
};

/// Collects the events of one answer.
#[derive(Debug)]
pub(super) struct Decoder {
    google: google::Decoder,
    anthropic: anthropic::Decoder,
    is_anthropic: Option<bool>,
}

impl Decoder {
    /// A decoder for the stream that `head` opens.
    pub(super) fn new(head: &HttpReply<'_>) -> Self {
        Self {
            google: google::Decoder::new(head),
            anthropic: anthropic::Decoder::new(head),
            is_anthropic: None,
        }
    }

    fn chosen(&self) -> &dyn StreamDecoder {
        if self.is_anthropic == Some(true) { &self.anthropic } else { &self.google }
    }
}

impl StreamDecoder for Decoder {
    fn event(&mut self, event: Event<'_>) -> Result<Progress, Fault> {
        let is_anthropic = *self
            .is_anthropic
            .get_or_insert_with(|| !event.name.is_empty() || is_message(event.data.as_bytes()));
        if is_anthropic { self.anthropic.event(event) } else { self.google.event(event) }
    }

    fn complete(&self) -> bool {
        self.chosen().complete()
    }

    fn partial(&self) -> Option<String> {
        self.chosen().partial()
    }

    fn finish(self: Box<Self>) -> Result<Generation, Fault> {
        if self.is_anthropic == Some(true) {
            Box::new(self.anthropic).finish()
        } else {
            Box::new(self.google).finish()
        }
    }
}
