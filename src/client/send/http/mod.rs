//! One attempt over HTTP: the only place that opens a socket to a model.
//!
//! Certificates are verified against the system's roots, or those that `SSL_CERT_FILE` and
//! `SSL_CERT_DIR` name. Redirects are not followed, no referrer and no cookie is sent, nothing is
//! retried. What the provider said is kept in the fault; keys are not.

mod address;
mod alarm;
mod body;
mod clients;
mod failure;
mod question;
mod read;
mod redact;
mod skew;
mod tokens;

#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::{
    Method, Request, Url,
    header::{ACCEPT_ENCODING, HeaderName, HeaderValue},
};

use self::{
    address::{Carries, Route},
    alarm::Alarm,
    body::{HandedOver, Outgoing},
    clients::Clients,
    question::{Bill, Question},
    read::Exchange,
    redact::Redactor,
    skew::Skews,
    tokens::Tokens,
};
use crate::{
    base::clock,
    client::by_target::ByTarget,
    domain::{
        contract::{Call, Reply},
        fault::{Fault, FaultKind},
        generation::{Embeddings, Texts},
        limits::RateLimits,
        target::HttpEndpoint,
        trial::Attempt,
    },
    provider::{self, HttpRequest, Provider, Signing, Token},
};

/// Sends calls over HTTP.
#[derive(Debug, Default)]
pub(in crate::client) struct HttpSender {
    clients: Clients,
    tokens: Tokens,
    /// A mask is made once a target: it holds a dozen forms of every secret.
    redactors: ByTarget<Redactor>,
    addresses: ByTarget<Address>,
    skews: Skews,
}

/// A request that is ready to be sent.
struct Prepared {
    provider: &'static dyn Provider,
    client: reqwest::Client,
    request: Request,
    handed_over: HandedOver,
    token: Option<Token>,
}

/// What is known of an attempt while it runs.
#[derive(Debug)]
struct Record {
    /// When a connection was asked for.
    started_ms: i64,
    started: Instant,
    /// When the connection took the request.
    handed_over: HandedOver,
    /// When the last piece of the reply was seen.
    arrived: Instant,
    first_output: Option<Instant>,
    ended: Option<Instant>,
    status: Option<u16>,
    request_id: Option<String>,
    limits: Option<RateLimits>,
    skew_ms: Option<i64>,
}

impl HttpSender {
    /// Makes one attempt at `call`; a second one with a new token when the old one was refused, or
    /// by the server's clock when ours was.
    pub(in crate::client) async fn send(&self, call: &Call, endpoint: &HttpEndpoint) -> Reply {
        let served_by = call.target.name.clone();
        let Asked { result, attempts, limits } = self.ask(call, endpoint).await;
        Reply { result, attempts, served_by, cached: None, limits }
    }

    /// Asks for the vectors of `texts`, by the rules that hold for calls.
    pub(in crate::client) async fn embed(
        &self,
        texts: &Texts,
        endpoint: &HttpEndpoint,
    ) -> Asked<Embeddings> {
        self.ask(texts, endpoint).await
    }

    async fn ask<Q: Question>(&self, question: &Q, endpoint: &HttpEndpoint) -> Asked<Q::Answer> {
        let redactor = self.redactors.of(question.target(), || Arc::new(Redactor::new(endpoint)));
        let mut asked =
            Asked { result: Err(bad("nothing was asked")), attempts: Vec::new(), limits: None };
        loop {
            let prepared = match self.prepare(question, endpoint).await {
                Ok(prepared) => prepared,
                Err(mut fault) => {
                    redactor.clean(&mut fault);
                    return Asked { result: Err(fault), ..asked };
                }
            };
            let (url, provider) = (prepared.request.url().clone(), prepared.provider);
            let Tried { mut result, attempt, limits, skew_ms, token } =
                attempt(prepared, question, endpoint, &redactor).await;
            let first = asked.attempts.is_empty();
            asked.attempts.push(attempt);
            let mut again = skew_ms.is_some_and(|skew_ms| self.skews.learn(&url, skew_ms));
            if let (Some(token), Err(Fault { status: Some(401), .. })) = (token, &result) {
                self.tokens.forget(provider, endpoint, &token).await;
                again = true;
            }
            if again && first {
                continue;
            }
            if let Err(fault) = &mut result {
                redactor.clean(fault);
            }
            return Asked { result, limits, ..asked };
        }
    }

    async fn prepare<Q: Question>(
        &self,
        question: &Q,
        endpoint: &HttpEndpoint,
    ) -> Result<Prepared, Fault> {
        let target = question.target();
        let name = target.provider;
        let provider = provider::find(name)
            .ok_or_else(|| bad(format!("there is no provider called `{name}`")))?;
        let mut request = question.encode(provider, endpoint)?;
        let look = || Arc::new(Address::of(&request.url, endpoint, target.timeouts.connect));
        let known = self.addresses.of(target, look);
        let address = if known.text == request.url { known } else { look() };
        let (url, route) = address.found.clone()?;
        let client = self.clients.get(route)?;
        let token = self.token(provider, &target.timeouts, endpoint).await?;
        let with = Signing { now_ms: self.skews.now_ms(&url), token: token.as_ref() };
        provider.sign(&mut request, endpoint, with)?;
        let (request, handed_over) = to_reqwest(url, request)?;
        Ok(Prepared { provider, client, request, handed_over, token })
    }
}

/// An address that was looked at. A target's is the same for all of its calls.
#[derive(Debug)]
struct Address {
    text: String,
    found: Result<(Url, Route), Fault>,
}

impl Address {
    fn of(text: &str, endpoint: &HttpEndpoint, connect: Duration) -> Self {
        let route = |url: Url| {
            let route = address::route(&url, carries(endpoint), connect)?;
            Ok((url, route))
        };
        Self { text: text.to_owned(), found: address::parse(text).and_then(route) }
    }
}

/// What came of a question.
#[derive(Debug)]
pub(in crate::client) struct Asked<A> {
    /// The answer, or the fault of the last attempt.
    pub(in crate::client) result: Result<A, Fault>,
    /// Every request made, in order.
    pub(in crate::client) attempts: Vec<Attempt>,
    /// What the last reply said of rate limits.
    pub(in crate::client) limits: Option<RateLimits>,
}

/// What came of an attempt.
struct Tried<A> {
    result: Result<A, Fault>,
    attempt: Attempt,
    limits: Option<RateLimits>,
    /// How far the server's clock is ahead, where it refused the time of the request's signature.
    skew_ms: Option<i64>,
    /// The token that it was made with.
    token: Option<Token>,
}

/// Sends what was prepared.
async fn attempt<Q: Question>(
    prepared: Prepared,
    question: &Q,
    endpoint: &HttpEndpoint,
    redactor: &Redactor,
) -> Tried<Q::Answer> {
    let Prepared { provider, client, request, handed_over, token } = prepared;
    let knowing = token.as_ref().map(|token| redactor.knowing(&token.value));
    let redactor = knowing.as_ref().unwrap_or(redactor);
    let started = clock::instant();
    let mut record = Record {
        started_ms: clock::now_ms(),
        started,
        handed_over,
        arrived: started,
        first_output: None,
        ended: None,
        status: None,
        request_id: None,
        limits: None,
        skew_ms: None,
    };
    let timeouts = &question.target().timeouts;
    let earliest = timeouts.first_byte.min(timeouts.idle).min(timeouts.total);
    let alarm = Alarm::new(read::after(record.started, earliest));
    let streamed = endpoint.stream;
    let exchange = Exchange { provider, question, streamed, timeouts, record: &mut record, alarm };
    let mut result = exchange.run(&client, request).await;
    let masked = match &mut result {
        Ok(answer) => question.clean(answer, redactor),
        Err(fault) => redactor.clean(fault),
    };
    let (limits, skew_ms) = (record.limits, record.skew_ms);
    let accepted = record.handed_over.get().is_some() && record.accepted(result.as_ref().err());
    let attempt = record.attempt(question, &result, redactor);
    Tried { result, attempt: Attempt { accepted, masked, ..attempt }, limits, skew_ms, token }
}

/// Refuses an address that no call may go to.
///
/// # Errors
///
/// `BadRequest`, with what to change.
pub(in crate::client) fn check(endpoint: &HttpEndpoint, connect: Duration) -> Result<(), Fault> {
    let url = address::parse(&endpoint.base_url)?;
    address::route(&url, carries(endpoint), connect).map(|_| ())
}

fn carries(endpoint: &HttpEndpoint) -> Carries {
    // The values of configured headers may be keys as well.
    let secret = !endpoint.credential.is_none() || !endpoint.headers.is_empty();
    Carries { secret, insecure_http: endpoint.insecure_http }
}

fn bad(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::BadRequest, message)
}

/// The request, and what says when its body has been handed over.
fn to_reqwest(url: Url, from: HttpRequest) -> Result<(Request, HandedOver), Fault> {
    let mut request = Request::new(Method::POST, url);
    let headers = request.headers_mut();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    for (name, value) in &from.headers {
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| bad(format!("`{name}` is not the name of an HTTP header")))?;
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| {
            bad(format!("the value of the header `{name}` has characters that HTTP forbids"))
        })?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    let (body, handed_over) = Outgoing::new(from.body.into());
    *request.body_mut() = Some(reqwest::Body::wrap(body));
    Ok((request, handed_over))
}

impl Record {
    /// Whether the provider took the request on, although it came to `fault`: by what it said, or
    /// because it said nothing.
    fn accepted(&self, fault: Option<&Fault>) -> bool {
        use FaultKind as K;
        match (self.status, fault) {
            (_, None) | (None, _) => true,
            (Some(200..300), Some(fault)) => {
                let lost = [K::Protocol, K::Truncated, K::TooLarge, K::Timeout, K::Transient];
                lost.contains(&fault.kind)
            }
            (Some(_), _) => false,
        }
    }

    fn attempt<Q: Question>(
        self,
        question: &Q,
        result: &Result<Q::Answer, Fault>,
        redactor: &Redactor,
    ) -> Attempt {
        let target = question.target();
        // What was not handed over has no better beginning than this.
        let begun = self.handed_over.get().copied().unwrap_or(self.started);
        let since = |at: Instant| at.saturating_duration_since(begun).as_micros() as u64;
        let queued = begun.saturating_duration_since(self.started);
        let bill = result.as_ref().map(|answer| question.bill(answer)).unwrap_or_default();
        let Bill { usage, reported_cost, request_id } = bill;
        let priced = || Some(target.price.as_ref()?.cost(&usage?));
        Attempt {
            started_ms: self.started_ms.saturating_add(queued.as_millis() as i64),
            queued_us: queued.as_micros() as u64,
            latency_us: since(self.ended.unwrap_or_else(clock::instant)),
            ttft_us: self.first_output.map(since),
            status: self.status,
            fault: result.as_ref().err().cloned(),
            usage,
            cost: reported_cost.or_else(priced),
            cost_reported: reported_cost.is_some(),
            request_id: request_id.or(self.request_id).map(|id| redactor.cleaned(id)),
            credential: target.credential_slug(),
            ..Attempt::default()
        }
    }
}
