//! From a call to the request.

use serde_json::{Map, Value, json};

use crate::{
    base::secret::Secret,
    domain::{
        contract::Call,
        fault::Fault,
        generation::{TextKind, Texts},
        message::{Message, Part, Role},
        params::{Effort, Params, Reasoning, ResponseFormat, Tool, ToolChoice},
        target::{Flavour, HttpEndpoint, Target},
    },
    provider::{
        HttpRequest,
        post::{self, bad, not_sent},
    },
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
    body.extend(fields(&call.target.params)?);
    body.insert("stream".to_owned(), json!(endpoint.stream));
    ask("/chat", endpoint, &body)
}

/// The request for the vectors of `texts`.
pub(super) fn embeddings(asked: &Texts, endpoint: &HttpEndpoint) -> Result<HttpRequest, Fault> {
    let target = &asked.target;
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(target.model));
    body.insert("texts".to_owned(), json!(asked.texts));
    body.insert("input_type".to_owned(), json!(input_type(asked.kind)));
    body.insert("embedding_types".to_owned(), json!(["float"]));
    body.extend(target.params.extra.clone());
    ask("/embed", endpoint, &body)
}

/// Cohere's word for what the vectors are for, which it requires: texts that are compared with each
/// other are of one kind.
pub(in crate::provider) fn input_type(kind: Option<TextKind>) -> &'static str {
    match kind {
        Some(TextKind::Query) => "search_query",
        Some(TextKind::Document) => "search_document",
        None => "clustering",
    }
}

fn ask(
    path: &str,
    endpoint: &HttpEndpoint,
    body: &Map<String, Value>,
) -> Result<HttpRequest, Fault> {
    let key = endpoint.credential.key();
    let key = key.map(|key| ("authorization", Secret::new(format!("Bearer {}", key.expose()))));
    let url = url(&endpoint.base_url, path);
    post::request(url, key.into_iter().collect(), endpoint, body)
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
    fields(&target.params).map(|_| ())
}

/// What of the parameters is left out or sent in another form.
pub(super) fn notices(params: &Params) -> Vec<String> {
    let unknown = post::set(&[
        ("min_p", params.min_p.is_some()),
        ("repetition_penalty", params.repetition_penalty.is_some()),
    ]);
    let mut notices = Vec::new();
    notices.extend(not_sent(&unknown, "Cohere has no field for them"));
    if let Some(top_p) = params.top_p.filter(|top_p| !(P.0..=P.1).contains(top_p)) {
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
        notices.push("`strict: false` is not sent: Cohere always follows a schema".to_owned());
    }
    let strict = |tool: &Tool| tool.strict == Some(true);
    if params.tools.iter().any(strict) && !params.tools.iter().all(strict) {
        let notice = "`strict` of one tool holds for all: Cohere has one switch, `strict_tools`";
        notices.push(notice.to_owned());
    }
    notices
}

/// The fields that depend on the parameters.
fn fields(params: &Params) -> Result<Map<String, Value>, Fault> {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        fields.extend(value.map(|value| (name.to_owned(), value)));
    };
    put("temperature", params.temperature.map(Value::from));
    put("p", params.top_p.map(|top_p| json!(p(top_p))));
    put("k", params.top_k.map(Value::from));
    put("max_tokens", post::limit(params).map(Value::from));
    put("seed", params.seed.map(Value::from));
    put("stop_sequences", (!params.stop.is_empty()).then(|| json!(params.stop)));
    put("presence_penalty", params.presence_penalty.map(Value::from));
    put("frequency_penalty", params.frequency_penalty.map(Value::from));
    put("logprobs", params.logprobs.map(|_| json!(true)));
    put("response_format", params.response_format.as_ref().map(response_format));
    put("tools", (!params.tools.is_empty()).then(|| params.tools.iter().map(tool).collect()));
    let strict = params.tools.iter().any(|tool| tool.strict == Some(true));
    put("strict_tools", strict.then(|| json!(true)));
    put("tool_choice", tool_choice(params).map_err(bad)?);
    put("thinking", params.reasoning.map(thinking).transpose().map_err(bad)?);
    post::add_extra(&mut fields, &params.extra, OWN)?;
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
