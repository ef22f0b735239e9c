//! What a run says about retries and limits.

use std::{fmt, sync::Arc, time::Duration};

/// When a failed request is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Further requests after rate limits.
    pub rate_limited: u32,
    /// Further requests after failures that may pass.
    pub transient: u32,
    /// Longest wait before the first of them, where the provider names none; it doubles each time.
    pub base: Duration,
    /// Longest wait of all those.
    pub cap: Duration,
    /// How long an account may be out before its calls are given up.
    pub max_outage: Duration,
    /// How long an account that only fails is left alone, for the first time; zero: never.
    pub breaker: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            rate_limited: 8,
            transient: 3,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(30),
            max_outage: Duration::from_mins(15),
            breaker: Duration::from_secs(30),
        }
    }
}

/// Hears what a person should know while calls wait, a sentence at a time.
#[derive(Clone)]
pub struct Notice(Arc<dyn Fn(&str) + Send + Sync>);

impl Notice {
    /// Sentences go to `hear`.
    pub fn new(hear: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }

    /// Says `text`.
    pub fn say(&self, text: &str) {
        (self.0)(text);
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notice").finish_non_exhaustive()
    }
}
