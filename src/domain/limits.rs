//! What accounts may be asked for: what a provider says beside every reply, and what people say.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The rate limits that a reply tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateLimits {
    /// Of requests.
    pub requests: Option<Window>,
    /// Of tokens.
    pub tokens: Option<Window>,
}

/// One limit, and what is left of it. Where a provider counts by the minute and by the day, this is
/// the one of which the least is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// How much a whole window allows.
    pub limit: Option<u64>,
    /// How much of it is left.
    pub remaining: Option<u64>,
    /// From the reply until it is full again.
    pub reset: Option<Duration>,
}

/// What an account may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpm: Option<u64>,
    /// Tokens a minute, of prompts and answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tpm: Option<u64>,
    /// Requests in flight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
}

impl Limits {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The name of a limit that would let nothing through.
    pub fn zero(&self) -> Option<&'static str> {
        let named = [
            ("rpm", self.rpm),
            ("tpm", self.tpm),
            ("concurrency", self.concurrency.map(u64::from)),
        ];
        named.into_iter().find(|(_, limit)| *limit == Some(0)).map(|(name, _)| name)
    }

    /// The limits that let something through.
    #[must_use]
    pub fn without_zeros(self) -> Self {
        Self {
            rpm: self.rpm.filter(|limit| *limit > 0),
            tpm: self.tpm.filter(|limit| *limit > 0),
            concurrency: self.concurrency.filter(|limit| *limit > 0),
        }
    }

    /// What this one says, and what `other` says of the rest.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            rpm: self.rpm.or(other.rpm),
            tpm: self.tpm.or(other.tpm),
            concurrency: self.concurrency.or(other.concurrency),
        }
    }

    /// The smaller one of each: models of one account share its limits.
    #[must_use]
    pub fn tightest(self, other: Self) -> Self {
        fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
            one.into_iter().chain(other).min()
        }
        Self {
            rpm: least(self.rpm, other.rpm),
            tpm: least(self.tpm, other.tpm),
            concurrency: least(self.concurrency, other.concurrency),
        }
    }
}
