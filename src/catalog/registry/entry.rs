//! A registered model or endpoint.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::domain::{limits::Limits, target::Flavour};

/// What is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One upstream model.
    Model,
    /// An address with many models.
    Endpoint,
}

impl Kind {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Model => Self::Endpoint,
            Self::Endpoint => Self::Model,
        }
    }

    /// The kind's name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Endpoint => "endpoint",
        }
    }

    /// The subcommand that is about it.
    pub const fn command(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Endpoint => "endpoints",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The wire format of a host of one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `OpenAI`'s.
    #[serde(rename = "openai")]
    OpenAi,
    /// Anthropic's.
    Anthropic,
    /// Cohere's.
    Cohere,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::Cohere];

    /// The format's name in files and flags.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Cohere => "cohere",
        }
    }

    /// The provider that speaks it.
    pub const fn provider(self) -> &'static str {
        match self {
            Self::OpenAi => "openai-compatible",
            Self::Anthropic => "anthropic",
            Self::Cohere => "cohere",
        }
    }
}

/// What a model can take; `None` is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Toggles {
    /// Answers in JSON by the provider's own mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<bool>,
    /// Images in prompts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vision: Option<bool>,
    /// Functions that it may ask to call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<bool>,
    /// Thinking that can be set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<bool>,
    /// Answers in pieces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streaming: Option<bool>,
}

impl Toggles {
    /// What a model can take when nobody says otherwise.
    pub const fn of_models() -> Self {
        Self {
            json: Some(true),
            vision: Some(false),
            tools: Some(true),
            reasoning: Some(false),
            streaming: None,
        }
    }

    /// The toggles under their names.
    pub const fn named(&self) -> [(&'static str, Option<bool>); 5] {
        [
            ("json", self.json),
            ("vision", self.vision),
            ("tools", self.tools),
            ("reasoning", self.reasoning),
            ("streaming", self.streaming),
        ]
    }
}

/// When a connection was last tested with success, and how it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tested {
    /// Milliseconds since the epoch.
    pub at_ms: i64,
    /// How long the call took, in microseconds.
    pub latency_us: u64,
    /// Tokens of the prompt, where the provider says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Tokens of the answer, where the provider says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
}

/// A registered model or endpoint. Holds no secret.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What it is called in references; permanent.
    pub slug: String,
    /// What it is called for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A provider's name, or `custom` for a host of one's own; permanent.
    pub provider: String,
    /// A model: the id that is sent upstream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// A host of one's own: what it speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// Which of the provider's endpoints is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flavour: Option<Flavour>,
    /// The address, where it is not the provider's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// What some providers need besides, by its name in configs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// Further headers; values are templates.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Longest answer, in tokens, where somebody said; [`Entry::takes`] knows the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// What its account may be asked for.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// What it can take, where somebody said.
    #[serde(default)]
    pub capabilities: Toggles,
    /// Labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The field of the request, dots between its parts, that says how much to think.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_param: Option<String>,
    /// The model of the catalog whose schema it shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_model: Option<String>,
    /// Prices of one unit, in picodollars, by category.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub price_pico: BTreeMap<String, i64>,
    /// The credential's slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// An endpoint: the models that may be asked for; a `*` at the end stands for anything. Empty:
    /// all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Whether it may not be used for now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
    /// When it was last tested; `None` when it has changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tested: Option<Tested>,
    /// When it was added, in milliseconds since the epoch.
    pub added_ms: i64,
    /// When it was removed, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_ms: Option<i64>,
}

impl Entry {
    /// Whether it was not removed.
    pub fn is_active(&self) -> bool {
        self.removed_ms.is_none()
    }

    /// The name for people.
    pub fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.slug)
    }

    /// Whether the list of models, if there is one, has `model`.
    pub fn allows(&self, model: &str) -> bool {
        let matches = |allowed: &String| match allowed.strip_suffix('*') {
            Some(beginning) => model.starts_with(beginning),
            None => allowed == model,
        };
        self.allow.is_empty() || self.allow.iter().any(matches)
    }

    /// Whether what a test proves is the same in `other`: credentials, prices and names are not
    /// part of it.
    pub fn tests_like(&self, other: &Self) -> bool {
        let proved = |entry: &Self| {
            (
                entry.provider.clone(),
                entry.model.clone(),
                entry.format,
                entry.flavour,
                entry.base_url.clone(),
                entry.settings.clone(),
                entry.max_tokens,
                entry.capabilities,
                entry.base_model.clone(),
            )
        };
        proved(self) == proved(other)
    }
}
