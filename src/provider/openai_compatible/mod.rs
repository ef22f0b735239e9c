//! The wire format of `OpenAI`'s chat and text completions, as hundreds of servers speak it.
//!
//! The format's owner is one server among many here: only what was set is sent, nothing optional is
//! relied on in replies, and the places where vLLM, Ollama, llama.cpp, TGI, `LiteLLM`, Groq, xAI,
//! Mistral and others put their text, reasoning, usage and errors are all read.
//!
//! # Source
//!
//! <https://platform.openai.com/docs/api-reference/chat>, by way of the SDK openai-python 3.52.

mod decode;
mod encode;
mod stream;

use crate::{
    domain::{
        contract::Call,
        fault::Fault,
        generation::Generation,
        target::{HttpEndpoint, Target},
    },
    provider::{Auth, Card, HttpReply, HttpRequest, Provider, StreamDecoder, classify},
};

/// Any server that speaks `OpenAI`'s completions.
#[derive(Debug)]
pub(super) struct OpenAiCompatible;

impl Provider for OpenAiCompatible {
    fn card(&self) -> &'static Card {
        &Card {
            name: "openai-compatible",
            title: "OpenAI-compatible",
            base_url: None,
            auth: Auth::OptionalKey,
            key_env: &[],
            settings: &[],
            docs: "https://platform.openai.com/docs/api-reference/chat",
        }
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
        classify::fault(reply)
    }

    fn check(&self, target: &Target, _endpoint: &HttpEndpoint) -> Result<(), Fault> {
        encode::check(&target.params)
    }
}
