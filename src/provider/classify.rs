//! From an error reply to a fault: the shapes of error bodies, the words that decide, the wait asked for.
//!
//! Statuses alone mislead: a 400 can be a rate limit, a 429 an empty account, a 200 an error.
//! So the provider's code, type and text are read first, then the status.

use std::time::Duration;

use serde_json::Value;

use crate::{
    base::text,
    domain::fault::{Fault, FaultKind},
    provider::{Headers, HttpReply, limits},
};

/// Most bytes of the provider's own words that are kept.
const MAX_MESSAGE: usize = 2 << 10;

/// Longest wait that is believed.
const MAX_WAIT: Duration = Duration::from_hours(24);

/// What an error body says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ErrorBody {
    message: String,
    /// `code`, `type` and their kin, in lower case.
    words: Vec<String>,
    /// The field of the request that it is about.
    param: Option<String>,
    /// What `OpenRouter` passes on from the provider behind it.
    behind: Option<String>,
    /// Headers of the provider behind it, which `OpenRouter` puts into the body.
    headers: Vec<(String, String)>,
}

/// The fault that `reply`, of an error status, is.
pub(super) fn fault(reply: &HttpReply<'_>) -> Fault {
    let found = serde_json::from_slice(reply.body).ok().and_then(|body| error_in(&body));
    let error = found.unwrap_or_else(|| ErrorBody {
        message: describe(reply.status, reply.body),
        ..ErrorBody::default()
    });
    let behind = error.headers.as_slice();
    let asked =
        retry_after(reply.headers, reply.now_ms).or_else(|| retry_after(&behind, reply.now_ms));
    let mut fault = Fault::new(kind(reply.status, &error, asked.is_some()), error.shown());
    fault.status = Some(reply.status);
    let limited = fault.kind == FaultKind::RateLimited;
    let reset = || {
        let own = limits::reset(reply.headers, reply.now_ms);
        own.or_else(|| limits::reset(&behind, reply.now_ms)).filter(|_| limited)
    };
    fault.retry_after = asked.or_else(reset);
    fault
}

/// The fault that `error`, found inside a reply of status 2xx, is.
pub(super) fn inner_fault(error: &ErrorBody, status: u16) -> Fault {
    let inner = error.words.iter().find_map(|word| word.parse().ok());
    let inner = inner.filter(|code| (400..600).contains(code));
    let mut fault = Fault::new(kind(inner.unwrap_or(status), error, false), error.shown());
    fault.status = Some(status);
    fault
}

/// A reply of status 2xx that is neither an answer nor a known error.
pub(super) fn protocol(reply: &HttpReply<'_>, what: &str) -> Fault {
    let shown = describe(reply.status, reply.body);
    let mut fault = Fault::new(FaultKind::Protocol, format!("{what}: {shown}"));
    fault.status = Some(reply.status);
    fault
}

/// The error in a JSON body, in whichever of the known shapes; `None` when there is none.
pub(super) fn error_in(body: &Value) -> Option<ErrorBody> {
    let body = body.as_array().map_or(Some(body), |items| items.first())?;
    let mut error = ErrorBody::default();
    match (&body["error"], &body["detail"], &body["message"]) {
        (Value::Object(_), ..) => error.read(&body["error"]),
        (Value::String(message), ..) => {
            error.message.clone_from(message);
            error.read_words(body);
        }
        (_, detail @ (Value::String(_) | Value::Object(_)), _) => error.read(detail),
        (_, Value::Array(problems), _) => error.message = validation(problems),
        (.., Value::String(_)) => error.read(body),
        _ => error = base_resp(&body["base_resp"])?,
    }
    Some(error)
}

impl ErrorBody {
    fn read(&mut self, error: &Value) {
        self.message = match (error, &error["message"]) {
            (Value::String(text), _) | (_, Value::String(text)) => text.clone(),
            _ => error.to_string(),
        };
        self.param = error["param"].as_str().map(str::to_owned);
        self.read_words(error);
        self.read_metadata(&error["metadata"]);
    }

    /// Who is behind the gateway, what it said, and the headers it said it with.
    fn read_metadata(&mut self, metadata: &Value) {
        let raw = match &metadata["raw"] {
            Value::String(raw) => {
                let inner = serde_json::from_str(raw).ok().and_then(|body| error_in(&body));
                inner.map_or_else(|| raw.clone(), |inner| inner.message)
            }
            Value::Null => String::new(),
            other => error_in(other).map_or_else(|| other.to_string(), |inner| inner.message),
        };
        let raw = Some(raw.trim()).filter(|raw| !raw.is_empty() && !self.message.contains(*raw));
        let raw = raw.map(|raw| text::one_line(raw, 500));
        let who = metadata["provider_name"].as_str().map(|who| text::one_line(who, 80));
        self.behind = match (who, raw) {
            (Some(who), Some(raw)) => Some(format!("{who}: {raw}")),
            (who, raw) => who.or(raw),
        };
        for (name, value) in metadata["headers"].as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.headers.push((name.clone(), value));
        }
    }

    fn read_words(&mut self, error: &Value) {
        let metadata = &error["metadata"]["error_type"];
        let (inner, details) = (&error["innererror"]["code"], &error["details"]["error_code"]);
        let words = [&error["code"], &error["type"], metadata, &error["status"], inner, details];
        for word in words {
            match word {
                Value::String(word) if !word.is_empty() => self.words.push(word.to_lowercase()),
                Value::Number(word) => self.words.push(word.to_string()),
                _ => {}
            }
        }
    }

    /// The message with the code that it does not mention.
    fn shown(&self) -> String {
        let code = self.words.iter().find(|word| word.parse::<f64>().is_err());
        let message = text::visible(text::prefix(self.message.trim(), MAX_MESSAGE)).into_owned();
        let mut shown = match code.filter(|code| !message.contains(code.as_str())) {
            Some(code) if message.is_empty() => text::prefix(code, MAX_MESSAGE).to_owned(),
            Some(code) => format!("{message} ({})", text::one_line(code, 80)),
            None if message.is_empty() => "the provider gave no message".to_owned(),
            None => message,
        };
        if let Some(behind) = &self.behind {
            shown = format!("{shown} [{behind}]");
        }
        match self.unsupported() {
            Some(param) => {
                format!("{shown}; leave it out with `params: {{omit: [{param}]}}` on the model")
            }
            None => shown,
        }
    }

    /// The parameter that the model does not take, by the name that configs have for it.
    fn unsupported(&self) -> Option<String> {
        if !self.has(&["unsupported_parameter", "unsupported_value"]) {
            return None;
        }
        let quoted = || self.message.split(['\'', '`', '"']).nth(1);
        let field = self.param.as_deref().filter(|param| !param.is_empty()).or_else(quoted)?;
        let field = field.split(['.', '[']).next()?;
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if field.is_empty() || field.len() > 40 || !field.chars().all(word) {
            return None;
        }
        Some(
            match field {
                "reasoning_effort" => "reasoning",
                "top_logprobs" => "logprobs",
                "text" => "response_format",
                "max_output_tokens" => "max_tokens",
                field => field,
            }
            .to_owned(),
        )
    }

    fn has(&self, words: &[&str]) -> bool {
        self.words.iter().any(|word| words.contains(&word.as_str()))
    }
}

/// The validation errors of `FastAPI`: `body.messages: field required`.
fn validation(problems: &[Value]) -> String {
    let shown = problems.iter().map(|problem| {
        let place = problem["loc"].as_array().map_or_else(String::new, |steps| {
            let steps: Vec<String> = steps
                .iter()
                .map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned))
                .collect();
            format!("{}: ", steps.join("."))
        });
        match problem["msg"].as_str() {
            Some(message) => format!("{place}{message}"),
            None => problem.to_string(),
        }
    });
    shown.collect::<Vec<_>>().join("; ")
}

/// `MiniMax` answers 200 with a code of its own; 0 is success.
fn base_resp(status: &Value) -> Option<ErrorBody> {
    let code = status["status_code"].as_i64().filter(|code| *code != 0)?;
    let word = match code {
        1001 => "timeout",
        1002 => "rate_limit_exceeded",
        1004 => "authentication_error",
        1008 => "insufficient_balance",
        1000 | 1013 | 1024 => "server_error",
        1026 | 1027 => "content_filter",
        1039 => "context_length_exceeded",
        2013 => "invalid_request_error",
        _ => "unknown_status",
    };
    let message = status["status_msg"].as_str().unwrap_or_default();
    let message = format!("{message} (status {code})");
    Some(ErrorBody { message, words: vec![word.to_owned()], ..ErrorBody::default() })
}

/// A body that is no known error, in a few words.
fn describe(status: u16, body: &[u8]) -> String {
    let shown = String::from_utf8_lossy(&body[..body.len().min(MAX_MESSAGE)]);
    let shown = shown.trim();
    let head = text::prefix(shown, 100).to_lowercase();
    if shown.is_empty() {
        return format!("HTTP {status} without a body");
    }
    if head.starts_with("<!doctype html") || head.starts_with("<html") {
        let title = shown.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
        let title = title.map_or_else(String::new, |(title, _)| {
            format!(" titled `{}`", text::one_line(title.trim(), 200))
        });
        return format!("HTTP {status} with an HTML page{title}");
    }
    format!("HTTP {status}: {}", text::visible(text::prefix(shown, 500)))
}

const QUOTA: &[&str] = &[
    "insufficient_quota",
    "billing_error",
    "billing_hard_limit_reached",
    "billing_not_active",
    "payment_required",
    "insufficient_balance",
    "insufficient_credits",
    "exceeded_current_quota_error",
    "enforced_spend_limit_reached",
    "contract_spend_limit_reached",
];
const QUOTA_TEXT: &[&str] = &[
    "insufficient balance",
    "insufficient credits",
    "credit balance is too low",
    "billing hard limit",
    "spending limit",
    "spend limit",
    "specified api usage limits",
];
const CONTEXT: &[&str] = &[
    "context_length_exceeded",
    "max_tokens_exceeded",
    "token_limit_exceeded",
    "string_too_long",
    "string_above_max_length",
];
const CONTEXT_TEXT: &[&str] = &[
    "maximum context length",
    "maximum context limit",
    "model's context length",
    "exceed context limit",
    "exceed the configured limit",
    "available context size",
    "maximum number of tokens allowed",
    "maximum input length is",
    "prompt is too long",
    "input is too long",
    "too many tokens",
    "too many input tokens",
    "`inputs` tokens + `max_new_tokens` must be",
    "reduce the length",
    "please reduce",
    "input too large",
    // LiteLLM puts the class of its error into the text, and only there.
    "contextwindowexceedederror",
];
const FILTERED: &[&str] = &[
    "content_policy_violation",
    "content_filter",
    "contentfilter",
    "invalid_prompt",
    "cyber_policy",
    "responsibleaipolicyviolation",
    "refusal",
];
const FILTERED_TEXT: &[&str] = &[
    "content management policy",
    "content policy",
    "contentpolicyviolationerror",
    "safety system",
];
const AUTH: &[&str] = &[
    "invalid_api_key",
    "authentication_error",
    "authentication",
    "auth_error",
    "permission_denied",
    "permission_error",
];
const AUTH_TEXT: &[&str] = &["incorrect api key", "invalid api key", "api key not valid"];
const RATE: &[&str] = &[
    "rate_limit_exceeded",
    "rate_limit_error",
    "rate_limited",
    "too_many_requests",
    "provider_overloaded",
    "overloaded_error",
    "resource_exhausted",
];
const RATE_TEXT: &[&str] = &["rate limit", "too many requests"];
const SERVER: &[&str] = &[
    "server_error",
    "internal_server_error",
    "internalservererror",
    "internal_error",
    "api_error",
    "server",
    "timeout",
    "provider_unavailable",
    "service_unavailable",
    "unavailable",
];
const REQUEST: &[&str] = &[
    "invalid_request_error",
    "invalid_request",
    "badrequesterror",
    "model_not_found",
    "not_found",
    "not_found_error",
    "unsupported_parameter",
    "unsupported_value",
    "unprocessable",
    "payload_too_large",
];

fn kind(status: u16, error: &ErrorBody, asked_to_wait: bool) -> FaultKind {
    let message = error.message.to_lowercase();
    let says = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    // Google says "exceeded your current quota" of limits by the minute, too, but then "retry in".
    let no_credit =
        says(QUOTA_TEXT) || (says(&["exceeded your current quota"]) && !says(&["retry in"]));
    if status == 402 || error.has(QUOTA) || (no_credit && status != 401) {
        return FaultKind::Quota;
    }
    if error.has(CONTEXT) || (status != 429 && says(CONTEXT_TEXT)) {
        return FaultKind::ContextLength;
    }
    let blocked = error.has(&["invalid_request_error"]) && says(&["blocked"]);
    if error.has(FILTERED) || (status < 429 && (blocked || says(FILTERED_TEXT))) {
        return FaultKind::ContentFilter;
    }
    match status {
        401 | 403 => FaultKind::Auth,
        408 | 409 | 424 | 425 => FaultKind::Transient,
        // Larger than the limit by the minute: no wait makes it smaller.
        413 => FaultKind::BadRequest,
        429 | 498 | 529 => FaultKind::RateLimited,
        503 if asked_to_wait => FaultKind::RateLimited,
        500.. => FaultKind::Transient,
        _ if error.has(AUTH) || says(AUTH_TEXT) => FaultKind::Auth,
        _ if error.has(RATE) || says(RATE_TEXT) => FaultKind::RateLimited,
        400.. => FaultKind::BadRequest,
        _ if error.has(SERVER) => FaultKind::Transient,
        _ if error.has(REQUEST) => FaultKind::BadRequest,
        _ => FaultKind::Protocol,
    }
}

/// How long the reply asks to wait: `retry-after-ms`, else `retry-after` in seconds or as a date.
/// A wait that is negative, past, or longer than a day reads as absent.
pub(super) fn retry_after(headers: &dyn Headers, now_ms: i64) -> Option<Duration> {
    let asked = headers.get("retry-after").map(str::trim);
    let date = || {
        let until = limits::http_date(asked?)?;
        let wait = until.saturating_sub(limits::server_now(headers, now_ms));
        (wait > 0).then_some(wait as f64 / 1_000.0)
    };
    let milliseconds = headers.get("retry-after-ms").and_then(number).map(|ms| ms / 1_000.0);
    let waits = [milliseconds, asked.and_then(number).or_else(date)];
    let waits = waits.into_iter().flatten();
    let mut waits = waits.filter_map(|seconds| Duration::try_from_secs_f64(seconds).ok());
    waits.find(|wait| *wait <= MAX_WAIT)
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> (FaultKind, String) {
        let headers: &[(String, String)] = &[];
        let reply = HttpReply { status, headers: &headers, body: body.as_bytes(), now_ms: 0 };
        let fault = fault(&reply);
        assert_eq!(fault.status, Some(status));
        (fault.kind, fault.message)
    }

    #[test]
    fn error_bodies_of_many_servers() {
        use FaultKind as K;
        let cases: &[(u16, &str, K, &str)] = &[
            (
                401,
                r#"{"error":{"message":"Bad key","type":"invalid_request_error","code":"invalid_api_key"}}"#,
                K::Auth,
                "Bad key (invalid_api_key)",
            ),
            (401, r#"{"detail":"Invalid API key"}"#, K::Auth, "Invalid API key"),
            (403, r#"{"message":"Forbidden"}"#, K::Auth, "Forbidden"),
            (
                400,
                r#"{"error":{"message":"This model's maximum context length is 8192 tokens","code":"400"}}"#,
                K::ContextLength,
                "This model's maximum context length is 8192 tokens",
            ),
            (
                400,
                r#"{"error":{"message":"litellm.ContextWindowExceededError: x","code":"400"}}"#,
                K::ContextLength,
                "litellm.ContextWindowExceededError: x",
            ),
            (
                400,
                r#"{"error":{"message":"x","code":"content_policy_violation"}}"#,
                K::ContentFilter,
                "x (content_policy_violation)",
            ),
            (400, r#"{"error":"Rate limit reached"}"#, K::RateLimited, "Rate limit reached"),
            (
                400,
                r#"{"error":{"message":"nope","code":"no_db_connection"}}"#,
                K::BadRequest,
                "nope (no_db_connection)",
            ),
            (402, "", K::Quota, "HTTP 402 without a body"),
            (
                404,
                r#"{"error":"model \"x\" not found, try pulling it first"}"#,
                K::BadRequest,
                "model \"x\" not found, try pulling it first",
            ),
            (
                422,
                r#"{"detail":[{"loc":["body","messages",0],"msg":"field required","type":"missing"}]}"#,
                K::BadRequest,
                "body.messages.0: field required",
            ),
            (
                429,
                r#"{"error":{"message":"Slow down","type":"tokens","code":"rate_limit_exceeded"}}"#,
                K::RateLimited,
                "Slow down (rate_limit_exceeded)",
            ),
            (
                429,
                r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#,
                K::Quota,
                "You exceeded your current quota (insufficient_quota)",
            ),
            (
                429,
                r#"[{"error":{"code":429,"message":"You exceeded your current quota. Please retry in 5s.","status":"RESOURCE_EXHAUSTED"}}]"#,
                K::RateLimited,
                "You exceeded your current quota. Please retry in 5s. (resource_exhausted)",
            ),
            (500, "Internal Server Error", K::Transient, "HTTP 500: Internal Server Error"),
            (
                502,
                "<html><head><title>502 Bad\u{1b}Gateway</title></head></html>",
                K::Transient,
                "HTTP 502 with an HTML page titled `502 Bad[U+001B]Gateway`",
            ),
            (
                529,
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                K::RateLimited,
                "Overloaded (overloaded_error)",
            ),
            (418, r#"{"object":"error","message":"teapot"}"#, K::BadRequest, "teapot"),
        ];
        for (status, body, kind, message) in cases {
            assert_eq!(read(*status, body), (*kind, (*message).to_owned()), "{status} {body}");
        }
    }

    #[test]
    fn a_parameter_that_is_not_taken_is_named_with_what_to_do() {
        for (param, message, name) in [
            (r#""temperature""#, "Unsupported value", "temperature"),
            (r#""reasoning.effort""#, "Unsupported parameter", "reasoning"),
            (r#""reasoning_effort""#, "Unsupported value: 'reasoning_effort'", "reasoning"),
            ("null", "Unsupported parameter: 'top_p' is not supported", "top_p"),
        ] {
            let code = r#""code":"unsupported_parameter""#;
            let body = format!(r#"{{"error":{{"message":"{message}","param":{param},{code}}}}}"#);
            let (kind, said) = read(400, &body);
            assert_eq!(kind, FaultKind::BadRequest);
            let hint = format!("; leave it out with `params: {{omit: [{name}]}}` on the model");
            assert!(said.ends_with(&hint), "{said}");
        }
        let hostile = r#"{"error":{"message":"'x y'","code":"unsupported_value"}}"#;
        assert_eq!(read(400, hostile).1, "'x y' (unsupported_value)");
    }

    #[test]
    fn a_gateway_says_what_the_provider_behind_it_said() {
        let body = r#"{"error":{"message":"Provider returned error","code":429,"metadata":{
            "provider_name":"Azure","raw":"{\"error\":{\"message\":\"busy\"}}",
            "headers":{"X-RateLimit-Remaining":"0","X-RateLimit-Reset":"784111807000"}}}}"#;
        let headers: &[(String, String)] = &[];
        let now_ms = 784_111_777_000;
        let reply = HttpReply { status: 429, headers: &headers, body: body.as_bytes(), now_ms };
        let limited = fault(&reply);
        assert_eq!(limited.message, "Provider returned error [Azure: busy]");
        assert_eq!(limited.retry_after, Some(Duration::from_secs(30)));
        let plain = r#"{"error":{"message":"x","metadata":{"raw":"down","provider_name":"Y"}}}"#;
        assert_eq!(read(502, plain).1, "x [Y: down]");
        assert_eq!(read(502, r#"{"error":{"message":"x","metadata":{"raw":3}}}"#).1, "x [3]");
    }

    #[test]
    fn long_words_are_cut() {
        let body = serde_json::json!({ "error": "é".repeat(10_000) }).to_string();
        assert!(read(500, &body).1.len() <= MAX_MESSAGE);
    }

    #[test]
    fn errors_inside_a_200_carry_their_inner_class() {
        let read = |body: &str| {
            let body: Value = serde_json::from_str(body).expect("valid JSON");
            error_in(&body).map(|error| inner_fault(&error, 200).kind)
        };
        assert_eq!(read(r#"{"error":{"code":429,"message":"x"}}"#), Some(FaultKind::RateLimited));
        assert_eq!(read(r#"{"error":{"code":"502","message":"x"}}"#), Some(FaultKind::Transient));
        assert_eq!(read(r#"{"error":{"code":"server_error"}}"#), Some(FaultKind::Transient));
        assert_eq!(read(r#"{"error":{"message":"strange"}}"#), Some(FaultKind::Protocol));
        let minimax = r#"{"choices":null,"base_resp":{"status_code":1002,"status_msg":"slow"}}"#;
        assert_eq!(read(minimax), Some(FaultKind::RateLimited));
        assert_eq!(read(r#"{"base_resp":{"status_code":0},"choices":[]}"#), None);
        assert_eq!(read("3"), None);
        assert_eq!(read("[]"), None);
    }

    #[test]
    fn waits_in_all_their_forms() {
        let wait = |name: &str, value: &str| {
            let headers = vec![(name.to_owned(), value.to_owned())];
            retry_after(&headers.as_slice(), 784_111_777_000).map(|wait| wait.as_millis())
        };
        assert_eq!(wait("Retry-After", "2"), Some(2_000));
        assert_eq!(wait("retry-after", "0.25"), Some(250));
        assert_eq!(wait("retry-after-ms", "1500"), Some(1_500));
        assert_eq!(wait("retry-after", " 86400 "), Some(86_400_000));
        assert_eq!(wait("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"), Some(10_000));
        assert_eq!(wait("retry-after", "Sunday, 06-Nov-94 08:49:47 GMT"), Some(10_000));
        assert_eq!(wait("retry-after", "Sun Nov  6 08:49:47 1994"), Some(10_000));
        for absurd in ["-1", "NaN", "inf", "1e300", "90000", "86400.1", "soon", "2 s", "1,5", ""] {
            assert_eq!(wait("retry-after", absurd), None, "{absurd}");
        }
        for absurd in ["-1", "NaN", "86400001", "soon", ""] {
            assert_eq!(wait("retry-after-ms", absurd), None, "{absurd}");
        }
        for past in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sat, 05 Nov 1994 08:49:37 GMT"] {
            assert_eq!(wait("retry-after", past), None, "{past}");
        }
        assert_eq!(wait("retry-after", "Tue, 08 Nov 1994 08:49:37 GMT"), None, "two days");
    }

    #[test]
    fn the_exact_wait_goes_first_and_dates_go_by_the_server_s_clock() {
        let wait = |lines: &[(&str, &str)]| {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let headers: Vec<(String, String)> = lines.iter().map(own).collect();
            retry_after(&headers.as_slice(), 784_111_777_000).map(|wait| wait.as_millis())
        };
        let seconds = ("retry-after", "2");
        assert_eq!(wait(&[("retry-after-ms", "1500"), seconds]), Some(1_500));
        assert_eq!(wait(&[("retry-after-ms", "-3"), seconds]), Some(2_000));
        assert_eq!(wait(&[("retry-after-ms", "soon"), seconds]), Some(2_000));
        // Our clock is an hour behind the server's.
        let date = ("retry-after", "Sun, 06 Nov 1994 09:49:47 GMT");
        assert_eq!(wait(&[date]), Some(3_610_000));
        assert_eq!(wait(&[("date", "Sun, 06 Nov 1994 09:49:37 GMT"), date]), Some(10_000));
    }
}
