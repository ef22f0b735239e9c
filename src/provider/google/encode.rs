//! From a call to the request.

use serde_json::{Map, Value, json};

use super::plan::plan;
use crate::{
    base::secret::Secret,
    domain::{
        contract::Call,
        fault::Fault,
        generation::{TextKind, Texts},
        message::{Message, Part, Role},
        target::HttpEndpoint,
    },
    provider::{
        HttpRequest,
        post::{self, bad},
    },
};

/// The version of the interface that has everything.
const VERSION: &str = "v1beta";

/// The request that asks `call`.
pub(super) fn request(call: &Call, endpoint: &HttpEndpoint) -> Result<HttpRequest, Fault> {
    let resource = resource(&call.target.model);
    let url = address(endpoint, VERSION, &resource, generate(endpoint.stream));
    post::request(url, key(endpoint), endpoint, &body(call)?)
}

/// The header with the key, where there is one. In the address it would end up in logs.
pub(in crate::provider) fn key(endpoint: &HttpEndpoint) -> Vec<(&'static str, Secret)> {
    let key = endpoint.credential.key();
    key.map(|key| ("x-goog-api-key", key.clone())).into_iter().collect()
}

/// The method that generates, and its query.
pub(in crate::provider) fn generate(stream: bool) -> (&'static str, Option<&'static str>) {
    if stream { ("streamGenerateContent", Some("alt=sse")) } else { ("generateContent", None) }
}

/// The address of a method of `resource`, in `version` unless the endpoint says another.
pub(in crate::provider) fn address(
    endpoint: &HttpEndpoint,
    version: &str,
    resource: &str,
    (method, query): (&str, Option<&str>),
) -> String {
    let base = &endpoint.base_url;
    let version = endpoint.settings.api_version.as_deref().unwrap_or(version);
    let version = match post::version_in(base) {
        Some(_) => String::new(),
        None => format!("/{}", post::in_path(version, false)),
    };
    post::url(base, &format!("{version}/{resource}:{method}"), query)
}

/// `models/NAME`; a name that says its collection itself stays as it is.
fn resource(model: &str) -> String {
    let whole = ["models/", "tunedModels/"].iter().any(|folder| model.starts_with(folder));
    let model = post::in_path(model, whole);
    if whole { model } else { format!("models/{model}") }
}

/// The body of a call.
pub(in crate::provider) fn body(call: &Call) -> Result<Map<String, Value>, Fault> {
    let mut body = Map::new();
    let mut system = Vec::new();
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in call.messages.iter() {
        let parts = parts(message)?;
        let role = match message.role {
            Role::System | Role::Developer => {
                system.extend(parts);
                continue;
            }
            Role::User => "user",
            Role::Assistant => "model",
        };
        // Neighbours of one role are one turn.
        match turns.last_mut() {
            Some((last, have)) if *last == role => have.extend(parts),
            _ => turns.push((role, parts)),
        }
    }
    turns.retain(|(_, parts)| !parts.is_empty());
    if turns.is_empty() {
        return Err(bad("this provider needs a message of the user that is not empty"));
    }
    if !system.is_empty() {
        body.insert("systemInstruction".to_owned(), json!({ "parts": system }));
    }
    let turns = turns.into_iter().map(|(role, parts)| json!({ "role": role, "parts": parts }));
    body.insert("contents".to_owned(), turns.collect());
    body.extend(plan(&call.target)?.fields);
    Ok(body)
}

fn parts(message: &Message) -> Result<Vec<Value>, Fault> {
    let parts = message.content.iter().map(|part| match part {
        Part::Text { text } if text.is_empty() => Ok(None),
        Part::Text { text } => Ok(Some(json!({ "text": text }))),
        Part::Image { url } => image(url).map(Some),
    });
    parts.filter_map(Result::transpose).collect()
}

fn image(url: &str) -> Result<Value, Fault> {
    if let Some((kind, data)) = post::inline_image(url)? {
        return Ok(json!({ "inlineData": { "mimeType": kind, "data": data } }));
    }
    let mut file = json!({ "fileUri": url });
    if let Some(kind) = media_type(url) {
        file["mimeType"] = json!(kind);
    }
    Ok(json!({ "fileData": file }))
}

/// The media type that the ending of a file's name stands for.
fn media_type(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next()?;
    let (_, ending) = path.rsplit_once('.')?;
    match ending.to_ascii_lowercase().as_str() {
        "png" => Some("image/png"),
        "jpg" | "jpeg" => Some("image/jpeg"),
        "gif" => Some("image/gif"),
        "webp" => Some("image/webp"),
        "heic" => Some("image/heic"),
        "heif" => Some("image/heif"),
        _ => None,
    }
}

/// The request for the vectors of `texts`.
pub(super) fn embeddings(asked: &Texts, endpoint: &HttpEndpoint) -> Result<HttpRequest, Fault> {
    let texts = asked.texts.as_slice();
    let resource = resource(&asked.target.model);
    let options = vector_options(asked);
    let one = |text: &String| {
        let mut request = options.clone();
        request.insert("content".to_owned(), json!({ "parts": [{ "text": text }] }));
        request
    };
    let (method, body) = match texts {
        [text] => ("embedContent", one(text)),
        _ => {
            let requests: Vec<Value> = texts
                .iter()
                .map(|text| {
                    let mut request = one(text);
                    request.insert("model".to_owned(), json!(resource));
                    Value::Object(request)
                })
                .collect();
            ("batchEmbedContents", Map::from_iter([("requests".to_owned(), json!(requests))]))
        }
    };
    let url = address(endpoint, VERSION, &resource, (method, None));
    post::request(url, key(endpoint), endpoint, &body)
}

/// The options of vectors; `dimensions`, as most providers call it, under Google's name.
pub(in crate::provider) fn vector_options(asked: &Texts) -> Map<String, Value> {
    let task = asked.kind.map(|kind| match kind {
        TextKind::Query => "RETRIEVAL_QUERY",
        TextKind::Document => "RETRIEVAL_DOCUMENT",
    });
    let extra = asked.target.params.extra.iter().map(|(name, value)| {
        let name = match name.as_str() {
            "dimensions" => "outputDimensionality",
            "task_type" => "taskType",
            name => name,
        };
        (name.to_owned(), value.clone())
    });
    task.map(|task| ("taskType".to_owned(), json!(task))).into_iter().chain(extra).collect()
}
