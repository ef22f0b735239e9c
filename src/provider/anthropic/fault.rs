//! From an error reply to a fault.

use std::time::Duration;

use chrono::DateTime;

use crate::{
    domain::fault::{Fault, FaultKind},
    provider::{Headers, HttpReply, classify},
};

/// The limits that are counted apart.
const LIMITS: [&str; 4] = ["requests", "tokens", "input-tokens", "output-tokens"];

/// Longest wait that is believed.
const MAX_WAIT_MS: i64 = 24 * 60 * 60 * 1_000;

/// The fault that `reply`, of an error status, is.
pub(in crate::provider) fn fault(reply: &HttpReply<'_>) -> Fault {
    let mut fault = classify::fault(reply);
    if fault.kind == FaultKind::RateLimited && fault.retry_after.is_none() {
        fault.retry_after = reset(reply.headers, reply.now_ms);
    }
    fault
}

/// Until the limits that are used up are full again; where none says so, until all of them are.
fn reset(headers: &dyn Headers, now_ms: i64) -> Option<Duration> {
    let wait = |name: &&str| {
        let field = |what: &str| headers.get(&format!("anthropic-ratelimit-{name}-{what}"));
        let until = DateTime::parse_from_rfc3339(field("reset")?.trim()).ok()?.timestamp_millis();
        let wait =
            Some(until.saturating_sub(now_ms)).filter(|ms| (1..=MAX_WAIT_MS).contains(ms))?;
        Some((field("remaining").map(str::trim) == Some("0"), wait))
    };
    let (_, wait) = LIMITS.iter().filter_map(wait).max()?;
    u64::try_from(wait).ok().map(Duration::from_millis)
}
