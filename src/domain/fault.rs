//! Why a call gave no answer. A fault is never a score.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// The classes of failure that policies, gates and reports tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The provider refused the credential (401, 403).
    Auth,
    /// The request is wrong and will stay wrong (400, 404, 422).
    BadRequest,
    /// The prompt does not fit the model's context.
    ContextLength,
    /// The provider refused the content of the request.
    ContentFilter,
    /// Too many requests or tokens for now (429, 529).
    RateLimited,
    /// The account has no credit left; waiting does not help.
    Quota,
    /// Connection refused or reset, 408, 409, 5xx.
    Transient,
    /// No answer within the time allowed.
    Timeout,
    /// The stream ended before the model had finished.
    Truncated,
    /// The reply is not what the wire format says: bad JSON, an error inside a 200.
    Protocol,
    /// The reply is larger than any answer may be.
    TooLarge,
    /// The server answered with a redirect, which is not followed since keys would travel with it.
    RedirectRefused,
    /// The server's certificate was not accepted.
    Tls,
    /// The host name has no address.
    Dns,
    /// A recorded answer for this sample does not exist.
    NotRecorded,
    /// The prompt could not be made for this sample.
    Prompt,
    /// The provider was out for longer than the run waits.
    Outage,
    /// The run was told to stop before there was an answer; never recorded, the trial is open.
    Stopped,
    /// The call could go over the budget of the run; never recorded, the trial is open.
    Budget,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Auth,
        Self::BadRequest,
        Self::ContextLength,
        Self::ContentFilter,
        Self::RateLimited,
        Self::Quota,
        Self::Transient,
        Self::Timeout,
        Self::Truncated,
        Self::Protocol,
        Self::TooLarge,
        Self::RedirectRefused,
        Self::Tls,
        Self::Dns,
        Self::NotRecorded,
        Self::Prompt,
        Self::Outage,
        Self::Stopped,
        Self::Budget,
    ];

    /// The kind called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind's name in stores, exports and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::BadRequest => "bad_request",
            Self::ContextLength => "context_length",
            Self::ContentFilter => "content_filter",
            Self::RateLimited => "rate_limited",
            Self::Quota => "quota",
            Self::Transient => "transient",
            Self::Timeout => "timeout",
            Self::Truncated => "truncated",
            Self::Protocol => "protocol",
            Self::TooLarge => "too_large",
            Self::RedirectRefused => "redirect_refused",
            Self::Tls => "tls",
            Self::Dns => "dns",
            Self::NotRecorded => "not_recorded",
            Self::Prompt => "prompt",
            Self::Outage => "outage",
            Self::Stopped => "stopped",
            Self::Budget => "budget",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The class.
    pub kind: FaultKind,
    /// What happened, with the provider's own words; no secret, at most a few kilobytes.
    pub message: String,
    /// The HTTP status, when there was one.
    pub status: Option<u16>,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
    /// Text that had arrived before the failure; kept with the attempt, never an answer.
    pub partial: Option<String>,
}

impl Fault {
    /// A fault of `kind` that says `message`.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), status: None, retry_after: None, partial: None }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}
