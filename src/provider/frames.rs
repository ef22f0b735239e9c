//! The ways in which the events of a stream are told apart.

use crate::{
    domain::fault::Fault,
    provider::{
        aws_event_stream::AwsEvents,
        sse::{Event, Events},
    },
};

/// A way to tell events apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `text/event-stream`.
    ServerSentEvents,
    /// `application/vnd.amazon.eventstream`.
    AwsEventStream,
}

/// Splits one stream.
#[derive(Debug)]
pub enum Frames {
    /// Server-sent events.
    ServerSentEvents(Events),
    /// The binary messages of Amazon Web Services.
    AwsEventStream(AwsEvents),
}

impl Framing {
    /// A splitter at the beginning of a stream.
    pub fn start(self) -> Frames {
        match self {
            Self::ServerSentEvents => Frames::ServerSentEvents(Events::default()),
            Self::AwsEventStream => Frames::AwsEventStream(AwsEvents::default()),
        }
    }

    /// Whether a body of this content type, beginning like `first`, is such a stream. `None` when
    /// neither tells.
    ///
    /// The content type usually says so; servers that answer a stream with one object, or the
    /// other way round, are known by the first bytes.
    pub fn recognises(self, content_type: &str, first: &[u8]) -> Option<bool> {
        match self {
            Self::ServerSentEvents => {
                let first = first.trim_ascii_start();
                if content_type.contains("event-stream") {
                    return Some(!first.starts_with(b"{"));
                }
                let heads = [b"data:".as_slice(), b"event:", b":"];
                if heads.iter().any(|head| first.starts_with(head)) {
                    return Some(true);
                }
                let other = content_type.contains("json")
                    || matches!(first.first(), Some(b'{' | b'[' | b'<'));
                other.then_some(false)
            }
            Self::AwsEventStream => {
                if content_type.contains("vnd.amazon.eventstream") {
                    return Some(true);
                }
                // A message begins with its length, whose first byte is 0 below 16 MiB.
                let other = content_type.contains("json") || first.first() != Some(&0);
                Some(!other)
            }
        }
    }
}

impl Frames {
    /// Takes the next `bytes` and hands every event that they complete to `sink`.
    ///
    /// # Errors
    ///
    /// What `sink` returns, and what the framing refuses. Nothing may be fed after an error.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        sink: &mut dyn FnMut(Event<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        match self {
            Self::ServerSentEvents(events) => events.feed(bytes, sink),
            Self::AwsEventStream(events) => events.feed(bytes, sink),
        }
    }

    /// Ends the stream.
    ///
    /// # Errors
    ///
    /// As [`Frames::feed`].
    pub fn end(self, sink: &mut dyn FnMut(Event<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
        match self {
            Self::ServerSentEvents(events) => events.end(sink),
            // Half a message says nothing; the decoder knows whether something is missing.
            Self::AwsEventStream(_) => Ok(()),
        }
    }
}
