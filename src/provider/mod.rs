//! Floor 2: wire formats, one a file; pure translation.
//!
//! A provider turns a [`Call`] into an HTTP request and an HTTP reply into a [`Generation`] or a
//! [`Fault`]. It opens no socket and reads no clock, so files are enough to test it: the cases of
//! `tests/fixtures/providers/<name>/` are found and run by `provider::contract`.
//! The shape is that of rust-genai's adapters.

mod anthropic;
mod aws_event_stream;
mod azure;
mod bedrock;
mod card;
mod classify;
mod cohere;
pub mod frames;
mod google;
mod hosts;
mod huggingface;
mod limits;
mod loose;
mod openai;
mod openai_compatible;
mod post;
pub mod sse;
mod vectors;
mod vertex;

#[cfg(test)]
mod contract;

use std::time::Duration;

pub use self::card::{Auth, Card, Setting};
use self::frames::Framing;
pub use crate::domain::contract::HttpRequest;
use crate::{
    base::secret::Secret,
    domain::{
        contract::Call,
        fault::{Fault, FaultKind},
        generation::{Embeddings, Generation, Texts},
        limits::RateLimits,
        target::{HttpEndpoint, Settings, Target},
    },
};

/// A short-lived token that a credential was exchanged for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The token.
    pub value: Secret,
    /// How long it is good for.
    pub lifetime: Duration,
}

/// What the last step before sending knows.
#[derive(Debug, Clone, Copy)]
pub struct Signing<'a> {
    /// Milliseconds since the epoch.
    pub now_ms: i64,
    /// The token, for providers that want one.
    pub token: Option<&'a Token>,
}

/// Header look-up by lower-case name.
pub trait Headers: Sync {
    /// The first value of the header called `name`; `None` when it is absent or not text.
    fn get(&self, name: &str) -> Option<&str>;

    /// Shows every header whose value is text.
    fn each<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a str));
}

impl Headers for &[(String, String)] {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.iter().find(|(have, _)| have.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn each<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a str)) {
        self.iter().for_each(|(name, value)| see(name, value));
    }
}

/// A reply, as far as it has been read.
#[derive(Clone, Copy)]
pub struct HttpReply<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: &'a dyn Headers,
    /// The body after decompression; empty where a stream is about to begin.
    pub body: &'a [u8],
    /// Milliseconds since the epoch; a `retry-after` date is relative to it.
    pub now_ms: i64,
}

impl std::fmt::Debug for HttpReply<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.body.len();
        f.debug_struct("HttpReply").field("status", &self.status).field("bytes", &bytes).finish()
    }
}

/// What an event of a stream has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing that a reader would see.
    Quiet,
    /// Text, reasoning or a piece of a function call.
    Output,
    /// The provider's mark that nothing follows.
    Done,
}

/// Collects the events of one streamed reply.
pub trait StreamDecoder: Send {
    /// Takes the next event.
    ///
    /// # Errors
    ///
    /// The fault that the provider reports inside the stream, or `Protocol` for an event that is
    /// not what the wire format says.
    fn event(&mut self, event: sse::Event<'_>) -> Result<Progress, Fault>;

    /// Whether the model has said that it finished; what follows is only bookkeeping.
    fn complete(&self) -> bool;

    /// The text so far; `None` when there is none.
    fn partial(&self) -> Option<String>;

    /// The whole answer, once the body has ended.
    ///
    /// # Errors
    ///
    /// `Truncated`, with the partial text, when the stream ended before the model had finished.
    fn finish(self: Box<Self>) -> Result<Generation, Fault>;
}

/// A wire format.
///
/// A call takes these steps: `encode`, then `token_request` and `read_token` where the credential
/// is exchanged for a token that is not at hand yet, then `sign`, and after sending `decode`, or
/// `framing` and `stream`, or `classify`.
pub trait Provider: Sync {
    /// What people and the catalog need to know of it.
    fn card(&self) -> &'static Card;

    /// The name in configurations, which is also that of its fixtures.
    fn name(&self) -> &'static str {
        self.card().name
    }

    /// The address that paths are appended to when the config names none.
    ///
    /// # Errors
    ///
    /// What is missing to tell, for providers whose address depends on settings.
    fn base_url(&self, _settings: &Settings) -> Result<String, String> {
        self.card().base_url.map(str::to_owned).ok_or_else(|| "`base_url` is needed".to_owned())
    }

    /// Refuses what `encode` would refuse of every call to `target`.
    ///
    /// # Errors
    ///
    /// `BadRequest`, with what to change.
    fn check(&self, target: &Target, endpoint: &HttpEndpoint) -> Result<(), Fault>;

    /// What of the parameters is left out or sent in another form, in a sentence each.
    fn notices(&self, _target: &Target, _endpoint: &HttpEndpoint) -> Vec<String> {
        Vec::new()
    }

    /// The request that asks `call` of `endpoint`.
    ///
    /// # Errors
    ///
    /// `BadRequest` when the format cannot say what the call says.
    fn encode(&self, call: &Call, endpoint: &HttpEndpoint) -> Result<HttpRequest, Fault>;

    /// The request for a token, where the credential has to be exchanged for one.
    ///
    /// # Errors
    ///
    /// `Auth` for a credential that cannot be used.
    fn token_request(
        &self,
        _endpoint: &HttpEndpoint,
        _now_ms: i64,
    ) -> Result<Option<HttpRequest>, Fault> {
        Ok(None)
    }

    /// The token in the reply to `token_request`, of whatever status.
    ///
    /// # Errors
    ///
    /// `Auth` when the exchange was refused, otherwise what went wrong.
    fn read_token(&self, reply: &HttpReply<'_>) -> Result<Token, Fault> {
        Err(self.classify(reply))
    }

    /// Completes `request` with what depends on the time or on a token. Nothing changes behind it.
    ///
    /// # Errors
    ///
    /// `Auth` for a credential that cannot be used.
    fn sign(
        &self,
        _request: &mut HttpRequest,
        _endpoint: &HttpEndpoint,
        _with: Signing<'_>,
    ) -> Result<(), Fault> {
        Ok(())
    }

    /// The answer in a whole reply of status 2xx.
    ///
    /// # Errors
    ///
    /// The fault in the reply, or `Protocol` when it has neither an answer nor an error.
    fn decode(&self, reply: &HttpReply<'_>) -> Result<Generation, Fault>;

    /// How the events of a stream are told apart.
    fn framing(&self) -> Framing {
        Framing::ServerSentEvents
    }

    /// A decoder for the events that follow `head`, a reply of status 2xx.
    fn stream(&self, head: &HttpReply<'_>) -> Box<dyn StreamDecoder>;

    /// The fault that a reply of another status is.
    fn classify(&self, reply: &HttpReply<'_>) -> Fault;

    /// By how many milliseconds the server's clock is ahead of ours, where `reply` refuses a
    /// signature or an assertion for the time that it was made at.
    fn clock_skew(&self, _reply: &HttpReply<'_>) -> Option<i64> {
        None
    }

    /// Most texts that one request for vectors may have.
    fn embeddings_at_once(&self, _target: &Target) -> usize {
        // Text Embeddings Inference takes 32 unless it is told otherwise, Cohere 96, Google 100.
        32
    }

    /// The request for the vectors of texts. It is signed like any other.
    ///
    /// # Errors
    ///
    /// `BadRequest` where the provider offers none.
    fn encode_embeddings(
        &self,
        _asked: &Texts,
        _endpoint: &HttpEndpoint,
    ) -> Result<HttpRequest, Fault> {
        let message = format!("provider `{}` offers no embeddings", self.name());
        Err(Fault::new(FaultKind::BadRequest, message))
    }

    /// The vectors in a whole reply of status 2xx.
    ///
    /// # Errors
    ///
    /// As [`Provider::decode`].
    fn decode_embeddings(&self, reply: &HttpReply<'_>) -> Result<Embeddings, Fault> {
        Err(self.classify(reply))
    }
}

/// The provider's id of the request that a reply, of whatever status, belongs to.
pub fn request_id(headers: &dyn Headers) -> Option<String> {
    let ids = [
        "x-request-id",
        "apim-request-id",
        "request-id",
        "x-amzn-requestid",
        "x-goog-request-id",
        "x-litellm-call-id",
        "x-debug-trace-id",
        "mistral-correlation-id",
        "x-ms-request-id",
    ];
    // Replies have few headers: each is compared with the names, not each name looked up.
    let mut best: Option<(usize, &str)> = None;
    headers.each(&mut |name, value| {
        let rank = ids.iter().position(|id| id.eq_ignore_ascii_case(name));
        if let Some(rank) = rank.filter(|rank| best.is_none_or(|(known, _)| *rank < known)) {
            best = Some((rank, value));
        }
    });
    best.map(|(_, id)| id.to_owned())
}

/// What the headers of a reply, of whatever status, say about rate limits.
pub fn rate_limits(headers: &dyn Headers, now_ms: i64) -> Option<RateLimits> {
    limits::read(headers, now_ms)
}

/// All providers, in the order of help and documentation.
pub static PROVIDERS: &[&dyn Provider] = &[
    &openai::OPENAI,
    &anthropic::Anthropic,
    &google::Google,
    &vertex::Vertex,
    &azure::Azure,
    &bedrock::Bedrock,
    &cohere::Cohere,
    &huggingface::HuggingFace,
    &hosts::MISTRAL,
    &hosts::OPENROUTER,
    &hosts::FIREWORKS,
    &hosts::TOGETHER,
    &hosts::GROQ,
    &hosts::DEEPINFRA,
    &hosts::XAI,
    &hosts::PERPLEXITY,
    &hosts::BASETEN,
    &hosts::MINIMAX,
    &hosts::MOONSHOT,
    &hosts::NEBIUS,
    &hosts::SAMBANOVA,
    &hosts::DEEPSEEK,
    &hosts::CEREBRAS,
    &openai_compatible::OPENAI_COMPATIBLE,
];

/// The provider called `name`.
pub fn find(name: &str) -> Option<&'static dyn Provider> {
    PROVIDERS.iter().copied().find(|provider| provider.name() == name)
}
