//! Entries of a config that may be written short, as a text, or long, as a mapping.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{
        MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer, value::SeqAccessDeserializer,
    },
};
use serde_json::{Map, Value};

use super::{
    at::At,
    engine::LimitsEntry,
    file::ParamsEntry,
    route::{FallbackEntry, MemberEntry},
};
use crate::domain::{message::Role, target::Flavour};

/// The dataset: a location, and how its columns are read.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DatasetMap {
    /// A file, a glob, a directory, an `http(s)://` address, or `-` for standard input.
    pub path: Option<At<String>>,
    /// `csv`, `tsv`, `json`, `jsonl`, `parquet` or `arrow`. Default: by the name, else by the content.
    pub format: Option<At<String>>,
    /// The column that identifies a row. Default: `id` if there is one, else a hash of the row.
    pub id: Option<At<String>>,
    /// The column, or template, of what is asked. Default: `input` if there is one.
    pub input: Option<At<String>>,
    /// The column, columns or template of the accepted answers. Default: `expected` if there is one.
    pub expected: Option<At<ExpectedEntry>>,
    /// Columns that describe a row.
    pub metadata: Vec<At<String>>,
    /// The column that groups rows which are not independent.
    pub cluster: Option<At<String>>,
    /// The column of labels. Default: `tags` if there is one.
    pub tags: Option<At<String>>,
    /// Keeps the rows for which this Polars SQL expression is true.
    #[serde(rename = "where")]
    pub filter: Option<At<String>>,
    /// Keeps this many rows at most.
    pub limit: Option<At<u64>>,
    /// Shuffles the rows with this seed.
    pub shuffle: Option<At<u64>>,
    /// Keeps a random sample of this many rows.
    pub sample: Option<At<SampleEntry>>,
    /// Keeps the rows from a number up to, not including, another: `100..200`.
    pub range: Option<At<String>>,
}

impl DatasetMap {
    fn overridden_by(self, over: Self) -> Self {
        Self {
            path: over.path.or(self.path),
            format: over.format.or(self.format),
            id: over.id.or(self.id),
            input: over.input.or(self.input),
            expected: over.expected.or(self.expected),
            metadata: if over.metadata.is_empty() { self.metadata } else { over.metadata },
            cluster: over.cluster.or(self.cluster),
            tags: over.tags.or(self.tags),
            filter: over.filter.or(self.filter),
            limit: over.limit.or(self.limit),
            shuffle: over.shuffle.or(self.shuffle),
            sample: over.sample.or(self.sample),
            range: over.range.or(self.range),
        }
    }
}

/// The dataset entry.
#[derive(Debug, Clone, Default)]
pub struct DatasetEntry(pub DatasetMap);

impl DatasetEntry {
    /// This entry with what `over` says taking precedence.
    #[must_use]
    pub fn overridden_by(self, over: Self) -> Self {
        Self(self.0.overridden_by(over.0))
    }
}

/// A random sample.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleMap {
    /// Rows.
    pub count: u64,
    /// Seed; the same seed picks the same rows.
    #[serde(default)]
    pub seed: u64,
}

/// The sample entry: a count, or `{count, seed}`.
#[derive(Debug, Clone)]
pub struct SampleEntry(pub SampleMap);

/// Where the accepted answers stand.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectedMap {
    /// The column.
    pub column: Option<At<String>>,
    /// Several columns, each with one accepted answer.
    pub columns: Vec<At<String>>,
    /// A template over the row.
    pub template: Option<At<String>>,
    /// Steps that pick the answer out of the text.
    pub extract: Option<At<Value>>,
}

/// The expected entry: a column or template, a list of columns, or a mapping.
#[derive(Debug, Clone)]
pub enum ExpectedEntry {
    /// A column, or a template when it holds `{{`.
    Text(String),
    /// Several columns.
    Columns(Vec<At<String>>),
    /// The long form.
    Map(ExpectedMap),
}

/// Repeats.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EpochsMap {
    /// Repeats of each trial, from 1.
    pub count: At<u32>,
    /// How repeats fold into one value: `mean`, `median`, `mode`, `max`, `min`.
    pub reduce: Option<At<String>>,
}

/// The epochs entry: a count, or `{count, reduce}`.
#[derive(Debug, Clone)]
pub struct EpochsEntry(pub EpochsMap);

/// The response cache in the long form.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CacheMap {
    /// How old an answer may be to be used again: `12h`, `14d`. Default: `14d`.
    pub ttl: Option<At<String>>,
    /// How large its file may become, as `500MB` or `2GiB`; the oldest answers make room for new
    /// ones. Default: `1GiB`.
    pub max_size: Option<At<String>>,
}

/// The cache entry: `false`, `true`, or a mapping.
#[derive(Debug, Clone)]
pub enum CacheEntry {
    /// Whether it is used at all.
    Used(bool),
    /// That it is used, and how.
    Map(CacheMap),
}

impl CacheEntry {
    /// This entry with what `over` says taking precedence.
    #[must_use]
    pub fn overridden_by(self, over: Self) -> Self {
        match (self, over) {
            (Self::Map(map), Self::Used(true)) => Self::Map(map),
            (Self::Map(map), Self::Map(over)) => Self::Map(CacheMap {
                ttl: over.ttl.or(map.ttl),
                max_size: over.max_size.or(map.max_size),
            }),
            (_, over) => over,
        }
    }
}

/// A prompt in the long form: one of `text`, `user` (with `system`), `messages` and `file`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PromptMap {
    /// Its name in results. Default: the file's name, or `p1`, `p2`, …
    pub id: Option<At<String>>,
    /// The template of one user message.
    pub text: Option<At<String>>,
    /// The template of a system message.
    pub system: Option<At<String>>,
    /// The template of the user message after it.
    pub user: Option<At<String>>,
    /// A conversation.
    pub messages: Vec<At<MessageEntry>>,
    /// A file with the template, or with one of the forms above in YAML.
    pub file: Option<At<String>>,
}

/// The prompt entry: a template, or a mapping.
#[derive(Debug, Clone)]
pub struct PromptEntry(pub PromptMap);

/// A message of a conversation, or a loop over a list column.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MessageEntry {
    /// Who speaks.
    pub role: Option<At<Role>>,
    /// What is said: a template, or a list of parts.
    pub content: Option<At<ContentEntry>>,
    /// Repeats `messages` for each element of this list column.
    pub for_each: Option<At<String>>,
    /// The messages of the loop.
    pub messages: Vec<At<MessageEntry>>,
}

/// A message's content: a template, or parts.
#[derive(Debug, Clone)]
pub enum ContentEntry {
    /// One text.
    Text(String),
    /// Texts and images.
    Parts(Vec<At<PartEntry>>),
}

/// A part of a message: one of `text` and `image`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PartEntry {
    /// A template.
    pub text: Option<String>,
    /// A template of an `https://` address, a `data:` URL or a file's path.
    pub image: Option<String>,
}

/// Prices in US dollars. They stand instead of what the catalog says.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PriceEntry {
    /// How many tokens a price is for. Default: `million`.
    pub unit: Option<PriceUnit>,
    /// Prompt tokens.
    pub input: Option<f64>,
    /// Answer tokens.
    pub output: Option<f64>,
    /// Prompt tokens read from the provider's cache. Default: as `input`.
    pub cache_read: Option<f64>,
    /// Prompt tokens written to the provider's cache. Default: as `input`.
    pub cache_write: Option<f64>,
    /// Prompt tokens written to the provider's cache for an hour. Default: as `cache_write`.
    pub cache_write_1h: Option<f64>,
    /// Answer tokens spent on reasoning. Default: as `output`.
    pub reasoning: Option<f64>,
    /// A call, whatever its size, in US dollars. Default: nothing.
    pub request: Option<f64>,
    /// The prices of calls with longer prompts.
    pub above: Vec<TierEntry>,
}

/// How many tokens a price is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PriceUnit {
    /// A million.
    Million,
    /// One.
    Token,
}

/// The prices of all tokens of a call whose prompt is longer than a threshold.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TierEntry {
    /// They apply when the prompt has more tokens than this, cached ones included.
    pub tokens: u64,
    /// Prompt tokens.
    pub input: Option<f64>,
    /// Answer tokens.
    pub output: Option<f64>,
    /// Prompt tokens read from the provider's cache. Default: as below the threshold.
    pub cache_read: Option<f64>,
    /// Prompt tokens written to the provider's cache. Default: as below the threshold.
    pub cache_write: Option<f64>,
    /// Prompt tokens written to the provider's cache for an hour. Default: as below the threshold.
    pub cache_write_1h: Option<f64>,
    /// Answer tokens spent on reasoning. Default: as below the threshold.
    pub reasoning: Option<f64>,
}

/// What a model can take.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CapabilitiesEntry {
    /// Image parts in prompts.
    pub vision: Option<bool>,
    /// Answers that are JSON, by a mode or by a schema.
    pub json: Option<bool>,
    /// Answers that a JSON Schema describes. Default: as `json`.
    pub schema: Option<bool>,
    /// Functions that it may ask to call.
    pub tools: Option<bool>,
    /// Thinking that can be set.
    pub reasoning: Option<bool>,
    /// Temperature and the other sampling parameters.
    pub sampling: Option<bool>,
}

/// Limits on the time of one call, as `5s`, `500ms`, `2m`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TimeoutsEntry {
    /// Until a connection stands. Default: 5s.
    pub connect: Option<At<String>>,
    /// Until the first byte of the reply. Default: 300s.
    pub first_byte: Option<At<String>>,
    /// Between two pieces of the reply. Default: 60s.
    pub idle: Option<At<String>>,
    /// The whole call. Default: 600s.
    pub total: Option<At<String>>,
}

/// A model in the long form.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModelMap {
    /// Its name in results.
    pub id: Option<At<String>>,
    /// A reference such as `sim/good`, of which this mapping overrides parts.
    #[serde(rename = "use")]
    pub reference: Option<At<String>>,
    /// The wire format, such as `openai` or `openai-compatible`; or `sim`, `replay`.
    pub provider: Option<At<String>>,
    /// The model id sent upstream.
    pub model: Option<At<String>>,
    /// The URL that the provider's paths are appended to.
    pub base_url: Option<At<String>>,
    /// The credential, as `${NAME}` of an environment variable.
    pub api_key: Option<At<String>>,
    /// A registered credential, by its slug, instead of a key.
    pub credential: Option<At<String>>,
    /// Amazon Web Services: the id of the key, as text or `${NAME}`.
    pub access_key_id: Option<At<String>>,
    /// Amazon Web Services: the key, as `${NAME}`.
    pub secret_access_key: Option<At<String>>,
    /// Amazon Web Services: the token of a temporary key, as `${NAME}`.
    pub session_token: Option<At<String>>,
    /// Google Cloud: the service account, as `${NAME}` with its JSON or the path of its file.
    pub service_account: Option<At<String>>,
    /// Amazon Web Services: the region.
    pub region: Option<At<String>>,
    /// Google Cloud: the project.
    pub project: Option<At<String>>,
    /// Google Cloud: the location.
    pub location: Option<At<String>>,
    /// Azure: the resource.
    pub resource: Option<At<String>>,
    /// Azure: the deployment.
    pub deployment: Option<At<String>>,
    /// The version of the provider's interface.
    pub api_version: Option<At<String>>,
    /// Further headers; values may hold `${NAME}`.
    pub headers: BTreeMap<String, At<String>>,
    /// Which endpoint is called.
    pub flavour: Option<Flavour>,
    /// Whether answers are streamed. Default: yes.
    pub stream: Option<bool>,
    /// Lets a key travel in clear to a private address. Default: no.
    pub insecure_http: Option<bool>,
    /// Prices in US dollars for a million tokens. Default: as the catalog says.
    pub price: Option<At<PriceEntry>>,
    /// What the model can take. Default: as the catalog says.
    pub capabilities: CapabilitiesEntry,
    /// Sampling parameters of this model.
    pub params: ParamsEntry,
    /// Limits on the time of a call.
    pub timeouts: TimeoutsEntry,
    /// Who is asked when it gives no answer: further models in order, or `error` for nobody.
    pub fallback: Option<At<FallbackEntry>>,
    /// Models that share its calls, each trial always with the same one.
    pub pool: Vec<At<MemberEntry>>,
    /// What its account may be asked for.
    pub limits: Option<At<LimitsEntry>>,
    /// `sim`: chance of a right answer, 0 to 1.
    pub accuracy: Option<At<f64>>,
    /// `sim`: median latency, as `80ms`.
    pub latency: Option<At<String>>,
    /// `sim`: spread of the latency, the sigma of its logarithm.
    pub jitter: Option<At<f64>>,
    /// `sim`: chance that a call fails, 0 to 1.
    pub error_rate: Option<At<f64>>,
    /// `sim`: words of filler around an answer.
    pub verbosity: Option<At<u32>>,
    /// `sim`: tokens reported for a prompt.
    pub input_tokens: Option<u64>,
    /// `sim`: tokens reported for an answer.
    pub output_tokens: Option<u64>,
    /// `sim`: makes otherwise equal models answer differently.
    pub seed: Option<u64>,
    /// `replay`: the file with the answers. Default: the dataset row itself.
    pub path: Option<At<String>>,
    /// `replay`: the file's column that identifies the sample, by id or by input.
    pub key: Option<At<String>>,
    /// `replay`: the column, or dotted path, of the answer.
    pub output: Option<At<String>>,
}

/// The model entry: a reference, or a mapping.
#[derive(Debug, Clone)]
pub struct ModelEntry(pub ModelMap);

/// The key of what is written in place of a scorer's options, as in `python: judge.py:score`: the
/// first of them.
pub const SHORT: &str = "=";

/// The scorer entry: a name, or `{name: options}`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScorerEntry {
    /// Its name in the registry.
    pub name: String,
    /// Options as written, `id` and `extract` among them.
    pub options: Map<String, Value>,
}

/// Implements reading and the schema of an entry whose short form is a scalar.
macro_rules! short_or_long {
    ($entry:ty, $map:ty, $expecting:literal, $short:literal, { $($visit:item)* }) => {
        impl<'de> Deserialize<'de> for $entry {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Entry;
                impl<'de> Visitor<'de> for Entry {
                    type Value = $entry;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }

                    $($visit)*
                }
                from.deserialize_any(Entry)
            }
        }

        impl JsonSchema for $entry {
            fn schema_name() -> Cow<'static, str> {
                stringify!($entry).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let long = generator.subschema_for::<$map>();
                json_schema!({ "anyOf": [{ "type": $short }, long] })
            }
        }
    };
}

fn long<'de, T: Deserialize<'de>, A: MapAccess<'de>>(map: A) -> Result<T, A::Error> {
    T::deserialize(MapAccessDeserializer::new(map))
}

short_or_long!(DatasetEntry, DatasetMap, "a path or a mapping with `path`", "string", {
    fn visit_str<E: serde::de::Error>(self, path: &str) -> Result<DatasetEntry, E> {
        let path = Some(At::nowhere(path.to_owned()));
        Ok(DatasetEntry(DatasetMap { path, ..DatasetMap::default() }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<DatasetEntry, A::Error> {
        long(map).map(DatasetEntry)
    }
});

short_or_long!(SampleEntry, SampleMap, "a count or `{count, seed}`", "integer", {
    fn visit_u64<E: serde::de::Error>(self, count: u64) -> Result<SampleEntry, E> {
        Ok(SampleEntry(SampleMap { count, seed: 0 }))
    }

    fn visit_i64<E: serde::de::Error>(self, count: i64) -> Result<SampleEntry, E> {
        let count = u64::try_from(count).map_err(|_| E::custom("a count is not negative"))?;
        Ok(SampleEntry(SampleMap { count, seed: 0 }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SampleEntry, A::Error> {
        long(map).map(SampleEntry)
    }
});

short_or_long!(EpochsEntry, EpochsMap, "a count or `{count, reduce}`", "integer", {
    fn visit_u64<E: serde::de::Error>(self, count: u64) -> Result<EpochsEntry, E> {
        let count = u32::try_from(count).map_err(|_| E::custom("a count this large"))?;
        Ok(EpochsEntry(EpochsMap { count: At::nowhere(count), reduce: None }))
    }

    fn visit_i64<E: serde::de::Error>(self, count: i64) -> Result<EpochsEntry, E> {
        let count = u32::try_from(count).map_err(|_| E::custom("a count is not negative"))?;
        Ok(EpochsEntry(EpochsMap { count: At::nowhere(count), reduce: None }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<EpochsEntry, A::Error> {
        long(map).map(EpochsEntry)
    }
});

short_or_long!(
    CacheEntry,
    CacheMap,
    "`false`, `true` or a mapping with `ttl` and `max_size`",
    "boolean",
    {
        fn visit_bool<E: serde::de::Error>(self, used: bool) -> Result<CacheEntry, E> {
            Ok(CacheEntry::Used(used))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CacheEntry, A::Error> {
            long(map).map(CacheEntry::Map)
        }
    }
);

short_or_long!(PromptEntry, PromptMap, "a template or a mapping", "string", {
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<PromptEntry, E> {
        let text = Some(At::nowhere(text.to_owned()));
        Ok(PromptEntry(PromptMap { text, ..PromptMap::default() }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PromptEntry, A::Error> {
        long(map).map(PromptEntry)
    }
});

short_or_long!(ModelEntry, ModelMap, "a model reference or a mapping", "string", {
    fn visit_str<E: serde::de::Error>(self, reference: &str) -> Result<ModelEntry, E> {
        let reference = Some(At::nowhere(reference.to_owned()));
        Ok(ModelEntry(ModelMap { reference, ..ModelMap::default() }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ModelEntry, A::Error> {
        long(map).map(ModelEntry)
    }
});

short_or_long!(ContentEntry, PartEntry, "a template or a list of parts", "string", {
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ContentEntry, E> {
        Ok(ContentEntry::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<ContentEntry, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(parts)).map(ContentEntry::Parts)
    }
});

short_or_long!(ExpectedEntry, ExpectedMap, "a column, a list of columns or a mapping", "string", {
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ExpectedEntry, E> {
        Ok(ExpectedEntry::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, columns: A) -> Result<ExpectedEntry, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(columns)).map(ExpectedEntry::Columns)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ExpectedEntry, A::Error> {
        long(map).map(ExpectedEntry::Map)
    }
});

short_or_long!(ScorerEntry, Map<String, Value>, "a scorer's name or `{name: options}`", "string", {
    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<ScorerEntry, E> {
        Ok(ScorerEntry { name: name.to_owned(), options: Map::new() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ScorerEntry, A::Error> {
        use serde::de::Error as _;
        let one = || A::Error::custom("a scorer is written `name` or `name: {options}`");
        let (name, options) = map.next_entry::<String, Value>()?.ok_or_else(one)?;
        if map.next_key::<String>()?.is_some() {
            return Err(one());
        }
        let options = match options {
            Value::Null => Map::new(),
            Value::Object(options) => options,
            short => Map::from_iter([(SHORT.to_owned(), short)]),
        };
        Ok(ScorerEntry { name, options })
    }
});
