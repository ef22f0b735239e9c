//! From a call to the request.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::{
    base::secret::Secret,
    domain::{
        contract::Call,
        fault::{Fault, FaultKind},
        message::{Message, Part, Role},
        params::{Effort, Params, Reasoning, ResponseFormat, Tool, ToolChoice},
        target::{Flavour, HttpEndpoint, Target},
    },
    provider::HttpRequest,
};

/// Fields that belong to the call itself and cannot be given among the extra parameters.
const OWN: &[&str] = &["model", "messages", "stream"];

/// The range that Cohere takes for `p`.
const P: (f64, f64) = (0.01, 0.99);

/// The request that asks `call`.
pub(super) fn request(call: &Call, endpoint: &HttpEndpoint) -> Result<HttpRequest, Fault> {
    check(&call.target, endpoint)?;
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(call.target.model));
    let messages: Vec<Value> = call.messages.iter().map(message).collect();
    body.insert("messages".to_owned(), json!(messages));
    body.extend(fields(&call.target.params).map_err(bad)?);
    body.insert("stream".to_owned(), json!(endpoint.stream));
    post("/chat", endpoint, &Value::Object(body))
}

/// The request for the vectors of `texts`.
pub(super) fn embeddings(
    texts: &[String],
    target: &Target,
    endpoint: &HttpEndpoint,
) -> Result<HttpRequest, Fault> {
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(target.model));
    body.insert("texts".to_owned(), json!(texts));
    // What the vectors are for is required; texts that are compared with each other are of one kind.
    body.insert("input_type".to_owned(), json!("clustering"));
    body.insert("embedding_types".to_owned(), json!(["float"]));
    body.extend(target.params.extra.clone());
    post("/embed", endpoint, &Value::Object(body))
}

fn post(path: &str, endpoint: &HttpEndpoint, body: &Value) -> Result<HttpRequest, Fault> {
    let body = serde_json::to_vec(body)
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
    Ok(HttpRequest { url: url(&endpoint.base_url, path), headers, body })
}

/// The base with the version and the path, whichever of them it already has.
fn url(base: &str, path: &str) -> String {
    let base = base.trim_end_matches('/');
    let base = base.strip_suffix("/chat").unwrap_or(base);
    let base = base.strip_suffix("/v2").unwrap_or(base);
    format!("{base}/v2{path}")
}

/// Refuses what no call to `target` could say.
pub(super) fn check(target: &Target, endpoint: &HttpEndpoint) -> Result<(), Fault> {
    if endpoint.flavour != Flavour::Chat {
        let flavour = endpoint.flavour.name();
        return Err(bad(format!("`cohere` has the flavour `chat` alone, not `{flavour}`")));
    }
    fields(&target.params).map(|_| ()).map_err(bad)
}

/// What of the parameters is left out or sent in another form.
pub(super) fn notices(params: &Params) -> Vec<String> {
    let mut notices = Vec::new();
    for (name, set) in [
        ("min_p", params.min_p.is_some()),
        ("repetition_penalty", params.repetition_penalty.is_some()),
    ] {
        if set {
            notices.push(format!("`{name}` is left out: Cohere has no field for it"));
        }
    }
    if let Some(top_p) = params.top_p.filter(|top_p| *top_p != p(*top_p)) {
        let sent = p(top_p);
        notices.push(format!("`top_p: {top_p}` is sent as {sent}, the nearest that Cohere takes"));
    }
    if params.logprobs.is_some_and(|top| top > 0) {
        let notice = "`logprobs` come without alternatives: Cohere gives none";
        notices.push(notice.to_owned());
    }
    if let Some(ResponseFormat::Schema(schema)) = &params.response_format
        && schema.strict == Some(false)
    {
        notices.push("`strict: false` is left out: Cohere always follows a schema".to_owned());
    }
    let strict = |tool: &Tool| tool.strict == Some(true);
    if params.tools.iter().any(strict) && !params.tools.iter().all(strict) {
        let notice = "`strict` of one tool holds for all: Cohere has one switch, `strict_tools`";
        notices.push(notice.to_owned());
    }
    notices
}

/// The fields that depend on the parameters.
fn fields(params: &Params) -> Result<Map<String, Value>, String> {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        fields.extend(value.map(|value| (name.to_owned(), value)));
    };
    put("temperature", params.temperature.map(Value::from));
    put("p", params.top_p.map(|top_p| json!(p(top_p))));
    put("k", params.top_k.map(Value::from));
    put("max_tokens", params.max_tokens.map(Value::from));
    put("seed", params.seed.map(Value::from));
    put("stop_sequences", (!params.stop.is_empty()).then(|| json!(params.stop)));
    put("presence_penalty", params.presence_penalty.map(Value::from));
    put("frequency_penalty", params.frequency_penalty.map(Value::from));
    put("logprobs", params.logprobs.map(|_| json!(true)));
    put("response_format", params.response_format.as_ref().map(response_format));
    put("tools", (!params.tools.is_empty()).then(|| params.tools.iter().map(tool).collect()));
    let strict = params.tools.iter().any(|tool| tool.strict == Some(true));
    put("strict_tools", strict.then(|| json!(true)));
    put("tool_choice", tool_choice(params)?);
    put("thinking", params.reasoning.map(thinking).transpose()?);
    for (name, value) in &params.extra {
        if OWN.contains(&name.as_str()) {
            return Err(format!(
                "the parameter `{name}` is part of every request and cannot be set; remove it"
            ));
        }
        if fields.contains_key(name) {
            return Err(format!("the parameter `{name}` is set twice; remove one of the two"));
        }
        fields.insert(name.clone(), value.clone());
    }
    Ok(fields)
}

fn p(top_p: f64) -> f64 {
    top_p.clamp(P.0, P.1)
}

fn response_format(format: &ResponseFormat) -> Value {
    match format {
        ResponseFormat::Json => json!({ "type": "json_object" }),
        ResponseFormat::Verbatim(value) => value.clone(),
        // The schema stands where others have a wrapping with a name.
        ResponseFormat::Schema(schema) => {
            json!({ "type": "json_object", "json_schema": schema.schema })
        }
    }
}

fn tool(tool: &Tool) -> Value {
    // Strictness is one switch for all tools.
    Tool { strict: None, ..tool.clone() }.to_value()
}

fn tool_choice(params: &Params) -> Result<Option<Value>, String> {
    match &params.tool_choice {
        None | Some(ToolChoice::Auto) => Ok(None),
        Some(ToolChoice::Required) => Ok(Some(json!("REQUIRED"))),
        Some(ToolChoice::None) => Ok(Some(json!("NONE"))),
        Some(ToolChoice::Function(name)) => Err(format!(
            "Cohere can be told to call a tool, but not that it is `{name}`; give that tool alone \
             and `tool_choice: required`"
        )),
    }
}

fn thinking(reasoning: Reasoning) -> Result<Value, String> {
    match reasoning {
        Reasoning::MaxTokens(budget) => Ok(json!({ "type": "enabled", "token_budget": budget })),
        Reasoning::Effort(Effort::None) => Ok(json!({ "type": "disabled" })),
        Reasoning::Effort(effort) => Err(format!(
            "Cohere takes `reasoning` in tokens, `reasoning: {{max_tokens: …}}`, not as the effort \
             `{effort}`"
        )),
    }
}

fn message(message: &Message) -> Value {
    let role = match message.role {
        Role::System | Role::Developer => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    let content = match message.content.as_slice() {
        [Part::Text { text }] => json!(text),
        parts => parts.iter().map(part).collect(),
    };
    json!({ "role": role, "content": content })
}

fn part(part: &Part) -> Value {
    match part {
        Part::Text { text } => json!({ "type": "text", "text": text }),
        Part::Image { url } => json!({ "type": "image_url", "image_url": { "url": url } }),
    }
}

fn bad(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::BadRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_as_people_write_them() {
        let base = "https://api.cohere.com";
        for written in ["", "/", "/v2", "/v2/", "/v2/chat"] {
            let base = format!("{base}{written}");
            assert_eq!(url(&base, "/chat"), "https://api.cohere.com/v2/chat", "{written}");
            assert_eq!(url(&base, "/embed"), "https://api.cohere.com/v2/embed", "{written}");
        }
    }
}
