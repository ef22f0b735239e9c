//! From Amazon's names of errors to faults.
//!
//! The name stands in a header, or in the body, or is the type of a message in a stream; it says
//! more than the status, which in a stream is 200.

use serde_json::{Value, json};

use crate::{
    base::text,
    domain::fault::{Fault, FaultKind},
    provider::{HttpReply, classify, limits},
};

/// The names, in lower case, with the status that each is to be taken for.
const NAMES: &[(&str, u16)] = &[
    ("accessdeniedexception", 403),
    ("unrecognizedclientexception", 403),
    ("invalidsignatureexception", 403),
    ("signaturedoesnotmatch", 403),
    ("incompletesignature", 403),
    ("incompletesignatureexception", 403),
    ("invalidclienttokenid", 403),
    ("missingauthenticationtoken", 403),
    ("missingauthenticationtokenexception", 403),
    ("expiredtoken", 403),
    ("expiredtokenexception", 403),
    ("requestexpired", 403),
    ("optinrequired", 403),
    ("validationexception", 400),
    ("conflictexception", 400),
    ("serializationexception", 400),
    ("resourcenotfoundexception", 404),
    ("unknownoperationexception", 404),
    ("throttlingexception", 429),
    ("throttling", 429),
    ("toomanyrequestsexception", 429),
    // "You can resubmit your request later": a limit on what runs at a time, sent as 400.
    ("servicequotaexceededexception", 429),
    // Sent as 429, but nothing was asked too often: the model is being loaded.
    ("modelnotreadyexception", 503),
    ("modeltimeoutexception", 408),
    ("modelerrorexception", 424),
    ("modelstreamerrorexception", 424),
    ("internalserverexception", 500),
    ("internalfailure", 500),
    ("serviceunavailableexception", 503),
    ("serviceunavailable", 503),
];

/// The fault that `reply`, of an error status, is.
pub(super) fn fault(reply: &HttpReply<'_>) -> Fault {
    let body: Value = serde_json::from_slice(reply.body).unwrap_or_default();
    let header = reply.headers.get("x-amzn-errortype").map(bare).filter(|name| !name.is_empty());
    let name = header.or_else(|| name_in(&body));
    match (name, message_in(&body)) {
        (None, None) => classify::fault(reply),
        (name, message) => {
            let mut fault = named(name, message, reply.status);
            fault.retry_after = classify::retry_after(reply.headers, reply.now_ms);
            fault
        }
    }
}

/// By how much the server's clock is ahead, where `reply` refuses a signature for its time.
pub(super) fn clock_skew(reply: &HttpReply<'_>) -> Option<i64> {
    let body: Value = serde_json::from_slice(reply.body).unwrap_or_default();
    let header = reply.headers.get("x-amzn-errortype").map(bare).filter(|name| !name.is_empty());
    let name = header.or_else(|| name_in(&body))?.to_ascii_lowercase();
    let message = message_in(&body).unwrap_or_default().to_ascii_lowercase();
    let is = |names: &[&str]| names.contains(&name.as_str());
    let timed = is(&["requesttimetooskewed", "requestexpired", "requestinthefuture"]);
    let signed = is(&["invalidsignatureexception", "signaturedoesnotmatch"])
        && (message.contains("signature expired") || message.contains("signature not yet current"));
    if timed || signed { limits::skew(reply.headers, reply.now_ms) } else { None }
}

/// The fault in the body of a reply of status 2xx, if it reports one.
pub(super) fn inner(body: &Value, status: u16) -> Option<Fault> {
    let (name, message) = (name_in(body), message_in(body));
    if name.is_none() && message.is_none() {
        return None;
    }
    Some(named(name, message, status))
}

/// The fault that a message of a stream is, by its type and its payload.
pub(super) fn streamed(kind: &str, payload: &str, status: u16) -> Fault {
    let body: Value = serde_json::from_str(payload).unwrap_or_default();
    let bare = (!payload.is_empty()).then_some(payload);
    let message = message_in(&body).or(bare);
    let original = body["originalMessage"].as_str().filter(|original| Some(*original) != message);
    let mut fault = match original {
        Some(original) => {
            let message = message.unwrap_or_default();
            named(Some(kind), Some(&format!("{message}: {original}")), status)
        }
        None => named(Some(kind), message, status),
    };
    if fault.kind == FaultKind::Protocol {
        // The service ended the answer, whatever it calls the reason.
        fault.kind = FaultKind::Transient;
    }
    fault
}

fn named(name: Option<&str>, message: Option<&str>, status: u16) -> Fault {
    let lower = name.unwrap_or_default().to_ascii_lowercase();
    let meant = NAMES.iter().find(|(known, _)| *known == lower).map_or(status, |(_, meant)| *meant);
    let error = classify::error_in(&json!({ "message": message.unwrap_or_default() }));
    let mut fault = classify::inner_fault(&error.unwrap_or_default(), meant);
    fault.status = Some(status);
    if let Some(name) = name {
        let name = text::one_line(name, 80);
        let heard = message.is_some_and(|message| !message.trim().is_empty());
        fault.message = if heard { format!("{} ({name})", fault.message) } else { name };
    }
    fault
}

/// The name without what some services put around it: `ns#Name:http://…`.
fn bare(name: &str) -> &str {
    let name = name.split_once('#').map_or(name, |(_, name)| name);
    name.split_once(':').map_or(name, |(name, _)| name).trim()
}

fn name_in(body: &Value) -> Option<&str> {
    let places = [&body["__type"], &body["Output"]["__type"]];
    places.into_iter().find_map(Value::as_str).map(bare).filter(|name| !name.is_empty())
}

fn message_in(body: &Value) -> Option<&str> {
    [&body["message"], &body["Message"]].into_iter().find_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_kind() {
        use FaultKind as K;
        for (status, name, message, kind) in [
            (403, "AccessDeniedException", "You don't have access to the model", K::Auth),
            (403, "UnrecognizedClientException", "The security token is invalid", K::Auth),
            (403, "ExpiredTokenException:http://internal.amazon.com/x/", "expired", K::Auth),
            (400, "com.amazon.coral.service#ExpiredTokenException", "expired", K::Auth),
            (400, "ValidationException", "The model id is wrong", K::BadRequest),
            (
                400,
                "ValidationException",
                "Input is too long for requested model.",
                K::ContextLength,
            ),
            (400, "ValidationException", "prompt is too long: 9 tokens > 8", K::ContextLength),
            (400, "ValidationException", "Too many input tokens", K::ContextLength),
            (404, "ResourceNotFoundException", "Could not resolve the model", K::BadRequest),
            (429, "ThrottlingException", "Too many tokens, please wait", K::RateLimited),
            (400, "ServiceQuotaExceededException", "over", K::RateLimited),
            (429, "ModelNotReadyException", "loading", K::Transient),
            (408, "ModelTimeoutException", "late", K::Transient),
            (424, "ModelErrorException", "oops", K::Transient),
            (500, "InternalServerException", "oops", K::Transient),
            (503, "ServiceUnavailableException", "busy", K::Transient),
            (418, "StrangeException", "odd", K::BadRequest),
        ] {
            let headers = vec![("X-Amzn-ErrorType".to_owned(), name.to_owned())];
            let body = json!({ "message": message }).to_string();
            let lookup = headers.as_slice();
            let reply = HttpReply { status, headers: &lookup, body: body.as_bytes(), now_ms: 0 };
            let fault = fault(&reply);
            assert_eq!((fault.kind, fault.status), (kind, Some(status)), "{name}");
            assert!(fault.message.starts_with(message), "{}", fault.message);
            assert!(fault.message.ends_with("Exception)"), "{}", fault.message);
        }
    }
}
