//! Hosts that speak `OpenAI`'s format with differences that are data.
//!
//! # Source
//!
//! The vendors' SDKs and documentation, November 2026; where those are silent, clients that talk to
//! them: `LiteLLM` 1.106, `inspect_ai`, rust-genai.

use crate::{
    domain::{params::Effort, target::Flavour},
    provider::{
        Auth, Card,
        openai_compatible::{
            Host,
            dialect::{
                BudgetForm, Dialect, EffortForm, Fixed, LogprobForm, ModelRule, NO_RULE, PLAIN,
                Quirk,
            },
        },
    },
};

/// Every row.
#[cfg(test)]
pub(super) static ROWS: &[&Host] = &[
    &MISTRAL,
    &OPENROUTER,
    &FIREWORKS,
    &TOGETHER,
    &GROQ,
    &DEEPINFRA,
    &XAI,
    &PERPLEXITY,
    &BASETEN,
    &MINIMAX,
    &MOONSHOT,
    &NEBIUS,
    &SAMBANOVA,
    &DEEPSEEK,
    &CEREBRAS,
];

/// The card of a host that is known by a bearer key.
const fn card(
    name: &'static str,
    title: &'static str,
    base_url: &'static str,
    key_env: &'static [&'static str],
    docs: &'static str,
) -> Card {
    Card { name, title, base_url: Some(base_url), auth: Auth::Key, key_env, settings: &[], docs }
}

/// A host's own form, from the common one: only `system` is known to all of them.
const HOST: Dialect = Dialect { quirks: &[Quirk::NoDeveloper], ..PLAIN };

/// What is no part of `OpenAI`'s own interface, and refused by hosts that go by it.
const NO_SAMPLERS: &[&str] = &["top_k", "min_p", "repetition_penalty"];

const CHAT_AND_TEXT: &[Flavour] = &[Flavour::Chat, Flavour::Completion];

/// Strict: a field that it does not know is an error.
pub(super) static MISTRAL: Host = Host {
    card: &card(
        "mistral",
        "Mistral",
        "https://api.mistral.ai/v1",
        &["MISTRAL_API_KEY"],
        "https://docs.mistral.ai/api/",
    ),
    dialect: &Dialect {
        title: "Mistral",
        seed: "random_seed",
        dimensions: Some("output_dimension"),
        prefill: Some("prefix"),
        drops: &["min_p"],
        quirks: &[Quirk::NoDeveloper, Quirk::NoStreamOptions, Quirk::OneLimit],
        ..HOST
    },
};

/// A gateway. Without `require_parameters` it drops what an upstream does not know.
pub(super) static OPENROUTER: Host = Host {
    card: &card(
        "openrouter",
        "OpenRouter",
        "https://openrouter.ai/api/v1",
        &["OPENROUTER_API_KEY"],
        "https://openrouter.ai/docs/api-reference/overview",
    ),
    dialect: &Dialect {
        title: "OpenRouter",
        flavours: &[Flavour::Chat, Flavour::Completion, Flavour::Responses],
        dimensions: Some("dimensions"),
        effort: EffortForm::Nested,
        budget: Some(BudgetForm::Nested),
        fixed: &[("provider", Fixed::Object(&[("require_parameters", Fixed::True)]))],
        quirks: &[Quirk::ColdStart],
        ..PLAIN
    },
};

/// Shortens answers in silence when the context is full, unless told to say so.
pub(super) static FIREWORKS: Host = Host {
    card: &card(
        "fireworks",
        "Fireworks",
        "https://api.fireworks.ai/inference/v1",
        &["FIREWORKS_API_KEY"],
        "https://docs.fireworks.ai/api-reference/post-chatcompletions",
    ),
    dialect: &Dialect {
        title: "Fireworks",
        flavours: CHAT_AND_TEXT,
        dimensions: Some("dimensions"),
        efforts: &[Effort::None, Effort::Low, Effort::Medium, Effort::High],
        budget: Some(BudgetForm::Effort),
        required_tool: Some("any"),
        fixed: &[("context_length_exceeded_behavior", Fixed::Text("error"))],
        ..HOST
    },
};

/// Counts log probabilities, and answers with parallel arrays.
pub(super) static TOGETHER: Host = Host {
    card: &card(
        "together",
        "Together",
        "https://api.together.ai/v1",
        &["TOGETHER_API_KEY"],
        "https://docs.together.ai/reference/chat-completions-1",
    ),
    dialect: &Dialect {
        title: "Together",
        flavours: CHAT_AND_TEXT,
        dimensions: Some("dimensions"),
        logprobs: LogprobForm::Count,
        efforts: &[Effort::Low, Effort::Medium, Effort::High],
        fixed: &[("context_length_exceeded_behavior", Fixed::Text("error"))],
        quirks: &[Quirk::NoDeveloper, Quirk::ForbiddenIsContext],
        ..HOST
    },
};

/// Answers 400 to log probabilities.
pub(super) static GROQ: Host = Host {
    card: &card(
        "groq",
        "Groq",
        "https://api.groq.com/openai/v1",
        &["GROQ_API_KEY"],
        "https://console.groq.com/docs/api-reference",
    ),
    dialect: &Dialect {
        title: "Groq",
        flavours: &[Flavour::Chat, Flavour::Responses],
        max_tokens: "max_completion_tokens",
        efforts: &[Effort::None, Effort::Low, Effort::Medium, Effort::High],
        drops: &["top_k", "min_p", "repetition_penalty", "logprobs"],
        quirks: &[Quirk::NoDeveloper, Quirk::NoStreamedJson],
        ..HOST
    },
};

/// Cannot require a tool.
pub(super) static DEEPINFRA: Host = Host {
    card: &card(
        "deepinfra",
        "DeepInfra",
        "https://api.deepinfra.com/v1/openai",
        &["DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"],
        "https://deepinfra.com/docs/openai_api",
    ),
    dialect: &Dialect {
        title: "DeepInfra",
        flavours: CHAT_AND_TEXT,
        dimensions: Some("dimensions"),
        required_tool: None,
        quirks: &[Quirk::NoDeveloper, Quirk::NoNamedTool, Quirk::OneLimit],
        ..HOST
    },
};

/// Some models refuse `stop` and penalties.
pub(super) static XAI: Host = Host {
    card: &card(
        "xai",
        "xAI",
        "https://api.x.ai/v1",
        &["XAI_API_KEY"],
        "https://docs.x.ai/docs/api-reference",
    ),
    dialect: &Dialect {
        title: "xAI",
        flavours: &[Flavour::Chat, Flavour::Responses],
        drops: NO_SAMPLERS,
        rules: &[
            ModelRule {
                models: &["grok-4", "grok-code-fast"],
                drops: &["stop", "frequency_penalty"],
                ..NO_RULE
            },
            ModelRule { models: &["grok-3-mini"], drops: &["stop"], ..NO_RULE },
        ],
        quirks: &[Quirk::NoDeveloper, Quirk::NoStrictTools, Quirk::OneLimit],
        ..HOST
    },
};

/// Searches; its JSON mode needs a schema. Its streams tell the usage without being asked.
pub(super) static PERPLEXITY: Host = Host {
    card: &card(
        "perplexity",
        "Perplexity",
        "https://api.perplexity.ai",
        &["PERPLEXITY_API_KEY", "PPLX_API_KEY"],
        "https://docs.perplexity.ai/api-reference/chat-completions-post",
    ),
    dialect: &Dialect {
        title: "Perplexity",
        quirks: &[Quirk::NoDeveloper, Quirk::NoJsonMode, Quirk::NoStreamOptions, Quirk::OneLimit],
        ..HOST
    },
};

/// The shared models; a dedicated one has a `base_url` of its own.
pub(super) static BASETEN: Host = Host {
    card: &card(
        "baseten",
        "Baseten",
        "https://inference.baseten.co/v1",
        &["BASETEN_API_KEY"],
        "https://docs.baseten.co/development/model-apis/overview",
    ),
    dialect: &Dialect { title: "Baseten", ..HOST },
};

/// Errors come with status 200; thinking is told apart on demand.
pub(super) static MINIMAX: Host = Host {
    card: &card(
        "minimax",
        "MiniMax",
        "https://api.minimax.io/v1",
        &["MINIMAX_API_KEY"],
        "https://platform.minimax.io/docs/api-reference/text-openai-api",
    ),
    dialect: &Dialect { title: "MiniMax", fixed: &[("reasoning_split", Fixed::True)], ..HOST },
};

/// Cannot require a tool; reasoning models have one temperature.
pub(super) static MOONSHOT: Host = Host {
    card: &card(
        "moonshot",
        "Moonshot",
        "https://api.moonshot.ai/v1",
        &["MOONSHOT_API_KEY"],
        "https://platform.moonshot.ai/docs/api/chat",
    ),
    dialect: &Dialect {
        title: "Moonshot",
        required_tool: None,
        prefill: Some("partial"),
        drops: NO_SAMPLERS,
        rules: &[ModelRule {
            models: &["kimi-thinking", "kimi-k2-thinking"],
            thinking_drops: &["temperature"],
            thinks: true,
            ..NO_RULE
        }],
        ..HOST
    },
};

/// Token Factory, once AI Studio.
pub(super) static NEBIUS: Host = Host {
    card: &card(
        "nebius",
        "Nebius",
        "https://api.tokenfactory.nebius.com/v1",
        &["NEBIUS_API_KEY"],
        "https://docs.tokenfactory.nebius.com/api-reference",
    ),
    dialect: &Dialect {
        title: "Nebius",
        flavours: CHAT_AND_TEXT,
        dimensions: Some("dimensions"),
        ..HOST
    },
};

/// Knows `max_tokens` only.
pub(super) static SAMBANOVA: Host = Host {
    card: &card(
        "sambanova",
        "SambaNova",
        "https://api.sambanova.ai/v1",
        &["SAMBANOVA_API_KEY"],
        "https://docs.sambanova.ai/cloud/api-reference",
    ),
    dialect: &Dialect {
        title: "SambaNova",
        dimensions: Some("dimensions"),
        quirks: &[Quirk::NoDeveloper, Quirk::OneLimit],
        ..HOST
    },
};

/// Its JSON mode takes no schema.
pub(super) static DEEPSEEK: Host = Host {
    card: &card(
        "deepseek",
        "DeepSeek",
        "https://api.deepseek.com/v1",
        &["DEEPSEEK_API_KEY"],
        "https://api-docs.deepseek.com/api/create-chat-completion",
    ),
    dialect: &Dialect {
        title: "DeepSeek",
        drops: NO_SAMPLERS,
        // By its documentation these have no effect there, and log probabilities are an error.
        rules: &[ModelRule {
            models: &["deepseek-reasoner"],
            drops: &["temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs"],
            ..NO_RULE
        }],
        quirks: &[Quirk::NoDeveloper, Quirk::NoJsonSchema, Quirk::OneLimit],
        ..HOST
    },
};

/// Prefers the newer name of the limit.
pub(super) static CEREBRAS: Host = Host {
    card: &card(
        "cerebras",
        "Cerebras",
        "https://api.cerebras.ai/v1",
        &["CEREBRAS_API_KEY"],
        "https://inference-docs.cerebras.ai/api-reference/chat-completions",
    ),
    dialect: &Dialect {
        title: "Cerebras",
        max_tokens: "max_completion_tokens",
        // Penalties are answered with 400 as well.
        drops: &["top_k", "min_p", "repetition_penalty", "presence_penalty", "frequency_penalty"],
        ..HOST
    },
};
