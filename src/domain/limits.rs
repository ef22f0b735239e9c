//! What a provider says about its rate limits, beside every reply.

use std::time::Duration;

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
