//! From a call to the request.

use serde_json::{Map, Value, json};

use crate::{
    domain::{
        contract::Call,
        message::{Message, Part, Role},
        params::{Reasoning, ResponseFormat, Tool, ToolChoice},
    },
    provider::openai_compatible::{adapt::Adapted, dialect::Dialect},
};

/// The body that asks `call` of the model called `model`.
pub(in crate::provider::openai_compatible) fn body(
    call: &Call,
    model: &str,
    adapted: &Adapted<'_>,
    dialect: &Dialect,
) -> Value {
    let params = &*adapted.params;
    let mut fields = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        fields.extend(value.map(|value| (name.to_owned(), value)));
    };
    put("model", Some(json!(model)));
    put("input", Some(call.messages.iter().map(item).collect()));
    put("temperature", params.temperature.map(Value::from));
    put("top_p", params.top_p.map(Value::from));
    put(adapted.max_tokens, params.max_tokens.map(Value::from));
    put("text", params.response_format.as_ref().map(|form| json!({ "format": format(form) })));
    let tools: Vec<Value> = params.tools.iter().map(tool).collect();
    put("tools", (!tools.is_empty()).then(|| json!(tools)));
    put("tool_choice", params.tool_choice.as_ref().map(tool_choice));
    put("reasoning", params.reasoning.map(Reasoning::to_value));
    if let Some(top) = params.logprobs {
        put("include", Some(json!(["message.output_text.logprobs"])));
        put("top_logprobs", (top > 0).then(|| json!(top)));
    }
    // Nothing needs the answer to be kept by the provider.
    put("store", Some(json!(false)));
    put("stream", Some(json!(adapted.stream)));
    for (name, value) in &params.extra {
        match (fields.get_mut(name), value) {
            // Such as a `text.verbosity` beside the form of the answer.
            (Some(Value::Object(ours)), Value::Object(theirs)) => ours.extend(theirs.clone()),
            (Some(Value::Array(ours)), Value::Array(theirs)) => ours.extend(theirs.clone()),
            _ => {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
    dialect.fill_in(&mut fields);
    Value::Object(fields)
}

fn item(message: &Message) -> Value {
    let content = match message.content.as_slice() {
        parts if message.has_image() && message.role != Role::Assistant => {
            parts.iter().map(part).collect()
        }
        _ => json!(message.joined_text()),
    };
    json!({ "role": message.role, "content": content })
}

fn part(part: &Part) -> Value {
    match part {
        Part::Text { text } => json!({ "type": "input_text", "text": text }),
        Part::Image { url } => {
            json!({ "type": "input_image", "image_url": url, "detail": "auto" })
        }
    }
}

/// The form of the answer; without the wrapping that chats have.
fn format(form: &ResponseFormat) -> Value {
    match (form, form.to_value()) {
        (ResponseFormat::Schema(_), wrapped) => {
            let mut flat = wrapped["json_schema"].clone();
            flat["type"] = json!("json_schema");
            flat
        }
        (_, value) => value,
    }
}

/// A tool; without the wrapping that chats have.
fn tool(tool: &Tool) -> Value {
    let mut flat = tool.to_value()["function"].take();
    flat["type"] = json!("function");
    flat
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Function(name) => json!({ "type": "function", "name": name }),
        word => word.to_value(),
    }
}
