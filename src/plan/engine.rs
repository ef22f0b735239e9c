//! How the calls of a run are made: how many at a time, and when they are made again.

use std::{sync::Arc, time::Duration};

use super::Inputs;
use crate::{
    base::quantity,
    client::RetryPolicy,
    config::{At, ConfigError, File, engine::ConcurrencyEntry},
    domain::{limits::Limits, target::Target},
};

/// Calls in flight of all accounts together, where each finds out its own.
const AUTO: u32 = 256;

/// The largest number of calls in flight that can be asked for.
const MAX_CONCURRENCY: u32 = 20_000;

/// Most further requests: nine are the most in all.
const MAX_RETRIES: u32 = 8;

/// Calls in flight at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Concurrency {
    /// Of the whole run.
    pub(super) calls: u32,
    /// Whether accounts find out how many of these are theirs.
    pub(super) auto: bool,
}

pub(super) fn concurrency(file: &File, inputs: Inputs<'_>) -> Result<Concurrency, ConfigError> {
    let auto = Concurrency { calls: AUTO, auto: true };
    let Some(entry) = &file.concurrency else { return Ok(auto) };
    let wrong = |message: String| {
        let origin = inputs.origin_of(entry.place, "--concurrency");
        Err(ConfigError::new(origin, entry.place, message))
    };
    match &entry.value {
        ConcurrencyEntry::Word(word) if word == "auto" => Ok(auto),
        ConcurrencyEntry::Word(word) => {
            wrong(format!("`concurrency` is `auto` or a whole number, not `{word}`"))
        }
        ConcurrencyEntry::Calls(calls @ 1..=MAX_CONCURRENCY) => {
            Ok(Concurrency { calls: *calls, auto: false })
        }
        ConcurrencyEntry::Calls(calls) => {
            wrong(format!("`concurrency` lies between 1 and {MAX_CONCURRENCY}, not {calls}"))
        }
    }
}

pub(super) fn retry(file: &File, inputs: Inputs<'_>) -> Result<RetryPolicy, ConfigError> {
    let (entry, default) = (&file.retry, RetryPolicy::default());
    let count = |name: &str, entry: &Option<At<u32>>, default: u32| match entry {
        None => Ok(default),
        Some(At { value, .. }) if *value <= MAX_RETRIES => Ok(*value),
        Some(At { value, place }) => {
            let message = format!("`{name}` lies between 0 and {MAX_RETRIES}, not {value}");
            Err(ConfigError::new(inputs.origin, *place, message)
                .hint("a call makes nine requests at most, the first one included"))
        }
    };
    let duration = |flag: &str, entry: &Option<At<String>>, default: Duration| {
        let Some(At { value, place }) = entry else { return Ok(default) };
        quantity::duration(value).ok_or_else(|| {
            let origin = inputs.origin_of(*place, flag);
            ConfigError::new(origin, *place, format!("`{value}` is no duration"))
                .hint("write it as `500ms`, `5s` or `2m`")
        })
    };
    Ok(RetryPolicy {
        rate_limited: count("rate_limited", &entry.rate_limited, default.rate_limited)?,
        transient: count("transient", &entry.transient, default.transient)?,
        base: duration("retry", &entry.base, default.base)?,
        cap: duration("retry", &entry.cap, default.cap)?,
        max_outage: duration("--max-outage", &entry.max_outage, default.max_outage)?,
        breaker: duration("retry", &entry.breaker, default.breaker)?,
    })
}

/// What accounts may be asked for: models of one account share the smallest of each limit. Those
/// that stand in for others count like any.
pub(super) fn limits<'a>(targets: impl Iterator<Item = &'a Arc<Target>>) -> Vec<(String, Limits)> {
    let mut found: Vec<(String, Limits)> = Vec::new();
    let asked = targets.flat_map(|target| target.with_stand_ins());
    for target in asked.filter(|target| !target.limits.is_empty()) {
        let account = target.account();
        match found.iter_mut().find(|(known, _)| *known == account) {
            Some((_, known)) => *known = known.tightest(target.limits),
            None => found.push((account, target.limits)),
        }
    }
    found
}
