//! From a call to the request.

use std::borrow::Cow;

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};
use serde_json::{Map, Value, json};

use super::{
    adapt::{self, Adapted, bad},
    dialect::{BudgetForm, Dialect, EffortForm, LogprobForm, Quirk},
    responses,
};
use crate::{
    base::secret::Secret,
    domain::{
        contract::Call,
        fault::Fault,
        message::{Message, Part, Role},
        params::{Reasoning, ResponseFormat, Tool, ToolChoice},
        target::{Flavour, HttpEndpoint},
    },
    provider::HttpRequest,
};

/// The request that asks `call`.
pub(super) fn request(
    call: &Call,
    endpoint: &HttpEndpoint,
    dialect: &Dialect,
) -> Result<HttpRequest, Fault> {
    let body = body(call, &call.target.model, endpoint, dialect)?;
    let headers = headers(endpoint, "authorization", "Bearer ");
    Ok(HttpRequest { url: url(&endpoint.base_url, path(endpoint.flavour)), headers, body })
}

/// The body that asks `call` of the model called `model`.
pub(in crate::provider) fn body(
    call: &Call,
    model: &str,
    endpoint: &HttpEndpoint,
    dialect: &Dialect,
) -> Result<Vec<u8>, Fault> {
    adapt::check(&call.target, endpoint, dialect)?;
    if endpoint.flavour == Flavour::Completion && call.messages.iter().any(Message::has_image) {
        return Err(bad("the completion flavour takes text only, and the prompt holds an image"));
    }
    let adapted = adapt::adapt(&call.target, endpoint, dialect);
    let body = match endpoint.flavour {
        Flavour::Responses => serde_json::to_vec(&responses::body(call, model, &adapted, dialect)),
        _ => serde_json::to_vec(&Body { call, model, endpoint, adapted, dialect }),
    };
    body.map_err(|error| bad(format!("the request cannot be written as JSON: {error}")))
}

/// The headers, with the key in the one called `name`.
pub(in crate::provider) fn headers(
    endpoint: &HttpEndpoint,
    name: &'static str,
    before: &str,
) -> Vec<(Cow<'static, str>, Secret)> {
    let mut headers = vec![(Cow::Borrowed("content-type"), Secret::new("application/json"))];
    if let Some(key) = endpoint.credential.key() {
        let value = Secret::new(format!("{before}{}", key.expose()));
        headers.push((Cow::Borrowed(name), value));
    }
    // A header that the endpoint sets itself takes the place of ours.
    for (name, value) in &endpoint.headers {
        let name = name.to_ascii_lowercase();
        headers.retain(|(have, _)| *have != name);
        headers.push((Cow::Owned(name), value.clone()));
    }
    headers
}

/// What follows the base.
pub(in crate::provider) const fn path(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::Chat | Flavour::Tgi => "/chat/completions",
        Flavour::Completion => "/completions",
        Flavour::Responses => "/responses",
    }
}

/// The base with `path` behind it. A base that is already a whole address has its own path
/// replaced, and a query stays behind the path. `/v1` is never added: too many servers do without.
pub(in crate::provider) fn url(base: &str, path: &str) -> String {
    let (base, query) = match base.split_once('?') {
        Some((base, query)) => (base, Some(query)),
        None => (base, None),
    };
    let base = base.trim_end_matches('/');
    let whole = ["/chat/completions", "/completions", "/responses", "/embeddings"];
    let base = whole.into_iter().find_map(|end| base.strip_suffix(end)).unwrap_or(base);
    let mut url = format!("{base}{path}");
    if let Some(query) = query {
        url.push('?');
        url.push_str(query);
    }
    url
}

struct Body<'a> {
    call: &'a Call,
    model: &'a str,
    endpoint: &'a HttpEndpoint,
    adapted: Adapted<'a>,
    dialect: &'a Dialect,
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("model", self.model)?;
        let messages = &self.call.messages;
        match self.endpoint.flavour {
            Flavour::Completion => map.serialize_entry("prompt", &prompt(messages))?,
            _ => map.serialize_entry("messages", &Messages(messages, self.dialect))?,
        }
        for (name, value) in fields(&self.adapted, self.endpoint.flavour, self.dialect) {
            map.serialize_entry(&name, &value)?;
        }
        map.end()
    }
}

/// Everything but the model and the messages. Extra parameters take the place of ours.
fn fields(adapted: &Adapted<'_>, flavour: Flavour, dialect: &Dialect) -> Map<String, Value> {
    let params = &*adapted.params;
    let mut fields = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    };
    put("temperature", params.temperature.map(Value::from));
    put("top_p", params.top_p.map(Value::from));
    let limited = params.extra.contains_key("max_completion_tokens");
    put(adapted.max_tokens, params.max_tokens.filter(|_| !limited).map(Value::from));
    put(dialect.seed, params.seed.map(Value::from));
    put("stop", (!params.stop.is_empty()).then(|| json!(params.stop)));
    put("top_k", params.top_k.map(Value::from));
    put("min_p", params.min_p.map(Value::from));
    put("presence_penalty", params.presence_penalty.map(Value::from));
    put("frequency_penalty", params.frequency_penalty.map(Value::from));
    put("repetition_penalty", params.repetition_penalty.map(Value::from));
    put("response_format", params.response_format.as_ref().map(ResponseFormat::to_value));
    let tools: Vec<Value> = params.tools.iter().map(Tool::to_value).collect();
    put("tools", (!tools.is_empty()).then(|| json!(tools)));
    put("tool_choice", params.tool_choice.as_ref().map(|choice| tool_choice(choice, dialect)));
    if let Some((name, value)) = params.reasoning.map(|reasoning| thinking(reasoning, dialect)) {
        put(name, Some(value));
    }
    match params.logprobs {
        Some(top) if flavour == Flavour::Completion => put("logprobs", Some(json!(top))),
        // The chosen token alone would be a count of 0, which reads as none.
        Some(top) if dialect.logprobs == LogprobForm::Count => {
            put("logprobs", Some(json!(top.max(1))));
        }
        Some(top) => {
            put("logprobs", Some(json!(true)));
            put("top_logprobs", (top > 0).then(|| json!(top)));
        }
        None => {}
    }
    put("stream", Some(json!(adapted.stream)));
    let options = adapted.stream && !dialect.has(Quirk::NoStreamOptions);
    put("stream_options", options.then(|| json!({ "include_usage": true })));
    fields.extend(params.extra.iter().map(|(name, value)| (name.clone(), value.clone())));
    // `null` for the options of streaming leaves them out: some servers refuse them.
    if !adapted.stream || fields.get("stream_options").is_some_and(Value::is_null) {
        fields.remove("stream_options");
    }
    dialect.fill_in(&mut fields);
    fields
}

fn tool_choice(choice: &ToolChoice, dialect: &Dialect) -> Value {
    match (choice, dialect.required_tool) {
        (ToolChoice::Required, Some(word)) => json!(word),
        _ => choice.to_value(),
    }
}

fn thinking(reasoning: Reasoning, dialect: &Dialect) -> (&'static str, Value) {
    match (reasoning, dialect.effort, dialect.budget) {
        (Reasoning::Effort(effort), EffortForm::Flat, _) => ("reasoning_effort", json!(effort)),
        (Reasoning::MaxTokens(tokens), _, Some(BudgetForm::Effort)) => {
            ("reasoning_effort", json!(tokens))
        }
        _ => ("reasoning", reasoning.to_value()),
    }
}

/// The texts of all messages, a blank line between two. The names of the roles are not written:
/// a base model would take them for part of the text.
fn prompt(messages: &[Message]) -> String {
    let texts: Vec<String> = messages.iter().map(Message::joined_text).collect();
    texts.join("\n\n")
}

struct Messages<'a>(&'a [Message], &'a Dialect);

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(self.0.len()))?;
        for (place, message) in self.0.iter().enumerate() {
            let last = place + 1 == self.0.len() && message.role == Role::Assistant;
            let prefill = self.1.prefill.filter(|_| last);
            list.serialize_element(&WireMessage { message, dialect: self.1, prefill })?;
        }
        list.end()
    }
}

struct WireMessage<'a> {
    message: &'a Message,
    dialect: &'a Dialect,
    prefill: Option<&'static str>,
}

impl Serialize for WireMessage<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let message = self.message;
        let mut map = to.serialize_map(None)?;
        let role = match message.role {
            Role::Developer if self.dialect.has(Quirk::NoDeveloper) => Role::System,
            role => role,
        };
        map.serialize_entry("role", &role)?;
        // Text alone goes as a string: many servers know no other form.
        match message.content.as_slice() {
            [Part::Text { text }] => map.serialize_entry("content", text)?,
            parts if message.has_image() => {
                let parts: Vec<WirePart<'_>> = parts.iter().map(WirePart).collect();
                map.serialize_entry("content", &parts)?;
            }
            _ => map.serialize_entry("content", &message.joined_text())?,
        }
        if let Some(flag) = self.prefill {
            map.serialize_entry(flag, &true)?;
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
