//! How calls are made: how many at a time, in which order, and when they are made again.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Visitor};

use super::at::At;

/// Calls in flight: a count for the whole run, or found out for each account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConcurrencyEntry {
    /// So many at most.
    Calls(u32),
    /// A word; the only one that means something is `auto`.
    Word(String),
}

impl<'de> Deserialize<'de> for ConcurrencyEntry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Entry;
        impl Visitor<'_> for Entry {
            type Value = ConcurrencyEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`auto` or a whole number from 1")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ConcurrencyEntry, E> {
                Ok(ConcurrencyEntry::Word(text.to_owned()))
            }

            fn visit_u64<E: serde::de::Error>(self, calls: u64) -> Result<ConcurrencyEntry, E> {
                Ok(ConcurrencyEntry::Calls(u32::try_from(calls).unwrap_or(u32::MAX)))
            }

            fn visit_i64<E: serde::de::Error>(self, calls: i64) -> Result<ConcurrencyEntry, E> {
                // Nothing negative is in the range that is checked later.
                self.visit_u64(u64::try_from(calls).unwrap_or_default())
            }
        }
        from.deserialize_any(Entry)
    }
}

impl JsonSchema for ConcurrencyEntry {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ConcurrencyEntry".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "const": "auto" }, { "type": "integer", "minimum": 1 }] })
    }
}

/// In which order models are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// All models at once; those of one account take turns.
    SideBySide,
    /// One model after the other, so that a machine holds one of its own models at a time.
    ByModel,
}

/// What the account of a model may be asked for. Models of one account share the smallest of each.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsEntry {
    /// Requests a minute.
    pub rpm: Option<At<u64>>,
    /// Tokens a minute, of prompts and answers.
    pub tpm: Option<At<u64>>,
    /// Requests in flight, of all runs on this machine.
    pub concurrency: Option<At<u32>>,
}

/// When a failed request is made again.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetryEntry {
    /// Further requests after rate limits, 0 to 8. Default: 8.
    pub rate_limited: Option<At<u32>>,
    /// Further requests after failures that may pass, 0 to 8. Default: 3.
    pub transient: Option<At<u32>>,
    /// Longest wait before the first of them, doubled each time. Default: 500ms.
    pub base: Option<At<String>>,
    /// Longest wait of all, where the provider names none. Default: 30s.
    pub cap: Option<At<String>>,
    /// How long an account may be out before its trials fail. Default: 15m.
    pub max_outage: Option<At<String>>,
    /// How long an account that only fails is left alone, for the first time; 0s: never. Default: 30s.
    pub breaker: Option<At<String>>,
}

impl RetryEntry {
    /// This entry with what `over` says taking precedence.
    #[must_use]
    pub fn overridden_by(self, over: Self) -> Self {
        Self {
            rate_limited: over.rate_limited.or(self.rate_limited),
            transient: over.transient.or(self.transient),
            base: over.base.or(self.base),
            cap: over.cap.or(self.cap),
            max_outage: over.max_outage.or(self.max_outage),
            breaker: over.breaker.or(self.breaker),
        }
    }
}
