//! By how much servers' clocks are ahead of ours, where a wrong clock made them refuse a proof.
//!
//! Kept for each origin: what one server says of the time decides about no other.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use reqwest::Url;

use crate::base::clock;

/// A difference that no server refuses a proof for; with less, the time is not what is wrong.
const TOLERATED_MS: u64 = 30_000;

/// Whether a proof may be refused because the clocks differ by `skew_ms`.
pub(super) fn matters(skew_ms: i64) -> bool {
    skew_ms.unsigned_abs() > TOLERATED_MS
}

/// The corrections that were learned.
#[derive(Debug, Default)]
pub(super) struct Skews {
    by_origin: RwLock<HashMap<String, i64>>,
}

impl Skews {
    /// Milliseconds since the epoch by the clock of the server of `url`, as far as known.
    pub(super) fn now_ms(&self, url: &Url) -> i64 {
        let known = self.by_origin.read().unwrap_or_else(PoisonError::into_inner);
        if known.is_empty() {
            return clock::now_ms();
        }
        let skew = known.get(&url.origin().ascii_serialization());
        clock::now_ms().saturating_add(skew.copied().unwrap_or_default())
    }

    /// Notes that the clock of the server of `url` is ahead by `skew_ms`; `true` when a proof made
    /// by it differs from the one that was refused.
    pub(super) fn learn(&self, url: &Url, skew_ms: i64) -> bool {
        let mut known = self.by_origin.write().unwrap_or_else(PoisonError::into_inner);
        let skew = known.entry(url.origin().ascii_serialization()).or_default();
        let differs = matters(skew_ms.saturating_sub(*skew));
        if differs {
            *skew = skew_ms;
        }
        differs
    }
}

#[cfg(test)]
mod tests;
