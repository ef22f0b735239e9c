//! Hugging Face: the router to many hosts, and the endpoints that people rent.
//!
//! The flavour `chat` is the format of `OpenAI`'s chat completions, as the router, TGI and vLLM
//! speak it. The flavour `tgi` is the own format of text generation servers: one text in, one out.
//! Which of the two a reply is written in shows in the reply.
//!
//! # Source
//!
//! <https://huggingface.co/docs/inference-providers> and
//! <https://huggingface.github.io/text-generation-inference>, by way of the SDK
//! `huggingface_hub` 2.4.0.

mod address;
mod embed;
mod tgi;

use std::time::Duration;

use serde_json::Value;

use crate::{
    domain::{
        contract::Call,
        fault::{Fault, FaultKind},
        generation::{Embeddings, Generation, Texts},
        target::{Flavour, HttpEndpoint, Target},
    },
    provider::{
        Auth, Card, HttpReply, HttpRequest, Progress, Provider, StreamDecoder, classify,
        openai_compatible::OPENAI_COMPATIBLE, post::bad, sse::Event,
    },
};

/// Longest wait for a model to load that is believed.
const MAX_WAIT: Duration = Duration::from_hours(24);

/// The format of the flavour `chat`.
static CHAT: &dyn Provider = &OPENAI_COMPATIBLE;

/// Hugging Face.
#[derive(Debug)]
pub(super) struct HuggingFace;

impl Provider for HuggingFace {
    fn card(&self) -> &'static Card {
        &Card {
            name: "huggingface",
            title: "Hugging Face",
            base_url: Some(address::ROUTER),
            // Text generation servers of one's own want no key.
            auth: Auth::OptionalKey,
            key_env: &["HF_TOKEN"],
            settings: &[],
            docs: "https://huggingface.co/docs/inference-providers",
        }
    }

    fn check(&self, target: &Target, endpoint: &HttpEndpoint) -> Result<(), Fault> {
        if endpoint.credential.is_none() && address::is_huggingface(&endpoint.base_url) {
            return Err(bad("Hugging Face wants a token; set HF_TOKEN, or `api_key`"));
        }
        match endpoint.flavour {
            Flavour::Chat => CHAT.check(target, endpoint),
            Flavour::Tgi => tgi::encode::check(target, endpoint),
            other => Err(bad(format!(
                "`huggingface` has the flavours `chat` and `tgi`, not `{}`",
                other.name()
            ))),
        }
    }

    fn notices(&self, target: &Target, endpoint: &HttpEndpoint) -> Vec<String> {
        match endpoint.flavour {
            Flavour::Tgi => tgi::encode::notices(&target.params),
            _ => CHAT.notices(target, endpoint),
        }
    }

    fn encode(&self, call: &Call, endpoint: &HttpEndpoint) -> Result<HttpRequest, Fault> {
        self.check(&call.target, endpoint)?;
        if endpoint.flavour == Flavour::Tgi {
            return tgi::encode::request(call, endpoint);
        }
        let base_url = address::chat(&endpoint.base_url);
        CHAT.encode(call, &HttpEndpoint { base_url, ..endpoint.clone() })
    }

    fn decode(&self, reply: &HttpReply<'_>) -> Result<Generation, Fault> {
        tgi::decode::reply(reply).unwrap_or_else(|| CHAT.decode(reply))
    }

    fn stream(&self, head: &HttpReply<'_>) -> Box<dyn StreamDecoder> {
        Box::new(Either {
            chat: CHAT.stream(head),
            tgi: Box::new(tgi::stream::Decoder::new(head)),
            is_tgi: false,
        })
    }

    fn classify(&self, reply: &HttpReply<'_>) -> Fault {
        let mut fault = classify::fault(reply);
        let body: Value = serde_json::from_slice(reply.body).unwrap_or_default();
        // A model that is being loaded says how long that takes.
        let loading = body["estimated_time"].as_f64();
        let loading = loading.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        if let Some(wait) = loading.filter(|wait| *wait <= MAX_WAIT) {
            fault.retry_after = fault.retry_after.or(Some(wait));
        }
        // A server that wakes up is not asked too often.
        if reply.status == 503 && fault.kind == FaultKind::RateLimited {
            fault.kind = FaultKind::Transient;
        }
        fault
    }

    fn encode_embeddings(
        &self,
        asked: &Texts,
        endpoint: &HttpEndpoint,
    ) -> Result<HttpRequest, Fault> {
        embed::request(&asked.texts, &asked.target, endpoint)
    }

    fn decode_embeddings(&self, reply: &HttpReply<'_>) -> Result<Embeddings, Fault> {
        embed::reply(reply)
    }
}

/// A stream in one of the two formats; the first event that says anything tells which.
struct Either {
    chat: Box<dyn StreamDecoder>,
    tgi: Box<dyn StreamDecoder>,
    is_tgi: bool,
}

impl StreamDecoder for Either {
    fn event(&mut self, event: Event<'_>) -> Result<Progress, Fault> {
        self.is_tgi = self.is_tgi || tgi::stream::is_event(event.data);
        if self.is_tgi { self.tgi.event(event) } else { self.chat.event(event) }
    }

    fn complete(&self) -> bool {
        if self.is_tgi { self.tgi.complete() } else { self.chat.complete() }
    }

    fn partial(&self) -> Option<String> {
        if self.is_tgi { self.tgi.partial() } else { self.chat.partial() }
    }

    fn finish(self: Box<Self>) -> Result<Generation, Fault> {
        if self.is_tgi { self.tgi.finish() } else { self.chat.finish() }
    }
}
