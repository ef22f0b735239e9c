//! A model reference resolved: whom to call, how, with what, at what price.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    base::{money::Money, secret::Secret},
    domain::generation::Usage,
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
    /// The credential; none is sent when it is absent.
    pub api_key: Option<Secret>,
    /// Further headers; their values may be secrets.
    pub headers: Vec<(String, Secret)>,
    /// Which of the provider's endpoints is called.
    pub flavour: Flavour,
    /// Whether answers are streamed.
    pub stream: bool,
}

/// The OpenAI-compatible endpoints.
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

/// Sampling parameters; only what was set is sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Params {
    /// Randomness.
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// Longest answer, in tokens.
    pub max_tokens: Option<u64>,
    /// Sampling seed.
    pub seed: Option<i64>,
    /// Strings that end an answer.
    pub stop: Vec<String>,
    /// Further fields, sent verbatim under their names.
    pub extra: BTreeMap<String, Value>,
}

impl Params {
    /// These parameters, with those set in `over` taking precedence.
    #[must_use]
    pub fn overridden_by(&self, over: &Self) -> Self {
        let mut extra = self.extra.clone();
        extra.extend(over.extra.clone());
        Self {
            temperature: over.temperature.or(self.temperature),
            top_p: over.top_p.or(self.top_p),
            max_tokens: over.max_tokens.or(self.max_tokens),
            seed: over.seed.or(self.seed),
            stop: if over.stop.is_empty() { self.stop.clone() } else { over.stop.clone() },
            extra,
        }
    }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Image parts.
    pub vision: bool,
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
