//! The responses interface: another request, another reply, other events; the same owner, key and
//! errors.
//!
//! # Source
//!
//! <https://platform.openai.com/docs/api-reference/responses>, by way of openai-python 3.52.

mod decode;
mod encode;
mod stream;

use serde::Deserialize;
use serde_json::Value;

pub(super) use self::{decode::reply, encode::body, stream::Decoder};
use crate::provider::{loose::Loose, sse::Event};

/// Whether a reply is one of this interface.
pub(super) fn is_response(body: &Value) -> bool {
    body["object"] == "response" || body["output"].is_array()
}

/// Whether a stream that begins with `event` is one of this interface.
pub(super) fn is_event(event: &Event<'_>) -> bool {
    if !event.name.is_empty() {
        return event.name.starts_with("response.");
    }
    // Seldom there, and then to be told from a text that holds it.
    if !event.data.contains("\"response.") {
        return false;
    }
    let kind: Kind = serde_json::from_str(event.data).unwrap_or_default();
    kind.r#type.0.is_some_and(|kind| kind.starts_with("response."))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Kind {
    r#type: Loose<String>,
}
