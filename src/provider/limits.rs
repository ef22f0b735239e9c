//! What headers say about rate limits, and how long those last.
//!
//! | provider | headers | until it is full again |
//! | --- | --- | --- |
//! | `OpenAI`, Groq, xAI and those that copy them | `x-ratelimit-*-requests`, `-tokens` | `6m0s`, `20ms`, `7.66s` |
//! | Azure | the same | seconds; the whole window in `-renewalperiod-` |
//! | Cerebras | `x-ratelimit-*-requests-day`, `-tokens-minute` | seconds |
//! | Mistral | `x-ratelimit-*-req-minute`, `-tokens-minute`, `ratelimitbysize-*` | seconds |
//! | Fireworks | `x-ratelimit-*-tokens-prompt`, `-tokens-generated` | not said |
//! | Together | `x-ratelimit-*` of requests, `x-tokenlimit-*` | seconds |
//! | `OpenRouter` | `x-ratelimit-*` | milliseconds since the epoch |
//! | `SambaNova` | `x-ratelimit-*-requests`, `-requests-day` | seconds since the epoch |
//! | Anthropic | `anthropic-ratelimit-requests-*`, `-tokens-*`, `-input-tokens-*` | RFC 3339 |
//! | Cohere | `x-trial-endpoint-call-*` | not said |
//!
//! `LiteLLM` repeats those of whoever is behind it, with `llm_provider-` before the name.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime};

use crate::{
    domain::limits::{RateLimits, Window},
    provider::Headers,
};

/// Names of headers on requests; the star is `limit`, `remaining` or `reset`.
const REQUESTS: &[&str] = &[
    "x-ratelimit-*-requests",
    "x-ratelimit-*-requests-minute",
    "x-ratelimit-*-req-minute",
    "x-ratelimit-*-requests-hour",
    "x-ratelimit-*-requests-day",
    "anthropic-ratelimit-requests-*",
    "x-trial-endpoint-call-*",
    "x-ratelimit-*",
    "ratelimit-*",
];

/// Those on tokens.
const TOKENS: &[&str] = &[
    "x-ratelimit-*-tokens",
    "x-ratelimit-*-tokens-minute",
    "x-ratelimit-*-tokens-per-minute",
    "x-ratelimit-*-tokens-hour",
    "x-ratelimit-*-tokens-day",
    "x-ratelimit-*-tokens-per-day",
    "x-ratelimit-*-tokens-prompt",
    "x-ratelimit-*-tokens-cache-adjusted-prompt",
    "x-ratelimit-*-tokens-generated",
    "anthropic-ratelimit-tokens-*",
    "anthropic-ratelimit-input-tokens-*",
    "anthropic-ratelimit-output-tokens-*",
    "ratelimitbysize-*",
    "x-ratelimitbysize-*",
    "x-ratelimitbysize-*-minute",
    "x-tokenlimit-*",
];

/// What `LiteLLM` puts before the headers of the provider behind it.
const BEHIND: &str = "llm_provider-";

/// Numbers from here on count from the epoch: seconds, and from a thousand times this milliseconds.
const EPOCH: f64 = 1e8;

/// Longest wait that is believed of a limit that has something left: that it is not what the reply
/// is about is more likely, and a limit by the day helps no one.
const MAX_WAIT: Duration = Duration::from_hours(1);

/// Longest wait that is believed of any.
const MAX_RESET: Duration = Duration::from_hours(24);

/// By how much the server's clock must differ before its dates are read by it. Dates have whole
/// seconds and take a while to arrive.
const SKEW_MS: i64 = 5_000;

/// What the headers of a reply say about rate limits; `None` when they say nothing.
pub(super) fn read(headers: &dyn Headers, now_ms: i64) -> Option<RateLimits> {
    let named = named(headers);
    if named.is_empty() {
        return None;
    }
    let now_ms = server_now(headers, now_ms);
    ["", BEHIND].into_iter().find_map(|prefix| {
        let requests = tightest(windows(&named, REQUESTS, prefix, now_ms));
        let tokens = tightest(windows(&named, TOKENS, prefix, now_ms));
        let limits = RateLimits { requests, tokens };
        (limits != RateLimits::default()).then_some(limits)
    })
}

/// The longest time until a limit is lifted: of those that are used up, else of all.
pub(super) fn reset(headers: &dyn Headers, now_ms: i64) -> Option<Duration> {
    let named = named(headers);
    let now_ms = server_now(headers, now_ms);
    ["", BEHIND].into_iter().find_map(|prefix| {
        let all = || {
            let names = [REQUESTS, TOKENS];
            names.into_iter().flat_map(|names| windows(&named, names, prefix, now_ms))
        };
        let wait = |window: Window| window.reset.filter(|wait| !wait.is_zero());
        let used_up = all().filter(|window| window.remaining == Some(0));
        let longest = used_up.filter_map(wait).max();
        longest.or_else(|| all().filter_map(wait).filter(|wait| *wait <= MAX_WAIT).max())
    })
}

/// Milliseconds since the epoch by the server's clock, where it says and ours is wrong.
pub(super) fn server_now(headers: &dyn Headers, now_ms: i64) -> i64 {
    skew(headers, now_ms).filter(|skew| skew.abs() > SKEW_MS).map_or(now_ms, |skew| now_ms + skew)
}

/// How many milliseconds the server's clock is ahead of ours.
pub(super) fn skew(headers: &dyn Headers, now_ms: i64) -> Option<i64> {
    http_date(headers.get("date")?)?.checked_sub(now_ms)
}

/// The instant that a date of HTTP says, in any of its three forms, in milliseconds.
pub(super) fn http_date(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(date) = DateTime::parse_from_rfc2822(text) {
        return Some(date.timestamp_millis());
    }
    let forms = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let date = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    Some(date.and_utc().timestamp_millis())
}

/// The headers that may say something, so that the many names are tried on few headers, and on none
/// in most replies.
fn named(headers: &dyn Headers) -> Vec<(&str, &str)> {
    let telling = |name: &str| {
        let has = |part: &[u8]| {
            name.as_bytes().windows(part.len()).any(|piece| piece.eq_ignore_ascii_case(part))
        };
        has(b"limit") || has(b"-call-")
    };
    let mut named = Vec::new();
    headers.each(&mut |name, value| {
        if telling(name) {
            named.push((name, value));
        }
    });
    named
}

fn windows<'a>(
    named: &'a [(&'a str, &'a str)],
    names: &'a [&'a str],
    prefix: &'a str,
    now_ms: i64,
) -> impl Iterator<Item = Window> + 'a {
    names.iter().filter_map(move |pattern| {
        let (before, after) = pattern.split_once('*')?;
        let get = |field: &str| {
            let parts = [prefix, before, field, after];
            named.iter().find(|(name, _)| is_made_of(name, parts)).map(|(_, value)| *value)
        };
        let wait = |field: &str| wait(get(field)?.trim(), now_ms);
        let (limit, remaining) = (get("limit").and_then(count), get("remaining").and_then(count));
        // Azure says 0 of a limit that is used up; then it lasts for a window.
        let used_up = remaining == Some(0);
        let reset = wait("reset").filter(|wait| !(used_up && wait.is_zero()));
        let reset = reset.or_else(|| wait("renewalperiod"));
        let window = Window { limit, remaining, reset };
        (window != Window::default()).then_some(window)
    })
}

/// Whether `name` is `parts`, one after the other, in whatever case.
fn is_made_of(name: &str, parts: [&str; 4]) -> bool {
    let mut rest = name.as_bytes();
    name.len() == parts.iter().map(|part| part.len()).sum::<usize>()
        && parts.iter().all(|part| {
            let (begin, end) = rest.split_at(part.len());
            rest = end;
            begin.eq_ignore_ascii_case(part.as_bytes())
        })
}

/// The window of which the least is left. Nothing is known of those that do not say.
fn tightest(windows: impl Iterator<Item = Window>) -> Option<Window> {
    windows.min_by_key(|window| window.remaining.or(window.limit).unwrap_or(u64::MAX))
}

/// A number, as far as a comma or a semicolon; some write it with a fraction.
fn count(text: &str) -> Option<u64> {
    let number = text.split([',', ';']).next()?.trim();
    let number: f64 = number.parse().ok()?;
    (0.0..1e18).contains(&number).then_some(number as u64)
}

/// The time until a limit is lifted, in any of the forms that headers have; never more than a day.
fn wait(text: &str, now_ms: i64) -> Option<Duration> {
    let now = now_ms as f64 / 1_000.0;
    let seconds = match text.parse::<f64>() {
        Ok(number) if number >= EPOCH * 1_000.0 => number / 1_000.0 - now,
        Ok(number) if number >= EPOCH => number - now,
        Ok(number) => number,
        Err(_) => match DateTime::parse_from_rfc3339(text) {
            Ok(until) => until.timestamp_millis() as f64 / 1_000.0 - now,
            Err(_) => duration(text)?,
        },
    };
    Duration::try_from_secs_f64(seconds).ok().filter(|wait| *wait <= MAX_RESET)
}

/// The sum of pairs of a number and a unit, in seconds.
fn duration(mut text: &str) -> Option<f64> {
    let mut sum = 0.0;
    if text.is_empty() {
        return None;
    }
    while !text.is_empty() {
        let unit = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, rest) = text.split_at(unit);
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (unit, rest) = rest.split_at(end);
        let seconds = match unit {
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * seconds;
        text = rest;
    }
    Some(sum)
}

#[cfg(test)]
mod tests;
