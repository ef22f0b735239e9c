//! The parameters that have a form of their own, read from the forms in which people write them.

use serde_json::{Map, Value};

use super::{AnswerSchema, Effort, Reasoning, ResponseFormat, Tool, ToolChoice};

const EFFORTS: [Effort; 7] = [
    Effort::None,
    Effort::Minimal,
    Effort::Low,
    Effort::Medium,
    Effort::High,
    Effort::Xhigh,
    Effort::Max,
];

impl ResponseFormat {
    /// `json`, `{schema: …}`, or `OpenAI`'s forms; any other object is kept verbatim.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as a fragment.
    pub fn from_value(value: &Value) -> Result<Self, String> {
        let object = match value {
            Value::String(word) if ["json", "json_object"].contains(&word.as_str()) => {
                return Ok(Self::Json);
            }
            Value::Object(object) => object,
            _ => return Err("`response_format` is `json`, or a mapping with `schema`".to_owned()),
        };
        match object.get("type").and_then(Value::as_str) {
            Some("json_object") if object.len() == 1 => Ok(Self::Json),
            Some("json_schema") if object.get("json_schema").is_some_and(Value::is_object) => {
                schema(object["json_schema"].as_object().unwrap_or(object)).map(Self::Schema)
            }
            None if object.contains_key("schema") => schema(object).map(Self::Schema),
            _ => Ok(Self::Verbatim(value.clone())),
        }
    }
}

fn schema(from: &Map<String, Value>) -> Result<AnswerSchema, String> {
    const KNOWN: [&str; 4] = ["name", "description", "schema", "strict"];
    if let Some(unknown) = from.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(format!(
            "`response_format` has `name`, `description`, `schema` and `strict`, not `{unknown}`"
        ));
    }
    let schema = from.get("schema").filter(|schema| schema.is_object());
    let schema = schema.ok_or("the `schema` of `response_format` is an object")?.clone();
    let name = match from.get("name") {
        None => "answer",
        Some(name) => name.as_str().filter(|name| is_name(name)).ok_or(
            "the `name` of `response_format` has letters, digits, `_` and `-`, at most 64",
        )?,
    };
    Ok(AnswerSchema {
        name: name.to_owned(),
        description: text(from, "description")?,
        schema,
        strict: flag(from, "strict")?,
    })
}

impl Tool {
    /// `{name, description, parameters, strict}`, or the same inside `OpenAI`'s wrapping.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as a fragment.
    pub fn from_value(value: &Value) -> Result<Self, String> {
        const KNOWN: [&str; 5] = ["type", "name", "description", "parameters", "strict"];
        let inner = value.get("function").unwrap_or(value);
        let object = inner.as_object().ok_or("a tool is a mapping with `name`")?;
        if let Some(unknown) = object.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            return Err(format!(
                "a tool has `name`, `description`, `parameters` and `strict`, not `{unknown}`"
            ));
        }
        let name = object.get("name").and_then(Value::as_str).unwrap_or_default();
        if !is_name(name) {
            return Err(format!(
                "a tool needs a `name` of letters, digits, `_` and `-`, at most 64, not `{name}`"
            ));
        }
        let parameters = match object.get("parameters") {
            None => serde_json::json!({ "type": "object", "properties": {} }),
            Some(parameters) if parameters.is_object() => parameters.clone(),
            Some(_) => return Err(format!("the `parameters` of tool `{name}` are a JSON Schema")),
        };
        Ok(Self {
            name: name.to_owned(),
            description: text(object, "description")?,
            parameters,
            strict: flag(object, "strict")?,
        })
    }
}

impl ToolChoice {
    /// `auto`, `none`, `required`, a tool's name as `{name: …}`, or `OpenAI`'s wrapping of one.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as a fragment.
    pub fn from_value(value: &Value) -> Result<Self, String> {
        let named = &value.get("function").unwrap_or(value)["name"];
        match (value.as_str(), named.as_str()) {
            (Some("auto"), _) => Ok(Self::Auto),
            (Some("none"), _) => Ok(Self::None),
            (Some("required" | "any"), _) => Ok(Self::Required),
            (None, Some(name)) if is_name(name) => Ok(Self::Function(name.to_owned())),
            _ => Err("`tool_choice` is `auto`, `none`, `required` or `{name: …}`".to_owned()),
        }
    }
}

impl Reasoning {
    /// `{effort: …}` or `{max_tokens: …}`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as a fragment. Nothing else is taken for one of the two.
    pub fn from_value(value: &Value) -> Result<Self, String> {
        let object = value.as_object().filter(|object| object.len() == 1);
        let only = object.and_then(|object| object.iter().next());
        match only.map(|(key, value)| (key.as_str(), value)) {
            Some(("effort", Value::String(word))) => Effort::from_name(word).map(Self::Effort),
            Some(("max_tokens", tokens)) => tokens
                .as_u64()
                .filter(|tokens| *tokens > 0)
                .map(Self::MaxTokens)
                .ok_or_else(|| "`max_tokens` of `reasoning` is a count from 1".to_owned()),
            _ => {
                Err("`reasoning` is `{effort: …}` or `{max_tokens: …}`, one of the two".to_owned())
            }
        }
    }
}

impl Effort {
    /// The effort called `name`.
    ///
    /// # Errors
    ///
    /// The words there are, as a fragment.
    pub fn from_name(name: &str) -> Result<Self, String> {
        EFFORTS.into_iter().find(|effort| effort.name() == name).ok_or_else(|| {
            let known = EFFORTS.map(Self::name).join("`, `");
            format!("`effort` is one of `{known}`, not `{name}`")
        })
    }
}

fn is_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (1..=64).contains(&name.len()) && name.chars().all(word)
}

fn text(from: &Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match from.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("`{key}` is text")),
    }
}

fn flag(from: &Map<String, Value>, key: &str) -> Result<Option<bool>, String> {
    match from.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(format!("`{key}` is true or false")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let schema = json!({"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}, "strict": true}});
        for format in [json!({"type": "json_object"}), schema, json!({"type": "grammar"})] {
            assert_eq!(ResponseFormat::from_value(&format).map(|read| read.to_value()), Ok(format));
        }
        let tool = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}});
        assert_eq!(Tool::from_value(&tool).map(|read| read.to_value()), Ok(tool));
        for choice in [json!("auto"), json!("none"), json!("required")] {
            assert_eq!(ToolChoice::from_value(&choice).map(|read| read.to_value()), Ok(choice));
        }
        for reasoning in [json!({"effort": "xhigh"}), json!({"max_tokens": 2048})] {
            assert_eq!(Reasoning::from_value(&reasoning).map(Reasoning::to_value), Ok(reasoning));
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for reasoning in [
            json!("high"),
            json!({"effort": "extreme"}),
            json!({"max_tokens": 0}),
            json!({"budget": 5}),
            json!({"effort": "low", "max_tokens": 5}),
        ] {
            assert!(Reasoning::from_value(&reasoning).is_err(), "{reasoning}");
        }
        assert!(ToolChoice::from_value(&json!("always")).is_err());
        assert!(Tool::from_value(&json!({"name": "two words"})).is_err());
        assert!(Tool::from_value(&json!({"name": "f", "params": {}})).is_err());
        assert!(ResponseFormat::from_value(&json!("xml")).is_err());
        assert!(ResponseFormat::from_value(&json!({"schema": []})).is_err());
    }
}
