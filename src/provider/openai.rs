//! `OpenAI` itself: chats, text completions and responses, and what its reasoning models refuse.
//!
//! # Source
//!
//! <https://platform.openai.com/docs/api-reference>, by way of the SDK openai-python 3.52; the
//! models' refusals as `LiteLLM` 1.106 and the SDK's comments on `reasoning_effort` have them.

use crate::{
    domain::target::Flavour,
    provider::{
        Auth, Card,
        openai_compatible::{
            Host,
            dialect::{Dialect, ModelRule, NO_RULE, PLAIN},
        },
    },
};

/// The vendor's own service.
pub(super) static OPENAI: Host = Host {
    card: &Card {
        name: "openai",
        title: "OpenAI",
        base_url: Some("https://api.openai.com/v1"),
        auth: Auth::Key,
        key_env: &["OPENAI_API_KEY"],
        settings: &[],
        docs: "https://platform.openai.com/docs/api-reference",
    },
    dialect: &DIALECT,
};

/// Everything that its clients send, in its present names.
pub(super) const DIALECT: Dialect = Dialect {
    title: "OpenAI",
    flavours: &[Flavour::Chat, Flavour::Completion, Flavour::Responses],
    max_tokens: "max_completion_tokens",
    dimensions: Some("dimensions"),
    drops: &["top_k", "min_p", "repetition_penalty"],
    rules: RULES,
    ..PLAIN
};

const SAMPLING: &[&str] = &["temperature", "top_p", "logprobs"];
const NO_SHAPING: &[&str] = &["presence_penalty", "frequency_penalty", "stop"];
const LIMIT: Option<&str> = Some("max_completion_tokens");

/// What every reasoning model of the fifth series refuses.
const THINKS: ModelRule = ModelRule {
    drops: NO_SHAPING,
    thinking_drops: SAMPLING,
    thinks: true,
    max_tokens: LIMIT,
    ..NO_RULE
};

const RULES: &[ModelRule] = &[
    ModelRule { models: &["gpt-5-chat"], ..NO_RULE },
    ModelRule {
        models: &["gpt-5.1-codex", "gpt-5.2-codex", "gpt-5.2-pro", "gpt-5.4-pro"],
        ..THINKS
    },
    // These think on demand: their effort is `none` when none is set.
    ModelRule { models: &["gpt-5.1", "gpt-5.2", "gpt-5.4"], thinks: false, ..THINKS },
    ModelRule { models: &["gpt-5", "o3", "o4"], ..THINKS },
    ModelRule { models: &["o1"], drops: &["presence_penalty", "frequency_penalty"], ..THINKS },
];
