//! The wire format of Gemini: Google AI Studio, and the body of the same models on Vertex AI.
//!
//! # Source
//!
//! <https://ai.google.dev/api/generate-content>, by way of the SDK google-genai 3.4.

mod decode;
mod encode;
mod fault;
mod model;
mod plan;
mod stream;

pub(super) use self::{
    decode::reply,
    encode::{address, body, generate, key, vector_options},
    fault::fault,
    plan::plan,
    stream::Decoder,
};
use crate::{
    domain::{
        contract::Call,
        fault::Fault,
        generation::{Embeddings, Generation, Texts},
        target::{HttpEndpoint, Target},
    },
    provider::{Auth, Card, HttpReply, HttpRequest, Provider, Setting, StreamDecoder},
};

/// Google AI Studio.
#[derive(Debug)]
pub(super) struct Google;

impl Provider for Google {
    fn card(&self) -> &'static Card {
        &Card {
            name: "google",
            title: "Google AI Studio",
            base_url: Some("https://generativelanguage.googleapis.com"),
            auth: Auth::Key,
            key_env: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
            settings: &[Setting::ApiVersion],
            docs: "https://ai.google.dev/api/generate-content",
        }
    }

    fn check(&self, target: &Target, _endpoint: &HttpEndpoint) -> Result<(), Fault> {
        plan(target).map(|_| ())
    }

    fn notices(&self, target: &Target, _endpoint: &HttpEndpoint) -> Vec<String> {
        plan(target).map(|plan| plan.notices).unwrap_or_default()
    }

    fn encode(&self, call: &Call, endpoint: &HttpEndpoint) -> Result<HttpRequest, Fault> {
        encode::request(call, endpoint)
    }

    fn decode(&self, reply: &HttpReply<'_>) -> Result<Generation, Fault> {
        decode::reply(reply)
    }

    fn stream(&self, head: &HttpReply<'_>) -> Box<dyn StreamDecoder> {
        Box::new(Decoder::new(head))
    }

    fn classify(&self, reply: &HttpReply<'_>) -> Fault {
        fault(reply)
    }

    fn encode_embeddings(
        &self,
        asked: &Texts,
        endpoint: &HttpEndpoint,
    ) -> Result<HttpRequest, Fault> {
        encode::embeddings(asked, endpoint)
    }

    fn decode_embeddings(&self, reply: &HttpReply<'_>) -> Result<Embeddings, Fault> {
        decode::vectors(reply)
    }
}
