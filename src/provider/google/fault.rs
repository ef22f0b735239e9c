//! From an error reply to a fault. Google puts into the body what others put into headers.

use std::time::Duration;

use serde_json::Value;

use crate::{
    domain::fault::{Fault, FaultKind},
    provider::{HttpReply, classify},
};

/// Longest wait that is believed.
const MAX_WAIT: Duration = Duration::from_hours(24);

/// The fault that `reply`, of an error status, is.
pub(in crate::provider) fn fault(reply: &HttpReply<'_>) -> Fault {
    let mut fault = classify::fault(reply);
    if let Ok(body) = serde_json::from_slice(reply.body) {
        amend(&mut fault, &body);
    }
    fault
}

/// The fault that `body`, inside a reply of status 2xx, reports.
pub(super) fn inner_fault(body: &Value, status: u16) -> Fault {
    let mut fault = match classify::error_in(body) {
        Some(error) => classify::inner_fault(&error, status),
        None => {
            Fault::new(FaultKind::Protocol, crate::base::text::one_line(&body.to_string(), 200))
        }
    };
    fault.status = Some(status);
    amend(&mut fault, body);
    fault
}

/// Takes account of the details of the error in `body`.
fn amend(fault: &mut Fault, body: &Value) {
    let body = body.as_array().and_then(|items| items.first()).unwrap_or(body);
    let error = &body["error"];
    let details = || error["details"].as_array().into_iter().flatten();
    // A key that does not exist is a wrong argument to Google.
    if details().any(|detail| detail["reason"] == "API_KEY_INVALID") {
        fault.kind = FaultKind::Auth;
    }
    let wait = details().find_map(|detail| wait(detail["retryDelay"].as_str()?));
    fault.retry_after = fault.retry_after.or(wait);
    if matches!(fault.kind, FaultKind::RateLimited | FaultKind::Quota) {
        let violations = details().filter_map(|detail| detail["violations"].as_array()).flatten();
        let mut quotas = violations.filter_map(|violation| violation["quotaId"].as_str());
        let message = error["message"].as_str().unwrap_or_default();
        if has_no_quota(message) || quotas.any(|quota| quota.contains("PerDay")) {
            fault.kind = FaultKind::Quota;
        } else if wait.is_some() {
            fault.kind = FaultKind::RateLimited;
        }
    }
}

/// A duration of protobuf's JSON: `31s`, `0.5s`.
fn wait(text: &str) -> Option<Duration> {
    let seconds = text.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().filter(|wait| *wait <= MAX_WAIT)
}

/// A model that the account may not use at all has a limit of nothing.
fn has_no_quota(message: &str) -> bool {
    message.match_indices("limit: 0").any(|(at, found)| {
        let rest = &message.as_bytes()[at + found.len()..];
        !matches!(rest, [b'0'..=b'9', ..] | [b'.', b'0'..=b'9', ..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_nothing() {
        assert!(has_no_quota("requests, limit: 0\nPlease retry in 4s."));
        assert!(has_no_quota("limit: 0."));
        assert!(!has_no_quota("limit: 0.5") && !has_no_quota("limit: 02"));
        assert!(!has_no_quota("limit: 10"));
    }

    #[test]
    fn waits() {
        assert_eq!(wait("31s"), Some(Duration::from_secs(31)));
        assert_eq!(wait("0.5s"), Some(Duration::from_millis(500)));
        for absurd in ["31", "-1s", "NaNs", "1e9s", "s", ""] {
            assert_eq!(wait(absurd), None, "{absurd}");
        }
    }
}
