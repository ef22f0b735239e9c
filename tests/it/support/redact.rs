//! One place for everything that varies from run to run.

use regex::Regex;

/// `text` with run ids, times, durations, rates, ports and temporary paths replaced by their names
/// in brackets. Runs of spaces that pad a replaced number stay as they are.
pub(crate) fn redact(text: &str) -> String {
    const RULES: [(&str, &str); 7] = [
        // 26 characters of Crockford base 32; the first is at most 7.
        (r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b", "[run]"),
        (r#"[^\s"'`=(]*/\.tmp[A-Za-z0-9]{6}"#, "[temp]"),
        (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?", "[time]"),
        (r"\b(127\.0\.0\.1|localhost|\[::1\]):\d+", "$1:[port]"),
        (r"\b\d+(\.\d+)?/s\b", "[rate]"),
        (r"\b(\d+h ?)?\d+m ?\d+(\.\d+)?s\b", "[duration]"),
        (r"\b\d+(\.\d+)? ?(ms|s|µs|us|ns|min)\b", "[duration]"),
    ];
    RULES.iter().fold(text.to_owned(), |text, (pattern, name)| {
        Regex::new(pattern).expect("a regex").replace_all(&text, *name).into_owned()
    })
}

#[test]
fn what_varies_is_replaced_and_nothing_else() {
    let check = |text: &str, expected: &str| assert_eq!(redact(text), expected, "of {text:?}");
    check("run 01JABCDEFGHJKMNPQRSTVWXYZ0 done", "run [run] done");
    check("in /tmp/.tmpAb12Cd/project/x.csv:3:1", "in [temp]/project/x.csv:3:1");
    check("2026-11-21T01:02:03Z and 2026-11-21 01:02", "[time] and [time]");
    check("http://127.0.0.1:38211/v1", "http://127.0.0.1:[port]/v1");
    check("took 1.5 s, p50 12.0ms, 1m 02s", "took [duration], p50 [duration], [duration]");
    check("1234.5/s", "[rate]");
    check("60 samples, 3 models, 95% 0.91", "60 samples, 3 models, 95% 0.91");
}
