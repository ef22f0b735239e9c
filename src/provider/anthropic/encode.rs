//! From a call to the request.

use serde_json::{Map, Value, json};

use super::plan::plan;
use crate::{
    base::secret::Secret,
    domain::{
        contract::Call,
        fault::Fault,
        message::{Message, Part, Role},
        target::HttpEndpoint,
    },
    provider::{
        HttpRequest,
        post::{self, bad},
    },
};

/// The version of the interface that every compatible host knows.
const VERSION: &str = "2023-06-01";

/// The version that `endpoint` is asked in.
pub(super) fn version(endpoint: &HttpEndpoint) -> &str {
    endpoint.settings.api_version.as_deref().unwrap_or(VERSION)
}

/// The request that asks `call`.
pub(super) fn request(call: &Call, endpoint: &HttpEndpoint) -> Result<HttpRequest, Fault> {
    let version = version(endpoint);
    let mut fields = Map::new();
    fields.insert("model".to_owned(), json!(call.target.model));
    fields.extend(body(call, version)?);
    fields.insert("stream".to_owned(), json!(endpoint.stream));
    let mut headers = vec![("anthropic-version", Secret::new(version))];
    if let Some(key) = endpoint.credential.key() {
        headers.push(("x-api-key", key.clone()));
    }
    post::request(address(&endpoint.base_url), headers, endpoint, &fields)
}

/// The base with the path; a base that is already the whole address stays as it is.
fn address(base: &str) -> String {
    let path = base.split_once('?').map_or(base, |(path, _)| path).trim_end_matches('/');
    let path = match post::version_in(base) {
        _ if path.ends_with("/messages") => "",
        Some(_) => "/messages",
        None => "/v1/messages",
    };
    post::url(base, path, None)
}

/// The body without the model and the wish for a stream, which not every host takes there.
pub(in crate::provider) fn body(call: &Call, version: &str) -> Result<Map<String, Value>, Fault> {
    let mut fields = plan(&call.target, version)?.fields;
    let (system, messages) = conversation(&call.messages)?;
    if let Some(system) = system {
        fields.insert("system".to_owned(), json!(system));
    }
    fields.insert("messages".to_owned(), json!(messages));
    Ok(fields)
}

/// The instructions, and the turns: neighbours of one role are one turn.
fn conversation(messages: &[Message]) -> Result<(Option<String>, Vec<Value>), Fault> {
    let mut system = Vec::new();
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in messages {
        let role = match message.role {
            Role::System | Role::Developer => {
                if message.has_image() {
                    return Err(bad("this provider takes no image in a `system` message"));
                }
                system.push(message.joined_text());
                continue;
            }
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let blocks = message.content.iter().map(block).collect::<Result<Vec<_>, _>>()?;
        // Empty texts are refused.
        let blocks = blocks.into_iter().filter(|block| block["text"] != "");
        match turns.last_mut() {
            Some((last, have)) if *last == role => have.extend(blocks),
            _ => turns.push((role, blocks.collect())),
        }
    }
    turns.retain(|(_, blocks)| !blocks.is_empty());
    if let Some(("assistant", blocks)) = turns.last_mut() {
        trim_end(blocks);
    }
    if turns.is_empty() {
        return Err(bad("this provider needs a message of the user that is not empty"));
    }
    system.retain(|text| !text.is_empty());
    let system = (!system.is_empty()).then(|| system.join("\n\n"));
    Ok((system, turns.into_iter().map(turn).collect()))
}

/// The beginning of an answer must not end in white space.
fn trim_end(blocks: &mut [Value]) {
    if let Some(Value::String(text)) = blocks.last_mut().and_then(|last| last.get_mut("text")) {
        text.truncate(text.trim_end().len());
    }
}

fn turn((role, mut blocks): (&str, Vec<Value>)) -> Value {
    if let [only] = blocks.as_mut_slice()
        && only["type"] == "text"
    {
        return json!({ "role": role, "content": only["text"].take() });
    }
    json!({ "role": role, "content": blocks })
}

fn block(part: &Part) -> Result<Value, Fault> {
    Ok(match part {
        Part::Text { text } => json!({ "type": "text", "text": text }),
        Part::Image { url } => {
            let source = match post::inline_image(url)? {
                Some((kind, data)) => {
                    json!({ "type": "base64", "media_type": kind, "data": data })
                }
                None => json!({ "type": "url", "url": url }),
            };
            json!({ "type": "image", "source": source })
        }
    })
}
