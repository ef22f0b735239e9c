//! A model's answer in the form every provider is translated to.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{base::money::Money, domain::target::Target};

/// One model answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Generation {
    /// The answer's text; empty when the model gave none.
    pub text: String,
    /// The model's reasoning, where the provider shows it.
    pub reasoning: Option<String>,
    /// Functions the model asked to call.
    pub tool_calls: Vec<ToolCall>,
    /// Why the model stopped.
    pub finish_reason: FinishReason,
    /// The provider's own word for it.
    pub raw_finish_reason: Option<String>,
    /// Tokens, where the provider says.
    pub usage: Option<Usage>,
    /// The model id that the provider says has answered.
    pub served_model: Option<String>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// A cost that the provider itself reports.
    pub reported_cost: Option<Money>,
    /// The answer's tokens with their log probabilities, where they were asked for.
    pub logprobs: Vec<TokenLogprob>,
}

/// A token of an answer, and how likely the model found it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenLogprob {
    /// The token's text; a piece of a character may read as U+FFFD.
    pub token: String,
    /// Natural logarithm of its probability.
    pub logprob: f64,
    /// The likeliest tokens in its place, likeliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<(String, f64)>,
}

/// Texts of which vectors are wanted.
#[derive(Debug, Clone)]
pub struct Texts {
    /// Whom to ask.
    pub target: Arc<Target>,
    /// The texts.
    pub texts: Vec<String>,
    /// What the vectors are for, where the model tells one use from another; by default texts are
    /// compared with each other.
    pub kind: Option<TextKind>,
}

/// What the vector of a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// To search with.
    Query,
    /// To be found.
    Document,
}

/// Vectors for texts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Embeddings {
    /// One vector a text, in the order asked.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens, where the provider says.
    pub usage: Option<Usage>,
    /// The model id that the provider says has answered.
    pub served_model: Option<String>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// A cost that the provider itself reports.
    pub reported_cost: Option<Money>,
}

/// A function call in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's id of the call; may be empty.
    pub id: String,
    /// The function's name.
    pub name: String,
    /// The arguments, as the JSON text that the model wrote.
    pub arguments: String,
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model had finished, or met a stop string.
    Stop,
    /// The token limit was reached.
    Length,
    /// The model's context was full.
    Context,
    /// The model wants functions called.
    ToolCalls,
    /// The provider withheld the answer.
    ContentFilter,
    /// The model declined.
    Refusal,
    /// The provider says that generating failed, and gives what there is.
    Error,
    /// The provider gave no reason, or one that is not known.
    #[default]
    Unknown,
}

impl FinishReason {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Stop,
        Self::Length,
        Self::Context,
        Self::ToolCalls,
        Self::ContentFilter,
        Self::Refusal,
        Self::Error,
        Self::Unknown,
    ];

    /// The reason called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// The reason's name in stores, exports and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Context => "context",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Refusal => "refusal",
            Self::Error => "error",
            Self::Unknown => "unknown",
        }
    }
}

/// Tokens of one call in the normal form: every token is counted once.
///
/// `input` and `output` are the totals that are billed; `cache_read` and `cache_write` are parts of
/// `input`, `cache_write_1h` is a part of `cache_write`, `reasoning` is a part of `output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// All tokens of the prompt.
    pub input: u64,
    /// All tokens of the answer, reasoning included.
    pub output: u64,
    /// Of `input`: read from the provider's prompt cache.
    pub cache_read: u64,
    /// Of `input`: written to the provider's prompt cache.
    pub cache_write: u64,
    /// Of `cache_write`: written for an hour, which some providers charge more for.
    #[serde(default, skip_serializing_if = "is_none")]
    pub cache_write_1h: u64,
    /// Of `output`: spent on reasoning.
    pub reasoning: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_none(count: &u64) -> bool {
    *count == 0
}
