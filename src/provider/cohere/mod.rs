//! Cohere's chat, version 2.
//!
//! The tokens of a generation are Cohere's billed units, since usage is what is charged; where
//! those are absent, the tokens that the model saw.
//!
//! # Source
//!
//! <https://docs.cohere.com/reference/chat>, by way of the SDK cohere-python 7.3.1.

mod decode;
mod encode;
mod stream;

pub(super) use self::encode::input_type;

use crate::{
    domain::{
        contract::Call,
        fault::{Fault, FaultKind},
        generation::{Embeddings, Generation, Texts},
        target::{HttpEndpoint, Target},
    },
    provider::{Auth, Card, HttpReply, HttpRequest, Provider, StreamDecoder, classify},
};

/// Cohere.
#[derive(Debug)]
pub(super) struct Cohere;

impl Provider for Cohere {
    fn card(&self) -> &'static Card {
        &Card {
            name: "cohere",
            title: "Cohere",
            base_url: Some("https://api.cohere.com"),
            auth: Auth::Key,
            key_env: &["COHERE_API_KEY", "CO_API_KEY"],
            settings: &[],
            docs: "https://docs.cohere.com/reference/chat",
        }
    }

    fn check(&self, target: &Target, endpoint: &HttpEndpoint) -> Result<(), Fault> {
        encode::check(target, endpoint)
    }

    fn notices(&self, target: &Target, _endpoint: &HttpEndpoint) -> Vec<String> {
        encode::notices(&target.params)
    }

    fn encode(&self, call: &Call, endpoint: &HttpEndpoint) -> Result<HttpRequest, Fault> {
        encode::request(call, endpoint)
    }

    fn decode(&self, reply: &HttpReply<'_>) -> Result<Generation, Fault> {
        decode::reply(reply)
    }

    fn stream(&self, head: &HttpReply<'_>) -> Box<dyn StreamDecoder> {
        Box::new(stream::Decoder::new(head))
    }

    fn classify(&self, reply: &HttpReply<'_>) -> Fault {
        let mut fault = classify::fault(reply);
        let monthly = fault.message.contains("Trial key") && fault.message.contains("month");
        fault.kind = match (reply.status, fault.kind) {
            // The trial's calls of the month are used up; waiting does not help.
            (429, FaultKind::RateLimited) if monthly => FaultKind::Quota,
            // "Invalid token", which elsewhere means that there is no room.
            (498, _) => FaultKind::Auth,
            // The request was cancelled on the way.
            (499, _) => FaultKind::Transient,
            (501, _) => FaultKind::BadRequest,
            (_, kind) => kind,
        };
        fault
    }

    fn encode_embeddings(
        &self,
        asked: &Texts,
        endpoint: &HttpEndpoint,
    ) -> Result<HttpRequest, Fault> {
        encode::embeddings(asked, endpoint)
    }

    fn decode_embeddings(&self, reply: &HttpReply<'_>) -> Result<Embeddings, Fault> {
        decode::embeddings(reply)
    }
}
