//! A model reference resolved: whom to call, how, with what, at what price.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    base::{money::Money, secret::Secret},
    domain::{generation::Usage, params::Params},
};

/// A model that can be called.
#[derive(Debug, Clone)]
pub struct Target {
    /// The name in results: the config's `id`, or the reference as written.
    pub name: String,
    /// The provider's name in the registry, `sim` or `replay`.
    pub provider: &'static str,
    /// The model id sent upstream; may be empty for recorded answers.
    pub model: String,
    /// Where and how.
    pub endpoint: Endpoint,
    /// Sampling parameters: the run's, overridden by the model's own.
    pub params: Params,
    /// Prices; `None` is unknown, not free.
    pub price: Option<Price>,
    /// What the model can do.
    pub capabilities: Capabilities,
    /// How long a call may take.
    pub timeouts: Timeouts,
}

impl Target {
    /// The slug of the registered credential that calls are made with, where it is one.
    pub fn credential_slug(&self) -> Option<String> {
        match &self.endpoint {
            Endpoint::Http(endpoint) => endpoint.credential_slug.clone(),
            Endpoint::Sim(_) | Endpoint::Replay(_) => None,
        }
    }
}

/// The three ways to get an answer.
#[derive(Debug, Clone)]
pub enum Endpoint {
    /// Over HTTP, in a provider's wire format.
    Http(HttpEndpoint),
    /// From the built-in simulator.
    Sim(SimProfile),
    /// From answers recorded in a file.
    Replay(ReplaySource),
}

/// An HTTP endpoint.
#[derive(Debug, Clone)]
pub struct HttpEndpoint {
    /// The URL that the provider's paths are appended to, without a trailing slash.
    pub base_url: String,
    /// What proves who asks.
    pub credential: Credential,
    /// The slug of the registered credential that this is, where it is one.
    pub credential_slug: Option<String>,
    /// Further headers; their values may be secrets.
    pub headers: Vec<(String, Secret)>,
    /// Which of the provider's endpoints is called.
    pub flavour: Flavour,
    /// Whether answers are streamed.
    pub stream: bool,
    /// What some providers need besides.
    pub settings: Settings,
}

/// What proves to a provider who asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Credential {
    /// Nothing is sent.
    #[default]
    None,
    /// A key, sent the provider's way.
    Key(Secret),
    /// A key pair of Amazon Web Services, with which requests are signed.
    Aws {
        /// The id of the key; not secret, and shown in full.
        access_key_id: String,
        /// The key.
        secret_access_key: Secret,
        /// The token of a temporary pair.
        session_token: Option<Secret>,
    },
    /// The JSON of a Google service account, exchanged for tokens.
    ServiceAccount(Secret),
}

impl Credential {
    /// The key, where it is one.
    pub fn key(&self) -> Option<&Secret> {
        match self {
            Self::Key(key) => Some(key),
            _ => None,
        }
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Every part that must not be shown.
    pub fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::None => Vec::new(),
            Self::Key(secret) | Self::ServiceAccount(secret) => vec![secret],
            Self::Aws { secret_access_key, session_token, .. } => {
                std::iter::once(secret_access_key).chain(session_token).collect()
            }
        }
    }
}

/// What some providers need to find a model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// The region of Amazon Web Services.
    pub region: Option<String>,
    /// The project of Google Cloud.
    pub project: Option<String>,
    /// The location of Google Cloud.
    pub location: Option<String>,
    /// The resource of Azure.
    pub resource: Option<String>,
    /// The deployment of Azure.
    pub deployment: Option<String>,
    /// The version of the provider's interface.
    pub api_version: Option<String>,
}

/// Which of a provider's endpoints is called.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// `/chat/completions`.
    #[default]
    Chat,
    /// `/completions`.
    Completion,
    /// `/responses`.
    Responses,
    /// The native form of Hugging Face's text generation servers.
    Tgi,
}

impl Flavour {
    /// The flavour's name in configs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completion => "completion",
            Self::Responses => "responses",
            Self::Tgi => "tgi",
        }
    }
}

/// How a simulated model behaves. Deterministic for a seed, a sample, a prompt and an epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct SimProfile {
    /// Chance that an answer is one of the expected ones, 0 to 1.
    pub accuracy: f64,
    /// Median latency.
    pub latency: Duration,
    /// Spread of the latency: sigma of its logarithm; 0 makes every call alike.
    pub jitter: f64,
    /// Chance that a call fails, 0 to 1.
    pub error_rate: f64,
    /// Words of filler around an answer.
    pub verbosity: u32,
    /// Tokens reported for a prompt; `None` counts the words.
    pub input_tokens: Option<u64>,
    /// Tokens reported for an answer; `None` counts the words.
    pub output_tokens: Option<u64>,
    /// Makes two otherwise equal models answer differently.
    pub seed: u64,
}

/// Recorded answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplaySource {
    /// The file; `None` reads the answer from a column of the dataset row itself.
    pub path: Option<PathBuf>,
    /// The file's column that is compared with the sample: `id` columns with its id, others with
    /// its input. `None`: found out from the columns the file has.
    pub key: Option<String>,
    /// The column, or dotted path, that holds the answer. `None`: found out from the columns.
    pub output: Option<String>,
    /// With several models in one file told apart by a `model` column: the one to replay.
    pub model: Option<String>,
}

/// Prices of one token each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// A prompt token.
    #[serde(with = "pico")]
    pub input: Money,
    /// An answer token.
    #[serde(with = "pico")]
    pub output: Money,
    /// A prompt token read from the provider's cache.
    #[serde(with = "pico")]
    pub cache_read: Money,
    /// A prompt token written to the provider's cache.
    #[serde(with = "pico")]
    pub cache_write: Money,
}

impl Price {
    /// What `usage` costs at these prices.
    pub fn cost(&self, usage: &Usage) -> Money {
        let cached = usage.cache_read.saturating_add(usage.cache_write);
        self.input.times(usage.input.saturating_sub(cached))
            + self.cache_read.times(usage.cache_read)
            + self.cache_write.times(usage.cache_write)
            + self.output.times(usage.output)
    }
}

/// Money in serialised snapshots: picodollars.
mod pico {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::base::money::Money;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(money: &Money, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(money.pico())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Money, D::Error> {
        i64::deserialize(from).map(Money::from_pico)
    }
}

/// What a model can take.
///
/// `None` is unknown: a run goes ahead, and the provider decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Image parts.
    pub vision: Option<bool>,
    /// Answers that are JSON, by a mode or by a schema.
    pub json: Option<bool>,
    /// Functions that it may ask to call.
    pub tools: Option<bool>,
    /// Thinking that can be set.
    pub reasoning: Option<bool>,
}

/// Limits on the time of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands.
    pub connect: Duration,
    /// From sending the request to the first byte of the reply.
    pub first_byte: Duration,
    /// Between two pieces of the reply.
    pub idle: Duration,
    /// The whole call.
    pub total: Duration,
}

impl Default for Timeouts {
    /// 5 s to connect, 300 s to the first byte (reasoning models think first), 60 s between
    /// pieces, 600 s in all.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_mins(5),
            idle: Duration::from_mins(1),
            total: Duration::from_mins(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_tokens_are_priced_once() {
        let price = Price {
            input: Money::from_pico(1_000),
            output: Money::from_pico(4_000),
            cache_read: Money::from_pico(100),
            cache_write: Money::from_pico(1_250),
        };
        let usage = Usage { input: 100, output: 10, cache_read: 60, cache_write: 20, reasoning: 5 };
        assert_eq!(price.cost(&usage).pico(), 20 * 1_000 + 60 * 100 + 20 * 1_250 + 10 * 4_000);
    }
}
