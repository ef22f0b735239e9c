//! Prompts as they are written, and what can be wrong with them.

use serde_json::{Map, Value, json};

use crate::{domain::message::Role, prompt::template::TemplateError};

/// A prompt as a config writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptSpec {
    /// One user message.
    Text(String),
    /// Instructions and a user message.
    Pair {
        /// The system message.
        system: Option<String>,
        /// The user message.
        user: String,
    },
    /// Any messages.
    Messages(Vec<MessageSpec>),
}

/// An entry of a message list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageSpec {
    /// One message.
    Message {
        /// Who speaks.
        role: Role,
        /// What is said, in order.
        content: Vec<PartSpec>,
    },
    /// Messages that are repeated for every element of a list column, with the element's fields
    /// (or `this`) as variables and `../` before the row's own columns.
    ForEach {
        /// The list column.
        column: String,
        /// The messages; loops within loops are refused.
        messages: Vec<MessageSpec>,
    },
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartSpec {
    /// A template of text.
    Text(String),
    /// A template of an image's `https://` address, `data:` URL or file path.
    Image(String),
}

/// Why a prompt cannot be used, or failed for a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// A template is wrong, or failed for a row.
    #[error("prompt `{prompt}`, {part}: {source}")]
    Template {
        /// The prompt's id.
        prompt: String,
        /// Which part: `user`, `messages[1].content[0]`.
        part: String,
        /// Where in the template, and why.
        source: TemplateError,
    },
    /// An image cannot be had.
    #[error("prompt `{prompt}`, {part}: image {message}")]
    Image {
        /// The prompt's id.
        prompt: String,
        /// Which part.
        part: String,
        /// Why.
        message: String,
    },
    /// A loop runs over something else than a list.
    #[error(
        "prompt `{prompt}`, {part}: `for_each` needs a list, and column `{column}` holds {found}"
    )]
    NotAList {
        /// The prompt's id.
        prompt: String,
        /// Which part.
        part: String,
        /// The column.
        column: String,
        /// What the column holds.
        found: &'static str,
    },
    /// The prompt is put together wrongly.
    #[error("prompt `{prompt}`, {part}: {message}")]
    Shape {
        /// The prompt's id.
        prompt: String,
        /// Which part.
        part: String,
        /// What is wrong.
        message: &'static str,
    },
}

impl PromptSpec {
    /// The templates as JSON: a text, `{system, user}` or `{messages}`.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(text.as_str()),
            Self::Pair { system: None, user } => json!({ "user": user }),
            Self::Pair { system, user } => json!({ "system": system, "user": user }),
            Self::Messages(messages) => json!({ "messages": messages_value(messages) }),
        }
    }
}

fn messages_value(messages: &[MessageSpec]) -> Vec<Value> {
    let entry = |message: &MessageSpec| match message {
        MessageSpec::Message { role, content } => {
            json!({ "role": role, "content": content_value(content) })
        }
        MessageSpec::ForEach { column, messages } => {
            json!({ "for_each": column, "messages": messages_value(messages) })
        }
    };
    messages.iter().map(entry).collect()
}

fn content_value(content: &[PartSpec]) -> Value {
    let part = |spec: &PartSpec| {
        let (name, source) = match spec {
            PartSpec::Text(source) => ("text", source),
            PartSpec::Image(source) => ("image", source),
        };
        Value::Object(Map::from_iter([(name.to_owned(), Value::from(source.as_str()))]))
    };
    match content {
        [PartSpec::Text(source)] => Value::from(source.as_str()),
        parts => parts.iter().map(part).collect(),
    }
}
