//! One attempt over HTTP: the only place that opens a socket to a model.
//!
//! Certificates are verified against the system's roots, or those that `SSL_CERT_FILE` and
//! `SSL_CERT_DIR` name. Redirects are not followed, no referrer and no cookie is sent, nothing is
//! retried. What the provider said is kept in the fault; keys are not.

mod address;
mod clients;
mod failure;
mod read;
mod redact;
mod tokens;

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use reqwest::{
    Method, Request, Url,
    header::{HeaderName, HeaderValue},
};

use self::{
    address::Carries,
    clients::Clients,
    read::Exchange,
    redact::{Redactor, Redactors},
    tokens::Tokens,
};
use crate::{
    base::clock,
    client::not_sent,
    domain::{
        contract::{Call, Reply},
        fault::{Fault, FaultKind},
        generation::Generation,
        target::{HttpEndpoint, Target},
        trial::Attempt,
    },
    provider::{self, HttpRequest, Provider, Signing, Token},
};

/// Sends calls over HTTP.
#[derive(Debug, Default)]
pub(in crate::client) struct HttpSender {
    clients: Clients,
    tokens: Tokens,
    redactors: Redactors,
}

/// A request that is ready to be sent.
struct Prepared {
    provider: &'static dyn Provider,
    client: reqwest::Client,
    request: Request,
    token: Option<Token>,
}

/// What is known of an attempt while it runs.
#[derive(Debug)]
struct Record {
    started_ms: i64,
    started: Instant,
    first_output: Option<Instant>,
    ended: Option<Instant>,
    status: Option<u16>,
    request_id: Option<String>,
}

impl HttpSender {
    /// Makes one attempt at `call`; a second one with a new token when the old one was refused.
    pub(in crate::client) async fn send(&self, call: &Call, endpoint: &HttpEndpoint) -> Reply {
        let redactor = self.redactors.of(&call.target, endpoint);
        let mut attempts = Vec::new();
        loop {
            let (mut result, attempt, refused) = match self.prepare(call, endpoint).await {
                Err(fault) if attempts.is_empty() => {
                    let mut fault = fault;
                    redactor.clean(&mut fault);
                    return not_sent(call, fault);
                }
                Err(fault) => (Err(fault), None, None),
                Ok(prepared) => {
                    let (result, attempt, token) =
                        attempt(prepared, call, endpoint, &redactor).await;
                    let status = result.as_ref().err().and_then(|fault: &Fault| fault.status);
                    (result, Some(attempt), token.filter(|_| status == Some(401)))
                }
            };
            attempts.extend(attempt);
            if let Some((provider, token)) = refused {
                self.tokens.forget(provider, endpoint, &token).await;
                if attempts.len() == 1 {
                    continue;
                }
            }
            if let Err(fault) = &mut result {
                redactor.clean(fault);
            }
            let served_by = call.target.name.clone();
            return Reply { result, attempts, served_by, cached: None };
        }
    }

    async fn prepare(&self, call: &Call, endpoint: &HttpEndpoint) -> Result<Prepared, Fault> {
        let name = call.target.provider;
        let provider = provider::find(name)
            .ok_or_else(|| bad(format!("there is no provider called `{name}`")))?;
        let mut request = provider.encode(call, endpoint)?;
        let url = address::parse(&request.url)?;
        let route = address::route(&url, carries(endpoint), call.target.timeouts.connect)?;
        let client = self.clients.get(route)?;
        let token = self.token(provider, call, endpoint).await?;
        let with = Signing { now_ms: clock::now_ms(), token: token.as_ref() };
        provider.sign(&mut request, endpoint, with)?;
        Ok(Prepared { provider, client, request: to_reqwest(url, request)?, token })
    }
}

/// Sends what was prepared; also gives the token that it was sent with.
async fn attempt(
    prepared: Prepared,
    call: &Call,
    endpoint: &HttpEndpoint,
    redactor: &Redactor,
) -> (Result<Generation, Fault>, Attempt, Option<(&'static dyn Provider, Token)>) {
    let Prepared { provider, client, request, token } = prepared;
    let knowing = token.as_ref().map(|token| redactor.knowing(&token.value));
    let redactor = knowing.as_ref().unwrap_or(redactor);
    let mut record = Record {
        started_ms: clock::now_ms(),
        started: clock::instant(),
        first_output: None,
        ended: None,
        status: None,
        request_id: None,
    };
    let exchange = Exchange {
        provider,
        streamed: endpoint.stream,
        timeouts: &call.target.timeouts,
        record: &mut record,
    };
    let mut result = exchange.run(&client, request).await;
    match &mut result {
        Ok(generation) => redactor.clean_answer(generation),
        Err(fault) => redactor.clean(fault),
    }
    let attempt = record.attempt(&call.target, &result, redactor);
    (result, attempt, token.map(|token| (provider, token)))
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

fn to_reqwest(url: Url, from: HttpRequest) -> Result<Request, Fault> {
    let mut request = Request::new(Method::POST, url);
    let headers = request.headers_mut();
    for (name, value) in &from.headers {
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| bad(format!("`{name}` is not the name of an HTTP header")))?;
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| {
            bad(format!("the value of the header `{name}` has characters that HTTP forbids"))
        })?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    *request.body_mut() = Some(from.body.into());
    Ok(request)
}

impl Record {
    fn attempt(
        self,
        target: &Target,
        result: &Result<Generation, Fault>,
        redactor: &Redactor,
    ) -> Attempt {
        let since = |at: Instant| at.duration_since(self.started).as_micros() as u64;
        let generation = result.as_ref().ok();
        let usage = generation.and_then(|generation| generation.usage);
        let priced = || Some(target.price.as_ref()?.cost(&usage?));
        let request_id = generation.and_then(|generation| generation.request_id.clone());
        Attempt {
            started_ms: self.started_ms,
            latency_us: since(self.ended.unwrap_or_else(clock::instant)),
            ttft_us: self.first_output.map(since),
            status: self.status,
            fault: result.as_ref().err().cloned(),
            usage,
            cost: generation.and_then(|generation| generation.reported_cost).or_else(priced),
            request_id: request_id.or(self.request_id).map(|id| redactor.cleaned(id)),
            credential: target.credential_slug(),
            ..Attempt::default()
        }
    }
}
