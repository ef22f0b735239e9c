//! From a call to the request.

use std::borrow::Cow;

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};
use serde_json::{Value, json};

use crate::{
    base::secret::Secret,
    domain::{
        contract::Call,
        fault::{Fault, FaultKind},
        message::{Message, Part},
        params::{Params, Reasoning, ResponseFormat, Tool, ToolChoice},
        target::{Flavour, HttpEndpoint},
    },
    provider::HttpRequest,
};

/// Fields that belong to the call itself and cannot be given among the extra parameters.
const OWN: &[&str] = &["model", "messages", "prompt", "stream"];

/// Extra parameters that replace one of ours, and the one that they replace.
const REPLACED: &[(&str, &str)] =
    &[("max_completion_tokens", "max_tokens"), ("stream_options", "stream_options")];

/// The request that asks `call`.
pub(super) fn request(call: &Call, endpoint: &HttpEndpoint) -> Result<HttpRequest, Fault> {
    let params = &call.target.params;
    check(params)?;
    if endpoint.flavour == Flavour::Completion && call.messages.iter().any(Message::has_image) {
        return Err(bad("the completion flavour takes text only, and the prompt holds an image"));
    }
    let body = Body { call, endpoint, params };
    let body = serde_json::to_vec(&body)
        .map_err(|error| bad(format!("the request cannot be written as JSON: {error}")))?;
    let mut headers = vec![(Cow::Borrowed("content-type"), Secret::new("application/json"))];
    if let Some(key) = endpoint.credential.key() {
        let value = Secret::new(format!("Bearer {}", key.expose()));
        headers.push((Cow::Borrowed("authorization"), value));
    }
    // A header that the endpoint sets itself takes the place of ours.
    for (name, value) in &endpoint.headers {
        let name = name.to_ascii_lowercase();
        headers.retain(|(have, _)| *have != name);
        headers.push((Cow::Owned(name), value.clone()));
    }
    Ok(HttpRequest { url: url(&endpoint.base_url, endpoint.flavour), headers, body })
}

/// Refuses extra parameters that this format would send twice.
pub(super) fn check(params: &Params) -> Result<(), Fault> {
    let set = |name: &str| match name {
        "temperature" => params.temperature.is_some(),
        "top_p" => params.top_p.is_some(),
        "max_tokens" => params.max_tokens.is_some(),
        "seed" => params.seed.is_some(),
        "stop" => !params.stop.is_empty(),
        "top_k" => params.top_k.is_some(),
        "min_p" => params.min_p.is_some(),
        "presence_penalty" => params.presence_penalty.is_some(),
        "frequency_penalty" => params.frequency_penalty.is_some(),
        "repetition_penalty" => params.repetition_penalty.is_some(),
        "response_format" => params.response_format.is_some(),
        "tools" => !params.tools.is_empty(),
        "tool_choice" => params.tool_choice.is_some(),
        "reasoning" | "reasoning_effort" => params.reasoning.is_some(),
        "logprobs" | "top_logprobs" => params.logprobs.is_some(),
        _ => false,
    };
    for name in params.extra.keys() {
        if OWN.contains(&name.as_str()) {
            return Err(bad(format!(
                "the parameter `{name}` is part of every request and cannot be set; remove it"
            )));
        }
        if set(name) {
            return Err(bad(format!("the parameter `{name}` is set twice; remove one of the two")));
        }
    }
    Ok(())
}

fn bad(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::BadRequest, message)
}

/// The base with the flavour's path. A base that is already the whole address stays as it is, and
/// a query stays behind the path. `/v1` is never added: too many servers do without.
fn url(base: &str, flavour: Flavour) -> String {
    let path = match flavour {
        Flavour::Chat | Flavour::Responses | Flavour::Tgi => "/chat/completions",
        Flavour::Completion => "/completions",
    };
    let (base, query) = match base.split_once('?') {
        Some((base, query)) => (base, Some(query)),
        None => (base, None),
    };
    let base = base.trim_end_matches('/');
    let whole = base.ends_with(path)
        && !(flavour == Flavour::Completion && base.ends_with("/chat/completions"));
    let mut url = if whole { base.to_owned() } else { format!("{base}{path}") };
    if let Some(query) = query {
        url.push('?');
        url.push_str(query);
    }
    url
}

struct Body<'a> {
    call: &'a Call,
    endpoint: &'a HttpEndpoint,
    params: &'a Params,
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let params = self.params;
        let ours = |name: &str| {
            let replaced = REPLACED
                .iter()
                .any(|(extra, own)| *own == name && params.extra.contains_key(*extra));
            !replaced
        };
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("model", &self.call.target.model)?;
        match self.endpoint.flavour {
            Flavour::Chat | Flavour::Responses | Flavour::Tgi => {
                map.serialize_entry("messages", &Messages(&self.call.messages))?;
            }
            Flavour::Completion => map.serialize_entry("prompt", &prompt(&self.call.messages))?,
        }
        if let Some(temperature) = params.temperature {
            map.serialize_entry("temperature", &temperature)?;
        }
        if let Some(top_p) = params.top_p {
            map.serialize_entry("top_p", &top_p)?;
        }
        if let Some(max_tokens) = params.max_tokens.filter(|_| ours("max_tokens")) {
            map.serialize_entry("max_tokens", &max_tokens)?;
        }
        if let Some(seed) = params.seed {
            map.serialize_entry("seed", &seed)?;
        }
        if !params.stop.is_empty() {
            map.serialize_entry("stop", &params.stop)?;
        }
        for (name, value) in further(params, self.endpoint.flavour) {
            map.serialize_entry(name, &value)?;
        }
        map.serialize_entry("stream", &self.endpoint.stream)?;
        if self.endpoint.stream && ours("stream_options") {
            map.serialize_entry("stream_options", &json!({ "include_usage": true }))?;
        }
        for (name, value) in &params.extra {
            // `null` for the options of streaming leaves them out: some servers refuse them.
            let options = name == "stream_options";
            if options && (value.is_null() || !self.endpoint.stream) {
                continue;
            }
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The parameters that few calls set.
fn further(params: &Params, flavour: Flavour) -> Vec<(&'static str, Value)> {
    let mut fields = Vec::new();
    let mut put = |name, value: Option<Value>| fields.extend(value.map(|value| (name, value)));
    put("top_k", params.top_k.map(Value::from));
    put("min_p", params.min_p.map(Value::from));
    put("presence_penalty", params.presence_penalty.map(Value::from));
    put("frequency_penalty", params.frequency_penalty.map(Value::from));
    put("repetition_penalty", params.repetition_penalty.map(Value::from));
    put("response_format", params.response_format.as_ref().map(ResponseFormat::to_value));
    let tools: Vec<Value> = params.tools.iter().map(Tool::to_value).collect();
    put("tools", (!tools.is_empty()).then(|| json!(tools)));
    put("tool_choice", params.tool_choice.as_ref().map(ToolChoice::to_value));
    match params.reasoning {
        Some(Reasoning::Effort(effort)) => put("reasoning_effort", Some(json!(effort))),
        Some(budget) => put("reasoning", Some(budget.to_value())),
        None => {}
    }
    if let Some(top) = params.logprobs {
        // Text completions take the number itself.
        match flavour {
            Flavour::Completion => put("logprobs", Some(json!(top))),
            _ => {
                put("logprobs", Some(json!(true)));
                put("top_logprobs", (top > 0).then(|| json!(top)));
            }
        }
    }
    fields
}

/// The texts of all messages, a blank line between two. The names of the roles are not written:
/// a base model would take them for part of the text.
fn prompt(messages: &[Message]) -> String {
    let texts: Vec<String> = messages.iter().map(Message::joined_text).collect();
    texts.join("\n\n")
}

struct Messages<'a>(&'a [Message]);

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(self.0.len()))?;
        for message in self.0 {
            list.serialize_element(&WireMessage(message))?;
        }
        list.end()
    }
}

struct WireMessage<'a>(&'a Message);

impl Serialize for WireMessage<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry("role", &self.0.role)?;
        // Text alone goes as a string: many servers know no other form.
        match self.0.content.as_slice() {
            [Part::Text { text }] => map.serialize_entry("content", text)?,
            parts if self.0.has_image() => {
                let parts: Vec<WirePart<'_>> = parts.iter().map(WirePart).collect();
                map.serialize_entry("content", &parts)?;
            }
            _ => map.serialize_entry("content", &self.0.joined_text())?,
        }
        map.end()
    }
}

struct WirePart<'a>(&'a Part);

impl Serialize for WirePart<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(2))?;
        match self.0 {
            Part::Text { text } => {
                map.serialize_entry("type", "text")?;
                map.serialize_entry("text", text)?;
            }
            Part::Image { url } => {
                map.serialize_entry("type", "image_url")?;
                map.serialize_entry("image_url", &json!({ "url": url }))?;
            }
        }
        map.end()
    }
}
