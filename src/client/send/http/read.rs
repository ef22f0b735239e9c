//! Sending the request and reading the reply, within limits of time and size.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use reqwest::{
    Client, Request,
    header::{HeaderMap, LOCATION},
};
use tokio::task::yield_now;

use super::{
    Record,
    alarm::Alarm,
    body::{Incoming, check_text},
    failure,
    question::Question,
};
use crate::{
    base::clock,
    client::layer::timeout::over,
    domain::{
        fault::{Fault, FaultKind},
        target::Timeouts,
    },
    provider::{self, Headers, HttpReply, Progress, Provider, StreamDecoder, sse::Event},
};

/// Bytes that are kept together of a body which arrives in pieces.
const BLOCK: usize = 1 << 20;

/// Most bytes of an error page that are read.
const MAX_ERROR_BODY: usize = 1 << 20;

/// How long the end of a stream is waited for after its last event, to keep the connection.
const DRAIN: Duration = Duration::from_millis(100);

/// One request and its reply.
pub(super) struct Exchange<'a, Q> {
    /// The wire format.
    pub(super) provider: &'static dyn Provider,
    /// What is asked.
    pub(super) question: &'a Q,
    /// Whether a stream was asked for.
    pub(super) streamed: bool,
    /// The limits on time.
    pub(super) timeouts: &'a Timeouts,
    /// Where times and status go.
    pub(super) record: &'a mut Record,
    /// What ends waits.
    pub(super) alarm: Alarm,
}

/// Sends `request` and hands the whole reply, whatever its status, to `read`.
pub(super) async fn whole<T>(
    client: &Client,
    request: Request,
    connect: Duration,
    read: impl FnOnce(&HttpReply<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let url = request.url().clone();
    let broken = |error: reqwest::Error| failure::fault(&error, &url, connect);
    let mut response = client.execute(request).await.map_err(broken)?;
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    if (300..400).contains(&status) {
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
        return Err(failure::redirect(status, location, &url));
    }
    let mut incoming = Incoming::new(response, &headers, url, connect)?;
    let mut body = Vec::new();
    while let Some(bytes) = incoming.chunk().await? {
        body.extend_from_slice(&bytes);
    }
    let headers = HeaderLookup(&headers);
    read(&HttpReply { status, headers: &headers, body: &body, now_ms: clock::now_ms() })
}

struct HeaderLookup<'a>(&'a HeaderMap);

impl Headers for HeaderLookup<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| value.to_str().ok())
    }

    fn each<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a str)) {
        for (name, value) in self.0 {
            if let Ok(value) = value.to_str() {
                see(name.as_str(), value);
            }
        }
    }
}

impl<Q: Question> Exchange<'_, Q> {
    /// Sends `request` and reads the whole reply.
    pub(super) async fn run(
        mut self,
        client: &Client,
        request: Request,
    ) -> Result<Q::Answer, Fault> {
        let (url, connect) = (request.url().clone(), self.timeouts.connect);
        let limit = self.first_byte();
        let sent = self.within(limit, client.execute(request)).await?;
        let mut response = sent.map_err(|error| failure::fault(&error, &url, connect))?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let lookup = HeaderLookup(&headers);
        self.record.status = Some(status);
        self.record.limits = provider::rate_limits(&lookup, clock::now_ms());
        self.record.request_id = provider::request_id(&lookup);
        let reply = HttpReply { status, headers: &lookup, body: &[], now_ms: 0 };
        let outcome = match Incoming::new(response, &headers, url, connect) {
            Err(fault) => Err(fault),
            Ok(mut incoming) => match status {
                200..300 => self.answer(&mut incoming, reply).await,
                300..400 => {
                    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
                    Err(failure::redirect(status, location, incoming.url()))
                }
                _ => Err(self.refusal(&mut incoming, reply).await),
            },
        };
        outcome.map_err(|mut fault| {
            fault.status = fault.status.or(Some(status));
            fault
        })
    }

    /// The fault that a reply of an error status is.
    async fn refusal(&mut self, incoming: &mut Incoming, mut reply: HttpReply<'_>) -> Fault {
        let body = self.error_body(incoming).await;
        reply.body = &body;
        reply.now_ms = clock::now_ms();
        self.record.skew_ms = self.provider.clock_skew(&reply);
        self.provider.classify(&reply)
    }

    async fn answer(
        &mut self,
        incoming: &mut Incoming,
        mut reply: HttpReply<'_>,
    ) -> Result<Q::Answer, Fault> {
        incoming.check_length()?;
        let first = self.next(incoming).await?;
        if self.question.streams()
            && self.is_stream(reply.headers, first.as_deref().unwrap_or_default())
        {
            let decoder = self.provider.stream(&reply);
            return self.stream(incoming, first, decoder).await;
        }
        let body = self.rest(incoming, first).await?;
        self.record.ended = Some(self.record.arrived);
        check_text(&body)?;
        reply.body = &body;
        self.question.decode(self.provider, &reply)
    }

    /// Whether the body is a stream of events; in doubt, when one was asked for.
    fn is_stream(&self, headers: &dyn Headers, first: &[u8]) -> bool {
        let kind = headers.get("content-type").unwrap_or_default().to_ascii_lowercase();
        self.provider.framing().recognises(&kind, first).unwrap_or(self.streamed)
    }

    async fn stream(
        &mut self,
        incoming: &mut Incoming,
        first: Option<Bytes>,
        mut decoder: Box<dyn StreamDecoder>,
    ) -> Result<Q::Answer, Fault> {
        let mut events = self.provider.framing().start();
        let mut chunk = first;
        while let Some(bytes) = chunk {
            let fed = self.feed(decoder.as_mut(), |sink| events.feed(&bytes, sink));
            if fed.map_err(|fault| with_partial(fault, decoder.as_ref()))? {
                self.record.ended = Some(self.record.arrived);
                self.drain(incoming).await;
                return self.question.streamed(decoder);
            }
            chunk = match self.next(incoming).await {
                Ok(next) => next,
                // The answer is whole; only the bookkeeping behind it is lost.
                Err(_) if decoder.complete() => None,
                Err(fault) => return Err(with_partial(fault, decoder.as_ref())),
            };
        }
        self.record.ended = Some(self.record.arrived);
        // What is left may be half an event. Then it is no event, and `finish` says what is missing.
        match self.feed(decoder.as_mut(), |sink| events.end(sink)) {
            Err(fault) if fault.kind != FaultKind::Protocol => {
                Err(with_partial(fault, decoder.as_ref()))
            }
            _ => self.question.streamed(decoder),
        }
    }

    /// Hands events to `decoder` and notes when the first output came; `true` once it is done.
    fn feed(
        &mut self,
        decoder: &mut dyn StreamDecoder,
        events: impl FnOnce(&mut dyn FnMut(Event<'_>) -> Result<(), Fault>) -> Result<(), Fault>,
    ) -> Result<bool, Fault> {
        let mut done = false;
        let arrived = self.record.arrived;
        let first_output = &mut self.record.first_output;
        events(&mut |event| {
            match decoder.event(event)? {
                Progress::Output => {
                    first_output.get_or_insert(arrived);
                }
                Progress::Done => done = true,
                Progress::Quiet => {}
            }
            Ok(())
        })?;
        Ok(done)
    }

    async fn rest(
        &mut self,
        incoming: &mut Incoming,
        first: Option<Bytes>,
    ) -> Result<Bytes, Fault> {
        let Some(first) = first else { return Ok(Bytes::new()) };
        let Some(second) = self.next(incoming).await? else { return Ok(first) };
        let mut body = Blocks(vec![Vec::with_capacity(4 * (first.len() + second.len()))]);
        body.add(&first);
        body.add(&second);
        while let Some(bytes) = self.next(incoming).await? {
            body.add(&bytes);
        }
        Ok(body.0.concat().into())
    }

    /// As much of an error page as there is: a status is known already, so nothing here can fail.
    async fn error_body(&mut self, incoming: &mut Incoming) -> Vec<u8> {
        let mut body = Vec::new();
        while let Ok(Some(bytes)) = self.next(incoming).await {
            body.extend_from_slice(&bytes);
            if body.len() >= MAX_ERROR_BODY {
                break;
            }
        }
        body
    }

    /// The next bytes; `None` at the end. When they were seen is noted before anything is made of
    /// them.
    async fn next(&mut self, incoming: &mut Incoming) -> Result<Option<Bytes>, Fault> {
        // Servers of reasoning models send their headers at once and then think: until something
        // has come, the limit on the first byte stands.
        let limit = if incoming.heard {
            (after(self.record.arrived, self.timeouts.idle), Limit::Idle)
        } else {
            self.first_byte()
        };
        let next = self.within(limit, incoming.chunk()).await?;
        self.record.arrived = clock::instant();
        next
    }

    fn first_byte(&self) -> (Instant, Limit) {
        (after(self.record.started, self.timeouts.first_byte), Limit::FirstByte)
    }

    async fn within<T>(
        &mut self,
        (limit, which): (Instant, Limit),
        work: impl Future<Output = T>,
    ) -> Result<T, Fault> {
        let total = after(self.record.started, self.timeouts.total);
        let (limit, which) = if total < limit { (total, Limit::Total) } else { (limit, which) };
        self.alarm.within(limit, work).await.ok_or_else(|| self.timed_out(which))
    }

    /// Reads to the end, if it comes at once, so that the connection can be used again.
    async fn drain(&mut self, incoming: &mut Incoming) {
        let limit = clock::instant() + DRAIN;
        let mut left = MAX_ERROR_BODY;
        loop {
            // The end has often come with the last event: then no timer is set for it.
            let next = match incoming.chunk().now_or_never() {
                Some(next) => Some(next),
                None => {
                    yield_now().await;
                    self.alarm.within(limit, incoming.chunk()).await
                }
            };
            let Some(Ok(Some(bytes))) = next else { return };
            left = left.saturating_sub(bytes.len());
            if left == 0 {
                return;
            }
        }
    }

    fn timed_out(&self, which: Limit) -> Fault {
        let message = match which {
            Limit::Total => return over(self.timeouts.total),
            Limit::FirstByte => {
                format!("no reply within {} s", self.timeouts.first_byte.as_secs_f64())
            }
            Limit::Idle => {
                let idle = self.timeouts.idle.as_secs_f64();
                format!("the reply stopped: nothing came for {idle} s")
            }
        };
        Fault::new(FaultKind::Timeout, message)
    }
}

/// A body as it arrives. One buffer that grows would be copied each time, and a reply that turns out
/// to be too large would take its size twice.
struct Blocks(Vec<Vec<u8>>);

impl Blocks {
    fn add(&mut self, bytes: &[u8]) {
        let fits = |block: &&mut Vec<u8>| block.capacity() - block.len() >= bytes.len();
        match self.0.last_mut().filter(fits) {
            Some(block) => block.extend_from_slice(bytes),
            None => {
                let mut block = Vec::with_capacity(BLOCK.max(bytes.len()));
                block.extend_from_slice(bytes);
                self.0.push(block);
            }
        }
    }
}

/// `limit` after `start`; a limit beyond what the clock can say counts as a year.
pub(super) fn after(start: Instant, limit: Duration) -> Instant {
    start.checked_add(limit).unwrap_or_else(|| start + Duration::from_hours(365 * 24))
}

#[derive(Debug, Clone, Copy)]
enum Limit {
    FirstByte,
    Idle,
    Total,
}

fn with_partial(mut fault: Fault, decoder: &dyn StreamDecoder) -> Fault {
    fault.partial = fault.partial.or_else(|| decoder.partial());
    fault
}
