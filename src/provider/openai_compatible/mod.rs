//! The wire format of `OpenAI`'s chat and text completions and responses, as hundreds of servers
//! speak it.
//!
//! The format's owner is one server among many here: only what was set is sent, nothing optional is
//! relied on in replies, and the places where vLLM, Ollama, llama.cpp, TGI, `LiteLLM`, Groq, xAI,
//! Mistral and others put their text, reasoning, usage and errors are all read. What is known of a
//! host is its [`Dialect`].
//!
//! # Source
//!
//! <https://platform.openai.com/docs/api-reference/chat>, by way of the SDK openai-python 3.52.

mod adapt;
mod cost;
mod decode;
pub(super) mod dialect;
pub(super) mod embeddings;
pub(super) mod encode;
mod logprobs;
mod plain;
mod responses;
pub(super) mod stream;

pub(super) use self::decode::reply;
use self::dialect::{BudgetForm, Dialect, PLAIN, Quirk};
use crate::{
    domain::{
        contract::Call,
        fault::{Fault, FaultKind},
        generation::{Embeddings, Generation, Texts},
        target::{Flavour, HttpEndpoint, Target},
    },
    provider::{Auth, Card, HttpReply, HttpRequest, Provider, StreamDecoder, classify},
};

/// A host that speaks the format at `PATH` behind a base, and knows who asks by a bearer key.
#[derive(Debug)]
pub(super) struct Host {
    /// The host in a few words.
    pub(super) card: &'static Card,
    /// How it speaks.
    pub(super) dialect: &'static Dialect,
}

/// Any server that speaks the format.
pub(super) static OPENAI_COMPATIBLE: Host = Host {
    card: &Card {
        name: "openai-compatible",
        title: "OpenAI-compatible",
        base_url: None,
        auth: Auth::OptionalKey,
        key_env: &[],
        settings: &[],
        docs: "https://platform.openai.com/docs/api-reference/chat",
    },
    dialect: &Dialect {
        flavours: &[Flavour::Chat, Flavour::Completion, Flavour::Responses],
        dimensions: Some("dimensions"),
        budget: Some(BudgetForm::Nested),
        ..PLAIN
    },
};

impl Provider for Host {
    fn card(&self) -> &'static Card {
        self.card
    }

    fn check(&self, target: &Target, endpoint: &HttpEndpoint) -> Result<(), Fault> {
        adapt::check(target, endpoint, self.dialect)
    }

    fn notices(&self, target: &Target, endpoint: &HttpEndpoint) -> Vec<String> {
        notices(target, endpoint, self.dialect)
    }

    fn encode(&self, call: &Call, endpoint: &HttpEndpoint) -> Result<HttpRequest, Fault> {
        encode::request(call, endpoint, self.dialect)
    }

    fn decode(&self, reply: &HttpReply<'_>) -> Result<Generation, Fault> {
        decode::reply(reply).map_err(|mut fault| {
            let empty = fault.kind == FaultKind::Protocol && decode::is_empty(reply.body);
            if empty && self.dialect.has(Quirk::ColdStart) {
                fault.kind = FaultKind::Transient;
            }
            fault
        })
    }

    fn stream(&self, head: &HttpReply<'_>) -> Box<dyn StreamDecoder> {
        Box::new(stream::Decoder::new(head))
    }

    fn classify(&self, reply: &HttpReply<'_>) -> Fault {
        let mut fault = classify::fault(reply);
        let tokens = ["tokens", "context"].iter().any(|word| fault.message.contains(word));
        if reply.status == 403 && tokens && self.dialect.has(Quirk::ForbiddenIsContext) {
            fault.kind = FaultKind::ContextLength;
        }
        fault
    }

    fn encode_embeddings(
        &self,
        asked: &Texts,
        endpoint: &HttpEndpoint,
    ) -> Result<HttpRequest, Fault> {
        let target = &asked.target;
        let body = embeddings::body(&asked.texts, &target.model, target, self.dialect)?;
        let headers = encode::headers(endpoint, "authorization", "Bearer ");
        Ok(HttpRequest { url: encode::url(&endpoint.base_url, "/embeddings"), headers, body })
    }

    fn decode_embeddings(&self, reply: &HttpReply<'_>) -> Result<Embeddings, Fault> {
        embeddings::reply(reply)
    }
}

/// Refuses what a host of this dialect cannot be asked.
pub(super) fn check(
    target: &Target,
    endpoint: &HttpEndpoint,
    dialect: &Dialect,
) -> Result<(), Fault> {
    adapt::check(target, endpoint, dialect)
}

/// What a host of this dialect does not take of the parameters.
pub(super) fn notices(target: &Target, endpoint: &HttpEndpoint, dialect: &Dialect) -> Vec<String> {
    adapt::adapt(target, endpoint, dialect).notices
}
