//! The one place that reads the clocks of the machine.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat, Utc};

/// Milliseconds since the Unix epoch, UTC.
#[expect(clippy::disallowed_methods, reason = "this module is the clock")]
pub fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A monotonic instant, for durations.
#[expect(clippy::disallowed_methods, reason = "this module is the clock")]
pub fn instant() -> Instant {
    Instant::now()
}

/// RFC 3339 text, in UTC and to the second, of milliseconds since the epoch.
pub fn rfc3339(epoch_ms: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(epoch_ms)
        .map_or_else(String::new, |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
}
