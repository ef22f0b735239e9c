//! Rate limits in the headers of every family.

use super::*;

const NOW_MS: i64 = 1_700_000_000_000;

fn headers(lines: &[(&str, &str)]) -> Vec<(String, String)> {
    lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Whose, the lines of the headers, and what they say: limit, what remains, milliseconds.
const FAMILIES: &[(&str, &str, &str)] = &[
    (
        "OpenAI",
        "x-ratelimit-limit-requests: 5000
         x-ratelimit-remaining-requests: 4999
         x-ratelimit-reset-requests: 12ms
         x-ratelimit-limit-tokens: 160000
         x-ratelimit-remaining-tokens: 159976
         x-ratelimit-reset-tokens: 6m0s",
        "requests 5000 4999 12, tokens 160000 159976 360000",
    ),
    (
        "Azure, used up",
        "x-ratelimit-limit-tokens: 5000
         x-ratelimit-remaining-tokens: 0
         x-ratelimit-renewalperiod-tokens: 60
         x-ratelimit-reset-tokens: 0
         x-ratelimit-remaining-requests: 4
         x-ratelimit-renewalperiod-requests: 10
         x-ratelimit-reset-requests: 0",
        "requests - 4 0, tokens 5000 0 60000",
    ),
    (
        "Cerebras",
        "x-ratelimit-limit-requests-day: 14400
         x-ratelimit-remaining-requests-day: 14370
         x-ratelimit-reset-requests-day: 33011.382867
         x-ratelimit-limit-tokens-minute: 60000
         x-ratelimit-remaining-tokens-minute: 59000
         x-ratelimit-reset-tokens-minute: 11.38",
        "requests 14400 14370 33011382, tokens 60000 59000 11380",
    ),
    (
        "Mistral",
        "x-ratelimit-limit-req-minute: 60
         x-ratelimit-remaining-req-minute: 59
         x-ratelimit-limit-tokens-minute: 500000
         x-ratelimit-remaining-tokens-minute: 499900",
        "requests 60 59 -, tokens 500000 499900 -",
    ),
    (
        "Mistral by size",
        "ratelimitbysize-limit: 500000
         ratelimitbysize-remaining: 499900
         ratelimitbysize-reset: 28",
        "tokens 500000 499900 28000",
    ),
    (
        "Groq",
        "x-ratelimit-limit-requests: 14400
         x-ratelimit-remaining-requests: 14370
         x-ratelimit-reset-requests: 2m59.56s
         x-ratelimit-limit-tokens: 18000
         x-ratelimit-remaining-tokens: 17997
         x-ratelimit-reset-tokens: 7.66s",
        "requests 14400 14370 179560, tokens 18000 17997 7660",
    ),
    (
        "Together",
        "x-ratelimit-limit: 10
         x-ratelimit-remaining: 9
         x-ratelimit-reset: 1
         x-tokenlimit-limit: 3000
         x-tokenlimit-remaining: 2990",
        "requests 10 9 1000, tokens 3000 2990 -",
    ),
    (
        "Fireworks",
        "x-ratelimit-limit-requests: 600
         x-ratelimit-remaining-requests: 599
         x-ratelimit-limit-tokens-prompt: 60000
         x-ratelimit-remaining-tokens-prompt: 59000
         x-ratelimit-limit-tokens-generated: 6000
         x-ratelimit-remaining-tokens-generated: 5900",
        "requests 600 599 -, tokens 6000 5900 -",
    ),
    (
        "OpenRouter",
        "x-ratelimit-limit: 20
         x-ratelimit-remaining: 0
         x-ratelimit-reset: 1700000012000",
        "requests 20 0 12000",
    ),
    (
        "SambaNova",
        "x-ratelimit-limit-requests: 60
         x-ratelimit-remaining-requests: 59
         x-ratelimit-reset-requests: 1700000030
         x-ratelimit-limit-requests-day: 12000
         x-ratelimit-remaining-requests-day: 11",
        "requests 12000 11 -",
    ),
    (
        "Anthropic",
        "anthropic-ratelimit-requests-limit: 1000
         anthropic-ratelimit-requests-remaining: 999
         anthropic-ratelimit-requests-reset: 2023-11-14T22:13:21Z
         anthropic-ratelimit-input-tokens-limit: 80000
         anthropic-ratelimit-input-tokens-remaining: 1000
         anthropic-ratelimit-input-tokens-reset: 2023-11-14T22:14:20Z
         anthropic-ratelimit-output-tokens-limit: 16000
         anthropic-ratelimit-output-tokens-remaining: 16000
         anthropic-ratelimit-output-tokens-reset: 2023-11-14T22:13:20Z",
        "requests 1000 999 1000, tokens 80000 1000 60000",
    ),
    (
        "Cohere",
        "x-trial-endpoint-call-limit: 20
         x-trial-endpoint-call-remaining: 19",
        "requests 20 19 -",
    ),
    (
        "the draft of the IETF",
        "ratelimit-limit: 100, 100;w=60
         ratelimit-remaining: 50
         ratelimit-reset: 30",
        "requests 100 50 30000",
    ),
    (
        "LiteLLM",
        "llm_provider-x-ratelimit-limit-requests: 5
         llm_provider-x-ratelimit-remaining-requests: 4",
        "requests 5 4 -",
    ),
    (
        "nonsense",
        "x-ratelimit-limit-requests: -1
         x-ratelimit-remaining-tokens: 1e99
         x-ratelimit-reset: soon",
        "",
    ),
    ("nothing", "content-type: text/plain", ""),
];

fn shown(limits: RateLimits) -> String {
    let show = |name: &str, window: Option<Window>| {
        let text = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let Window { limit, remaining, reset } = window?;
        let reset = text(reset.map(|reset| reset.as_millis() as u64));
        Some(format!("{name} {} {} {reset}", text(limit), text(remaining)))
    };
    let windows = [show("requests", limits.requests), show("tokens", limits.tokens)];
    windows.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[test]
fn limits_of_every_family() {
    for (family, lines, expected) in FAMILIES {
        let lines = lines.lines().filter_map(|line| line.trim().split_once(": "));
        let headers = headers(&lines.collect::<Vec<_>>());
        let found = read(&headers.as_slice(), NOW_MS);
        assert_eq!(found.map(shown).unwrap_or_default(), *expected, "{family}");
    }
}

#[test]
fn resets_in_all_their_forms() {
    let ms = |text: &str| wait(text, NOW_MS).map(|wait| wait.as_millis());
    assert_eq!(ms("6m0s"), Some(360_000));
    assert_eq!(ms("1h2m3.5s"), Some(3_723_500));
    assert_eq!(ms("20ms"), Some(20));
    assert_eq!(ms("500µs"), Some(0));
    assert_eq!(ms("7.66"), Some(7_660));
    assert_eq!(ms("7.66s"), Some(7_660));
    assert_eq!(ms("5"), Some(5_000));
    assert_eq!(ms("0s"), Some(0));
    assert_eq!(ms("1700000010"), Some(10_000));
    assert_eq!(ms("1700000000250"), Some(250));
    assert_eq!(ms("2023-11-14T22:13:22Z"), Some(2_000));
    assert_eq!(ms("2023-11-14T23:13:22.5+01:00"), Some(2_500));
    for absurd in ["", "s", "-5", "1e400", "NaN", "inf", "6 m", "m6", "1.2.3s", "µ", "25h", "90000"]
    {
        assert_eq!(ms(absurd), None, "{absurd}");
    }
    assert_eq!(ms("1699999990"), None, "the past");
    assert_eq!(ms("2023-11-14T22:13:10Z"), None, "the past");
}

#[test]
fn a_limit_that_is_used_up_counts_for_longer_than_the_others() {
    let wait = |lines: &[(&str, &str)]| {
        reset(&headers(lines).as_slice(), NOW_MS).map(|wait| wait.as_millis())
    };
    let day = ("x-ratelimit-reset-requests", "5h0m0s");
    let minute = ("x-ratelimit-reset-tokens", "7.5s");
    assert_eq!(wait(&[day, minute, ("ratelimitbysize-reset", "4")]), Some(7_500));
    assert_eq!(wait(&[day, minute, ("x-ratelimit-remaining-requests", "0")]), Some(18_000_000));
    assert_eq!(wait(&[day, minute, ("x-ratelimit-remaining-tokens", "0")]), Some(7_500));
    assert_eq!(wait(&[day]), None);
    assert_eq!(wait(&[]), None);
}

#[test]
fn dates_are_read_by_the_server_s_clock_when_ours_is_wrong() {
    let wait = |date: &str| {
        let lines = [("date", date), ("x-ratelimit-reset", "1700003610")];
        reset(&headers(&lines).as_slice(), NOW_MS).map(|wait| wait.as_millis())
    };
    assert_eq!(wait("Tue, 14 Nov 2023 23:13:20 GMT"), Some(10_000));
    assert_eq!(wait("Tue, 14 Nov 2023 22:13:22 GMT"), None);
    assert_eq!(wait("yesterday"), None);
}

#[test]
fn dates_of_http() {
    let expected = Some(784_111_777_000);
    assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
    assert_eq!(http_date("Sunday, 06-Nov-94 08:49:37 GMT"), expected);
    assert_eq!(http_date("Sun Nov  6 08:49:37 1994"), expected);
    for wrong in ["", "soon", "06 Nov", "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 99 Nov 1994"] {
        assert_eq!(http_date(wrong), None, "{wrong}");
    }
}
