//! Signature Version 4, with which Amazon Web Services know who asks.
//!
//! Written here because the vendor's own crates (`aws-sigv4` and what it stands on) cost more to
//! build than the rest of this module by far, while the scheme is two pages long. What botocore
//! signs is signed, in the same way; `tests/golden/sigv4.py` wrote down fifty of its signatures.
//!
//! # Source
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>,
//! read 2026-11.

use std::{borrow::Cow, fmt::Write as _};

use chrono::DateTime;
use ring::hmac;
use url::Url;

use crate::{
    base::{digest::sha256_hex, secret::Secret},
    domain::fault::{Fault, FaultKind},
    provider::HttpRequest,
};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Headers that a proxy may change or drop on the way.
const UNSIGNED: &[&str] = &[
    "baggage",
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amzn-trace-id",
];

/// A key pair, and what its signatures are good for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signer<'a> {
    /// The id of the key.
    pub(super) access_key_id: &'a str,
    /// The key.
    pub(super) secret_access_key: &'a Secret,
    /// The token of a temporary pair.
    pub(super) session_token: Option<&'a Secret>,
    /// The region.
    pub(super) region: &'a str,
    /// The service by the name that signatures use.
    pub(super) service: &'static str,
}

impl Signer<'_> {
    /// Adds the headers that prove who sends `request` at `now_ms`.
    ///
    /// # Errors
    ///
    /// `BadRequest` for an address or a time that cannot be written in a signature.
    pub(super) fn sign(&self, request: &mut HttpRequest, now_ms: i64) -> Result<(), Fault> {
        let bad = |message: &str| Fault::new(FaultKind::BadRequest, message);
        // Parsed as the sender parses it, since a signature is about what is sent.
        let url = Url::parse(&request.url).map_err(|_| bad("the base URL is not an address"))?;
        let time = DateTime::from_timestamp_millis(now_ms)
            .ok_or_else(|| bad("the clock shows a time that cannot be signed"))?;
        let time = time.format("%Y%m%dT%H%M%SZ").to_string();
        let date = time.split('T').next().unwrap_or_default();

        set(request, "x-amz-date", Secret::new(time.as_str()));
        if let Some(token) = self.session_token {
            set(request, "x-amz-security-token", token.clone());
        }
        let headers = canonical_headers(request, &url);
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let lines = headers.iter().fold(String::new(), |mut lines, (name, value)| {
            writeln!(lines, "{name}:{value}").ok();
            lines
        });
        let canonical = format!(
            "POST\n{}\n{}\n{lines}\n{names}\n{}",
            canonical_path(url.path()),
            canonical_query(url.query().unwrap_or_default()),
            sha256_hex(&request.body),
        );
        let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
        let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", sha256_hex(canonical.as_bytes()));
        let signature = self.signature(date, &to_sign);
        let value = format!(
            "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.access_key_id
        );
        set(request, "authorization", Secret::new(value));
        Ok(())
    }

    fn signature(&self, date: &str, to_sign: &str) -> String {
        let first = format!("AWS4{}", self.secret_access_key.expose());
        let steps = [date, self.region, self.service, "aws4_request"];
        let key = steps.iter().fold(first.into_bytes(), |key, step| mac(&key, step));
        mac(&key, to_sign).iter().fold(String::with_capacity(64), |mut text, byte| {
            write!(text, "{byte:02x}").ok();
            text
        })
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn set(request: &mut HttpRequest, name: &'static str, value: Secret) {
    request.headers.retain(|(have, _)| have != name);
    request.headers.push((Cow::Borrowed(name), value));
}

/// The headers that are signed, by name, with runs of spaces made one.
fn canonical_headers(request: &HttpRequest, url: &Url) -> Vec<(String, String)> {
    let shown = request.headers.iter().filter(|(name, _)| !UNSIGNED.contains(&name.as_ref())).map(
        |(name, value)| {
            let words: Vec<&str> = value.expose().split_whitespace().collect();
            (name.clone().into_owned(), words.join(" "))
        },
    );
    let mut headers: Vec<(String, String)> = shown.collect();
    if !headers.iter().any(|(name, _)| name == "host") {
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        headers.push(("host".to_owned(), format!("{host}{port}")));
    }
    headers.sort_unstable();
    headers
}

/// The path as it is sent, encoded once more, without empty segments.
fn canonical_path(path: &str) -> String {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let last = if path.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    let path = format!("/{}{last}", segments.join("/"));
    percent_encoded(&path, b"/")
}

/// The query as it is sent, sorted by name and value.
fn canonical_query(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(&str, &str)> =
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// `text` with everything percent-encoded but letters, digits, `-`, `.`, `_`, `~` and `kept`.
pub(super) fn percent_encoded(text: &str, kept: &[u8]) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").ok();
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const GOLDEN: &str = include_str!("../../../tests/fixtures/providers/bedrock-sigv4.json");

    #[test]
    fn signatures_are_those_of_botocore() {
        let golden: Value = serde_json::from_str(GOLDEN).expect("JSON");
        let cases = golden["cases"].as_array().expect("cases");
        assert!(cases.len() >= 50);
        for case in cases {
            let text = |name: &str| case[name].as_str().unwrap_or_default();
            let headers = case["headers"].as_object().expect("headers").iter();
            let mut request = HttpRequest {
                url: text("url").to_owned(),
                headers: headers
                    .map(|(name, value)| {
                        let value = Secret::new(value.as_str().expect("text"));
                        (Cow::Owned(name.clone()), value)
                    })
                    .collect(),
                body: text("body").as_bytes().to_vec(),
            };
            let secret = Secret::new(text("secret_access_key"));
            let token = case["session_token"].as_str().map(Secret::new);
            let signer = Signer {
                access_key_id: text("access_key_id"),
                secret_access_key: &secret,
                session_token: token.as_ref(),
                region: text("region"),
                service: "bedrock",
            };
            signer.sign(&mut request, case["now_ms"].as_i64().expect("a time")).expect("signed");
            let added = |name: &str| {
                let found = request.headers.iter().find(|(have, _)| have == name);
                found.map(|(_, value)| value.expose())
            };
            for name in ["x-amz-date", "x-amz-security-token", "authorization"] {
                assert_eq!(added(name), case["becomes"][name].as_str(), "{name} of {case}");
            }
        }
    }

    #[test]
    fn what_cannot_be_signed_is_refused() {
        let secret = Secret::new("s");
        let signer = Signer {
            access_key_id: "a",
            secret_access_key: &secret,
            session_token: None,
            region: "r",
            service: "bedrock",
        };
        let mut request =
            HttpRequest { url: "nowhere".to_owned(), headers: Vec::new(), body: Vec::new() };
        assert!(signer.sign(&mut request, 0).is_err());
        request.url = "https://host".to_owned();
        assert!(signer.sign(&mut request, i64::MAX).is_err());
        assert!(signer.sign(&mut request, 0).is_ok());
    }
}
