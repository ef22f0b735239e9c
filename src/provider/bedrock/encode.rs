//! From a call to the request.

use serde_json::{Map, Value, json};

use super::{family::Family, sign::percent_encoded};
use crate::{
    base::{secret::Secret, text},
    domain::{
        contract::Call,
        fault::Fault,
        message::{Message, Part, Role},
        params::{Params, ResponseFormat, Tool, ToolChoice},
        target::{Credential, Flavour, HttpEndpoint, Target},
    },
    provider::{
        HttpRequest,
        post::{self, bad, not_sent},
    },
};

/// Fields that belong to the call itself and cannot be given among the extra parameters.
const OWN: &[&str] = &["modelId", "messages", "system", "stream"];

/// The further fields of Converse; what else is given belongs to the model.
const TOP_LEVEL: &[&str] = &[
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
    "guardrailConfig",
    "inferenceConfig",
    "outputConfig",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "serviceTier",
    "toolConfig",
];

/// The formats of images, by what follows `image/` in their media type.
const IMAGES: &[&str] = &["png", "jpeg", "gif", "webp"];

/// The request that asks `call`.
pub(super) fn request(call: &Call, endpoint: &HttpEndpoint) -> Result<HttpRequest, Fault> {
    check(&call.target, endpoint)?;
    let mut body = fields(&call.target).map_err(bad)?;
    let (system, messages) = conversation(&call.messages).map_err(bad)?;
    body.insert("messages".to_owned(), messages);
    if let Some(system) = system {
        body.insert("system".to_owned(), system);
    }
    let action = if endpoint.stream { "converse-stream" } else { "converse" };
    ask(&call.target.model, action, endpoint, &body)
}

/// A request that does `action` with `model`.
pub(super) fn ask(
    model: &str,
    action: &str,
    endpoint: &HttpEndpoint,
    body: &Map<String, Value>,
) -> Result<HttpRequest, Fault> {
    let key = endpoint.credential.key();
    let key = key.map(|key| ("authorization", Secret::new(format!("Bearer {}", key.expose()))));
    // The id is one segment of the path, also where it is an address with slashes.
    let path = format!("/model/{}/{action}", percent_encoded(model, &[]));
    let url = post::url(&endpoint.base_url, &path, None);
    post::request(url, key.into_iter().collect(), endpoint, body)
}

/// Refuses what no call to `target` could say.
pub(super) fn check(target: &Target, endpoint: &HttpEndpoint) -> Result<(), Fault> {
    if endpoint.flavour != Flavour::Chat {
        let flavour = endpoint.flavour.name();
        return Err(bad(format!("`bedrock` has the flavour `chat` alone, not `{flavour}`")));
    }
    if matches!(endpoint.credential, Credential::Aws { .. }) {
        super::region(&endpoint.settings).map_err(bad)?;
    }
    fields(target).map(|_| ()).map_err(bad)
}

/// What of the parameters is left out or sent in another form.
pub(super) fn notices(target: &Target) -> Vec<String> {
    let params = &target.params;
    let unknown = post::set(&[
        ("seed", params.seed.is_some()),
        ("min_p", params.min_p.is_some()),
        ("presence_penalty", params.presence_penalty.is_some()),
        ("frequency_penalty", params.frequency_penalty.is_some()),
        ("repetition_penalty", params.repetition_penalty.is_some()),
        ("logprobs", params.logprobs.is_some()),
    ]);
    let mut notices = Vec::new();
    notices.extend(not_sent(&unknown, "Bedrock's Converse has no field for them"));
    if let Some(why) = Family::of(target.ruling_model()).refuses_sampling(params) {
        let sampling = post::set(&[
            ("temperature", params.temperature.is_some()),
            ("top_p", params.top_p.is_some()),
            ("top_k", params.top_k.is_some()),
        ]);
        notices.extend(not_sent(&sampling, why));
    }
    if params.tool_choice == Some(ToolChoice::None) && !params.tools.is_empty() {
        notices.push("`tools` are not sent: Converse cannot say `tool_choice: none`".to_owned());
    }
    if let Some(ResponseFormat::Schema(schema)) = &params.response_format
        && schema.strict.is_some()
    {
        notices.push("`strict` of the schema is not sent: Converse has no field for it".to_owned());
    }
    let vendor = |name: &&String| !TOP_LEVEL.contains(&name.as_str()) && *name != post::OTHER_LIMIT;
    for name in params.extra.keys().filter(vendor) {
        notices.push(format!("`{name}` is sent in `additionalModelRequestFields`"));
    }
    notices
}

/// The fields that depend on the target alone.
fn fields(target: &Target) -> Result<Map<String, Value>, String> {
    let params = &target.params;
    let family = Family::of(target.ruling_model());
    let sampling = family.refuses_sampling(params).is_none();
    let mut inference = Map::new();
    let mut more = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        inference.extend(value.map(|value| (name.to_owned(), value)));
    };
    put("maxTokens", post::limit(params).map(Value::from));
    put("temperature", params.temperature.filter(|_| sampling).map(Value::from));
    put("topP", params.top_p.filter(|_| sampling).map(Value::from));
    put("stopSequences", (!params.stop.is_empty()).then(|| json!(params.stop)));
    if let Some(top_k) = params.top_k.filter(|_| sampling) {
        let (name, value) = family.top_k(top_k);
        more.insert(name.to_owned(), value);
    }
    let effort = family.reasoning(params, &mut more)?;
    let mut output = Map::new();
    if let Some(format) = params.response_format.as_ref().map(text_format).transpose()? {
        output.insert("textFormat".to_owned(), format);
    }
    output.extend(effort.map(|effort| ("effort".to_owned(), json!(effort))));

    let mut body = Map::new();
    for (name, fields) in [
        ("inferenceConfig", inference),
        ("additionalModelRequestFields", more),
        ("toolConfig", tools(params)),
        ("outputConfig", output),
    ] {
        if !fields.is_empty() {
            body.insert(name.to_owned(), Value::Object(fields));
        }
    }
    for (name, value) in params.extra.iter().filter(|(name, _)| *name != post::OTHER_LIMIT) {
        if OWN.contains(&name.as_str()) {
            return Err(format!(
                "the parameter `{name}` is part of every request and cannot be set; remove it"
            ));
        }
        if TOP_LEVEL.contains(&name.as_str()) {
            add(&mut body, name, value)?;
        } else {
            let more = body.entry("additionalModelRequestFields").or_insert_with(|| json!({}));
            let more = more.as_object_mut();
            more.map_or_else(
                || Err("`additionalModelRequestFields` is a mapping".to_owned()),
                |more| add(more, name, value),
            )?;
        }
    }
    Ok(body)
}

/// Adds what the user wrote; a mapping joins the one that is there.
fn add(to: &mut Map<String, Value>, name: &str, value: &Value) -> Result<(), String> {
    let twice = |name: &str| format!("the parameter `{name}` is set twice; remove one of the two");
    match (to.get_mut(name), value) {
        (None, _) => {
            to.insert(name.to_owned(), value.clone());
        }
        (Some(Value::Object(have)), Value::Object(more)) => {
            if let Some(both) = more.keys().find(|key| have.contains_key(*key)) {
                return Err(twice(&format!("{name}.{both}")));
            }
            have.extend(more.clone());
        }
        _ => return Err(twice(name)),
    }
    Ok(())
}

fn text_format(format: &ResponseFormat) -> Result<Value, String> {
    match format {
        ResponseFormat::Json => Err("Bedrock's Converse has no answers in JSON without a schema; \
                                     use `response_format: {schema: …}`"
            .to_owned()),
        ResponseFormat::Verbatim(value) => Ok(value.clone()),
        ResponseFormat::Schema(schema) => {
            // The schema is JSON inside a string here.
            let mut inner = json!({ "name": schema.name, "schema": schema.schema.to_string() });
            if let Some(description) = &schema.description {
                inner["description"] = json!(description);
            }
            Ok(json!({ "type": "json_schema", "structure": { "jsonSchema": inner } }))
        }
    }
}

fn tools(params: &Params) -> Map<String, Value> {
    let mut config = Map::new();
    if params.tools.is_empty() || params.tool_choice == Some(ToolChoice::None) {
        return config;
    }
    let tools: Vec<Value> = params.tools.iter().map(tool).collect();
    config.insert("tools".to_owned(), json!(tools));
    let choice = match &params.tool_choice {
        None | Some(ToolChoice::None) => return config,
        Some(ToolChoice::Auto) => json!({ "auto": {} }),
        Some(ToolChoice::Required) => json!({ "any": {} }),
        Some(ToolChoice::Function(name)) => json!({ "tool": { "name": name } }),
    };
    config.insert("toolChoice".to_owned(), choice);
    config
}

fn tool(tool: &Tool) -> Value {
    let mut spec = json!({ "name": tool.name, "inputSchema": { "json": tool.parameters } });
    // An empty description is refused.
    if let Some(description) = tool.description.as_ref().filter(|text| !text.is_empty()) {
        spec["description"] = json!(description);
    }
    if let Some(strict) = tool.strict {
        spec["strict"] = json!(strict);
    }
    json!({ "toolSpec": spec })
}

/// The instructions, which stand apart, and the turns. Turns of the same speaker become one, since
/// user and model must take turns.
fn conversation(messages: &[Message]) -> Result<(Option<Value>, Value), String> {
    let mut system = Vec::new();
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in messages {
        let role = match message.role {
            Role::System | Role::Developer => {
                if message.has_image() {
                    return Err("Converse takes images from the user only".to_owned());
                }
                system.extend(blocks(message)?);
                continue;
            }
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let blocks = blocks(message)?;
        match turns.last_mut() {
            Some((last, have)) if *last == role => have.extend(blocks),
            _ => turns.push((role, blocks)),
        }
    }
    if turns.is_empty() {
        return Err("Converse needs a message of the user besides the system's".to_owned());
    }
    let turns =
        turns.into_iter().map(|(role, content)| json!({ "role": role, "content": content }));
    Ok(((!system.is_empty()).then(|| json!(system)), turns.collect()))
}

/// The parts of `message`. Empty texts, which are refused, stay only where there is nothing else.
fn blocks(message: &Message) -> Result<Vec<Value>, String> {
    let alone = message.content.len() < 2;
    let parts = message.content.iter().filter(|part| match part {
        Part::Text { text } => alone || !text.is_empty(),
        Part::Image { .. } => true,
    });
    parts
        .map(|part| match part {
            Part::Text { text } => Ok(json!({ "text": text })),
            Part::Image { url } => image(url),
        })
        .collect()
}

fn image(url: &str) -> Result<Value, String> {
    let inline = post::inline_image(url).map_err(|fault| fault.message)?;
    let (kind, bytes) = inline.ok_or_else(|| {
        let url = text::one_line(url, 80);
        format!(
            "the image `{url}` is an address; Bedrock takes images as bytes: give the file's path, \
             or a `data:` URL"
        )
    })?;
    let format = kind.strip_prefix("image/").map(|format| format.replace("jpg", "jpeg"));
    let format = format.filter(|format| IMAGES.contains(&format.as_str())).ok_or_else(|| {
        let kind = text::one_line(kind, 40);
        format!("an image is `{kind}`; Bedrock takes PNG, JPEG, GIF and WebP")
    })?;
    Ok(json!({ "image": { "format": format, "source": { "bytes": bytes } } }))
}
