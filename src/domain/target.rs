//! A model reference resolved: whom to call, how, with what, at what price.

use std::{path::PathBuf, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    base::{digest::Hasher, money::Money, secret::Secret},
    domain::{generation::Usage, limits::Limits, params::Params},
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
    /// The model whose schema it shares, `PROVIDER/MODEL`, where it is registered with one.
    pub base_model: Option<String>,
    /// Where and how.
    pub endpoint: Endpoint,
    /// Sampling parameters: the run's, overridden by the model's own.
    pub params: Params,
    /// Prices; `None` is unknown, not free.
    pub price: Option<Price>,
    /// What the model can do.
    pub capabilities: Capabilities,
    /// The longest answer that it can give, in tokens; `None` is unknown.
    pub max_output: Option<u64>,
    /// How long a call may take.
    pub timeouts: Timeouts,
    /// What its account may be asked for, as far as this model says.
    pub limits: Limits,
    /// Who is asked when this model gives no answer, in order.
    pub fallback: Vec<Arc<Target>>,
    /// Those who share its calls, by weight; with none it answers itself.
    pub pool: Vec<(u32, Arc<Target>)>,
}

impl Target {
    /// The model id that rules about parameters go by: the base model's, where there is one.
    pub fn ruling_model(&self) -> &str {
        self.base().map_or(&self.model, |(_, model)| model)
    }

    /// The provider and the id of the base model.
    pub fn base(&self) -> Option<(&str, &str)> {
        self.base_model.as_deref()?.split_once('/')
    }

    /// This model and those that may answer in its place.
    pub fn with_stand_ins(&self) -> impl Iterator<Item = &Self> {
        let pool = self.pool.iter().map(|(_, target)| target);
        std::iter::once(self).chain(self.fallback.iter().chain(pool).map(AsRef::as_ref))
    }

    /// Whose limits a call counts against: the provider, the origin and the credential. Holds no
    /// secret; models behind one account share it. Simulated and recorded models wait for nobody.
    pub fn account(&self) -> String {
        let Endpoint::Http(endpoint) = &self.endpoint else { return self.provider.to_owned() };
        let base = endpoint.base_url.as_str();
        let host = base.find("://").map_or(0, |at| at + 3);
        let end = base[host..].find('/').map_or(base.len(), |at| host + at);
        let mut secret = Hasher::default();
        for part in endpoint.credential.secrets() {
            secret.update(part.expose().as_bytes());
            secret.update(&[0]);
        }
        secret.update(&endpoint.header_digest.to_le_bytes());
        format!("{} {} {:.16}", self.provider, &base[..end], secret.finish_hex())
    }

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
    /// A digest of the headers in which the model is left open: models that one credential asks for
    /// belong to one account, whatever a `{{model}}` in their headers becomes.
    pub header_digest: u32,
    /// Which of the provider's endpoints is called.
    pub flavour: Flavour,
    /// Whether answers are streamed.
    pub stream: bool,
    /// Whether a key may travel in clear to an address of a private network.
    pub insecure_http: bool,
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
    /// How it judges, where it is a judge and does not answer by the sample.
    pub judge: Option<SimJudge>,
}

/// How a simulated judge takes orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimJudge {
    /// It obeys those that stand outside of the marks around data.
    Careful,
    /// It obeys all of them.
    Gullible,
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

/// Prices of one token each, and of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// A prompt token written to the provider's cache for an hour; `None` costs as `cache_write`.
    #[serde(default, with = "some_pico", skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<Money>,
    /// An answer token spent on reasoning; `None` costs as `output`.
    #[serde(default, with = "some_pico", skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Money>,
    /// A call, whatever its size; `None` costs nothing.
    #[serde(default, with = "some_pico", skip_serializing_if = "Option::is_none")]
    pub request: Option<Money>,
    /// The prices of larger calls, by rising threshold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub above: Vec<Tier>,
}

/// The prices of all tokens of a call whose prompt is larger than a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// They apply when the prompt has more tokens than this, cached ones included.
    pub tokens: u64,
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
    /// A prompt token written to the provider's cache for an hour; `None` costs as `cache_write`.
    #[serde(default, with = "some_pico", skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<Money>,
    /// An answer token spent on reasoning; `None` costs as `output`.
    #[serde(default, with = "some_pico", skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Money>,
}

impl Price {
    /// The price of a model that knows prompt and answer tokens only: cached ones cost as `input`.
    pub const fn new(input: Money, output: Money) -> Self {
        Self {
            input,
            output,
            cache_read: input,
            cache_write: input,
            cache_write_1h: None,
            reasoning: None,
            request: None,
            above: Vec::new(),
        }
    }

    /// What a call that used `usage` costs at these prices.
    pub fn cost(&self, usage: &Usage) -> Money {
        let tier = self.above.iter().filter(|tier| usage.input > tier.tokens);
        let rates = tier.max_by_key(|tier| tier.tokens).copied().unwrap_or_else(|| self.base());
        let cached = usage.cache_read.saturating_add(usage.cache_write);
        let hour = usage.cache_write_1h.min(usage.cache_write);
        let reasoning = usage.reasoning.min(usage.output);
        rates.input.times(usage.input.saturating_sub(cached))
            + rates.cache_read.times(usage.cache_read)
            + rates.cache_write.times(usage.cache_write - hour)
            + rates.cache_write_1h.unwrap_or(rates.cache_write).times(hour)
            + rates.output.times(usage.output - reasoning)
            + rates.reasoning.unwrap_or(rates.output).times(reasoning)
            + self.request.unwrap_or(Money::ZERO)
    }

    fn base(&self) -> Tier {
        Tier {
            tokens: 0,
            input: self.input,
            output: self.output,
            cache_read: self.cache_read,
            cache_write: self.cache_write,
            cache_write_1h: self.cache_write_1h,
            reasoning: self.reasoning,
        }
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

/// Money that may be left out of serialised snapshots.
mod some_pico {
    use serde::{Deserialize, Deserializer, Serialize as _, Serializer};

    use crate::base::money::Money;

    #[expect(clippy::ref_option, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(
        money: &Option<Money>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        money.map(Money::pico).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Money>, D::Error> {
        Ok(Option::<i64>::deserialize(from)?.map(Money::from_pico))
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
    /// Answers that a JSON Schema describes.
    pub schema: Option<bool>,
    /// Functions that it may ask to call.
    pub tools: Option<bool>,
    /// Thinking that can be set.
    pub reasoning: Option<bool>,
    /// Temperature and the other sampling parameters.
    pub sampling: Option<bool>,
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

    fn pico(pico: i64) -> Money {
        Money::from_pico(pico)
    }

    #[test]
    fn cached_tokens_are_priced_once() {
        let price = Price {
            cache_read: pico(100),
            cache_write: pico(1_250),
            ..Price::new(pico(1_000), pico(4_000))
        };
        let usage = Usage {
            input: 100,
            output: 10,
            cache_read: 60,
            cache_write: 20,
            reasoning: 5,
            ..Usage::default()
        };
        assert_eq!(price.cost(&usage).pico(), 20 * 1_000 + 60 * 100 + 20 * 1_250 + 10 * 4_000);
    }

    #[test]
    fn every_category_has_its_price() {
        let price = Price {
            cache_read: pico(100),
            cache_write: pico(1_250),
            cache_write_1h: Some(pico(2_000)),
            reasoning: Some(pico(3_000)),
            request: Some(pico(7)),
            ..Price::new(pico(1_000), pico(4_000))
        };
        let usage = Usage {
            input: 100,
            output: 10,
            cache_read: 60,
            cache_write: 20,
            cache_write_1h: 15,
            reasoning: 4,
        };
        let expected = 20 * 1_000 + 60 * 100 + 5 * 1_250 + 15 * 2_000 + 6 * 4_000 + 4 * 3_000 + 7;
        assert_eq!(price.cost(&usage).pico(), expected);
        let nonsense = Usage { cache_write_1h: 9, reasoning: 9, ..Usage::default() };
        assert_eq!(price.cost(&nonsense).pico(), 7);
    }

    #[test]
    fn above_a_threshold_all_tokens_cost_more() {
        let tier = |tokens, input| Tier {
            tokens,
            input: pico(input),
            output: pico(input * 4),
            cache_read: pico(input / 10),
            cache_write: pico(input),
            cache_write_1h: None,
            reasoning: None,
        };
        let above = vec![tier(200, 2_000), tier(500, 3_000)];
        let price = Price { above, ..Price::new(pico(1_000), pico(4_000)) };
        let cost = |input| price.cost(&Usage { input, output: 1, ..Usage::default() }).pico();
        assert_eq!(cost(200), 200 * 1_000 + 4_000);
        assert_eq!(cost(201), 201 * 2_000 + 8_000);
        assert_eq!(cost(500), 500 * 2_000 + 8_000);
        assert_eq!(cost(501), 501 * 3_000 + 12_000);
        let cached = Usage { input: 201, output: 1, cache_read: 100, ..Usage::default() };
        assert_eq!(price.cost(&cached).pico(), 101 * 2_000 + 100 * 200 + 8_000);
    }

    #[test]
    fn a_price_of_an_older_version_is_read() {
        let old = r#"{"input":1,"output":2,"cache_read":3,"cache_write":4}"#;
        let price: Price = serde_json::from_str(old).expect("a price");
        let expected =
            Price { cache_read: pico(3), cache_write: pico(4), ..Price::new(pico(1), pico(2)) };
        assert_eq!(price, expected);
        assert_eq!(serde_json::to_string(&price).expect("written"), old);
        let tier = price.base();
        let full = Price { reasoning: Some(pico(9)), above: vec![tier], ..price };
        let text = serde_json::to_string(&full).expect("written");
        assert_eq!(serde_json::from_str::<Price>(&text).expect("read"), full);
    }
}
