//! The wire format of Anthropic's messages, which other hosts speak as well.
//!
//! # Source
//!
//! <https://docs.anthropic.com/en/api/messages>, by way of the SDK anthropic-sdk-python 2.11.

mod decode;
mod encode;
mod model;
mod plan;
mod stream;

pub(super) use self::{decode::reply, encode::body, model::is_claude, plan::plan, stream::Decoder};
use crate::{
    domain::{
        contract::Call,
        fault::Fault,
        generation::Generation,
        target::{HttpEndpoint, Target},
    },
    provider::{Auth, Card, HttpReply, HttpRequest, Provider, Setting, StreamDecoder, classify},
};

/// Anthropic.
#[derive(Debug)]
pub(super) struct Anthropic;

impl Provider for Anthropic {
    fn card(&self) -> &'static Card {
        &Card {
            name: "anthropic",
            title: "Anthropic",
            base_url: Some("https://api.anthropic.com"),
            auth: Auth::Key,
            key_env: &["ANTHROPIC_API_KEY"],
            settings: &[Setting::ApiVersion],
            docs: "https://docs.anthropic.com/en/api/messages",
        }
    }

    fn check(&self, target: &Target, endpoint: &HttpEndpoint) -> Result<(), Fault> {
        plan(target, encode::version(endpoint)).map(|_| ())
    }

    fn notices(&self, target: &Target, endpoint: &HttpEndpoint) -> Vec<String> {
        plan(target, encode::version(endpoint)).map(|plan| plan.notices).unwrap_or_default()
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
        classify::fault(reply)
    }
}
