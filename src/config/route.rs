//! Who answers in place of a model: fallbacks, pools, and the names for them.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{
        MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer, value::SeqAccessDeserializer,
    },
};

use super::{
    at::At,
    entry::{ModelEntry, ModelMap},
};

/// What happens when a model gives no answer: the word `error`, or further models, asked in order.
#[derive(Debug, Clone)]
pub enum FallbackEntry {
    /// The trial ends in the error.
    Error,
    /// They are asked in order.
    Models(Vec<At<ModelEntry>>),
}

/// A model of a pool.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberEntry {
    /// The model.
    pub model: At<ModelEntry>,
    /// Its share of the calls, against those of the others. Default: 1.
    #[serde(default = "one")]
    pub weight: u32,
}

const fn one() -> u32 {
    1
}

/// What an alias stands for: models asked in order, or a model in the long form.
#[derive(Debug, Clone)]
pub enum AliasEntry {
    /// The first one, with the others as its fallback.
    Ordered(Vec<At<ModelEntry>>),
    /// A model, such as one with a `pool`.
    Model(Box<ModelMap>),
}

impl<'de> Deserialize<'de> for FallbackEntry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Entry;
        impl<'de> Visitor<'de> for Entry {
            type Value = FallbackEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`error` or a list of models")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<FallbackEntry, E> {
                match text {
                    "error" => Ok(FallbackEntry::Error),
                    _ => Err(E::custom("`fallback` is `error` or a list of models")),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, models: A) -> Result<FallbackEntry, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(models)).map(FallbackEntry::Models)
            }
        }
        from.deserialize_any(Entry)
    }
}

impl JsonSchema for FallbackEntry {
    fn schema_name() -> Cow<'static, str> {
        "FallbackEntry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let models = generator.subschema_for::<Vec<ModelEntry>>();
        json_schema!({ "anyOf": [{ "const": "error" }, models] })
    }
}

impl<'de> Deserialize<'de> for AliasEntry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Entry;
        impl<'de> Visitor<'de> for Entry {
            type Value = AliasEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of models or a mapping")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, models: A) -> Result<AliasEntry, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(models)).map(AliasEntry::Ordered)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AliasEntry, A::Error> {
                ModelMap::deserialize(MapAccessDeserializer::new(map))
                    .map(|map| AliasEntry::Model(Box::new(map)))
            }
        }
        from.deserialize_any(Entry)
    }
}

impl JsonSchema for AliasEntry {
    fn schema_name() -> Cow<'static, str> {
        "AliasEntry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let models = generator.subschema_for::<Vec<ModelEntry>>();
        let model = generator.subschema_for::<ModelMap>();
        json_schema!({ "anyOf": [models, model] })
    }
}
