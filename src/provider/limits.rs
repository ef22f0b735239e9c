//! How long a rate limit lasts, from headers beside `retry-after`.
//!
//! `OpenAI` and Groq write durations (`6m0s`, `20ms`), Mistral seconds, and `OpenRouter`
//! milliseconds since the epoch. Anthropic says more, and is read by its own file.

use std::time::Duration;

use chrono::DateTime;

use crate::provider::Headers;

const RESETS: &[&str] = &[
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
    "x-ratelimit-reset",
    "ratelimitbysize-reset",
    "x-ratelimitbysize-reset",
];

/// Numbers from here on count from the epoch: seconds, and from a thousand times this milliseconds.
const EPOCH: f64 = 1e8;

/// Longest wait that is believed: limits by the day say when the day is over, and that helps no one.
const MAX_WAIT: Duration = Duration::from_hours(1);

/// The longest time until a limit is lifted.
pub(super) fn reset(headers: &dyn Headers, now_ms: i64) -> Option<Duration> {
    let waits = RESETS.iter().filter_map(|name| wait(headers.get(name)?.trim(), now_ms));
    waits.filter(|wait| *wait <= MAX_WAIT).max()
}

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
    Duration::try_from_secs_f64(seconds).ok().filter(|wait| !wait.is_zero())
}

/// The sum of pairs of a number and a unit, in seconds.
fn duration(mut text: &str) -> Option<f64> {
    let mut sum = 0.0;
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
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_700_000_000_000;

    #[test]
    fn resets_in_all_their_forms() {
        let ms = |text: &str| wait(text, NOW_MS).map(|wait| wait.as_millis());
        assert_eq!(ms("6m0s"), Some(360_000));
        assert_eq!(ms("1h2m3.5s"), Some(3_723_500));
        assert_eq!(ms("20ms"), Some(20));
        assert_eq!(ms("7.66"), Some(7_660));
        assert_eq!(ms("1700000010"), Some(10_000));
        assert_eq!(ms("1700000000250"), Some(250));
        assert_eq!(ms("2023-11-14T22:13:22Z"), Some(2_000));
        for absurd in ["", "s", "5", "-5", "1e400", "NaN", "6 m", "m6", "1.2.3s", "0s", "µ"] {
            assert_eq!(ms(absurd).filter(|_| absurd != "5"), None, "{absurd}");
        }
    }

    #[test]
    fn the_longest_counts_unless_it_is_absurd() {
        let headers: Vec<(String, String)> = [
            ("x-ratelimit-reset-requests", "24h0m0s"),
            ("x-ratelimit-reset-tokens", "7.5s"),
            ("ratelimitbysize-reset", "4"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let found = reset(&headers.as_slice(), NOW_MS);
        assert_eq!(found, Some(Duration::from_millis(7_500)));
        let none: &[(String, String)] = &[];
        assert_eq!(reset(&none, NOW_MS), None);
    }
}
