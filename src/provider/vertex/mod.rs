//! Google Vertex AI: the bodies of Gemini and of Anthropic's messages, behind the addresses and
//! credentials of Google Cloud.
//!
//! # Source
//!
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>, by way of the
//! SDKs google-genai 3.4, google-auth 2.62 and anthropic-sdk-python 2.11.

mod account;
mod place;
mod stream;
mod vectors;

use serde::Deserialize;
use serde_json::{Value, json};

use self::{
    account::Account,
    place::{Place, Publisher},
};
use super::{anthropic, google, post};
use crate::{
    base::secret::Secret,
    domain::{
        contract::Call,
        fault::{Fault, FaultKind},
        generation::{Embeddings, Generation, Texts},
        target::{Credential, HttpEndpoint, Settings, Target},
    },
    provider::{
        Auth, Card, HttpReply, HttpRequest, Provider, Setting, Signing, StreamDecoder, Token,
        loose::Loose,
    },
};

/// The version of Anthropic's interface, which stands in the body here.
const ANTHROPIC_VERSION: &str = "vertex-2023-10-16";

/// Google Vertex AI.
#[derive(Debug)]
pub(super) struct Vertex;

impl Provider for Vertex {
    fn card(&self) -> &'static Card {
        &Card {
            name: "vertex",
            title: "Google Vertex AI",
            base_url: None,
            auth: Auth::ServiceAccount,
            key_env: &[],
            settings: &[Setting::Project, Setting::Location, Setting::ApiVersion],
            docs: "https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference",
        }
    }

    fn base_url(&self, settings: &Settings) -> Result<String, String> {
        place::host(settings)
    }

    fn check(&self, target: &Target, endpoint: &HttpEndpoint) -> Result<(), Fault> {
        self.token_request(endpoint, 0)?;
        match Place::find(&target.model, endpoint)?.publisher {
            Publisher::Google => google::plan(target).map(|_| ()),
            Publisher::Anthropic => anthropic::plan(target, ANTHROPIC_VERSION).map(|_| ()),
        }
    }

    fn notices(&self, target: &Target, endpoint: &HttpEndpoint) -> Vec<String> {
        let Ok(place) = Place::find(&target.model, endpoint) else { return Vec::new() };
        let plan = match place.publisher {
            Publisher::Google => google::plan(target).map(|plan| plan.notices),
            Publisher::Anthropic => {
                anthropic::plan(target, ANTHROPIC_VERSION).map(|plan| plan.notices)
            }
        };
        let mut notices = plan.unwrap_or_default();
        if endpoint.credential.key().is_some() {
            let settings = &endpoint.settings;
            let names = post::set(&[
                ("project", settings.project.is_some()),
                ("location", settings.location.is_some()),
            ]);
            notices.extend(post::not_sent(&names, "an API key has its project and is global"));
        }
        notices
    }

    fn encode(&self, call: &Call, endpoint: &HttpEndpoint) -> Result<HttpRequest, Fault> {
        let place = Place::find(&call.target.model, endpoint)?;
        let (method, body) = match place.publisher {
            Publisher::Google => (google::generate(endpoint.stream), google::body(call)?),
            Publisher::Anthropic => {
                let mut body = anthropic::body(call, ANTHROPIC_VERSION)?;
                body.insert("anthropic_version".to_owned(), json!(ANTHROPIC_VERSION));
                if endpoint.stream {
                    body.insert("stream".to_owned(), json!(true));
                }
                let method = if endpoint.stream { "streamRawPredict" } else { "rawPredict" };
                ((method, None), body)
            }
        };
        post::request(place.address(endpoint, method), google::key(endpoint), endpoint, &body)
    }

    fn token_request(
        &self,
        endpoint: &HttpEndpoint,
        now_ms: i64,
    ) -> Result<Option<HttpRequest>, Fault> {
        match &endpoint.credential {
            Credential::ServiceAccount(json) => {
                Account::read(json)?.token_request(now_ms).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn read_token(&self, reply: &HttpReply<'_>) -> Result<Token, Fault> {
        account::read_token(reply)
    }

    fn sign(
        &self,
        request: &mut HttpRequest,
        endpoint: &HttpEndpoint,
        with: Signing<'_>,
    ) -> Result<(), Fault> {
        // A header that the endpoint sets itself takes the place of ours.
        if request.headers.iter().any(|(name, _)| name == "authorization") {
            return Ok(());
        }
        match (with.token, &endpoint.credential) {
            (Some(token), _) => {
                let value = Secret::new(format!("Bearer {}", token.value.expose()));
                request.headers.push(("authorization".into(), value));
                Ok(())
            }
            (None, Credential::ServiceAccount(_)) => {
                Err(Fault::new(FaultKind::Auth, "there is no token for the service account"))
            }
            _ => Ok(()),
        }
    }

    fn decode(&self, reply: &HttpReply<'_>) -> Result<Generation, Fault> {
        if is_message(reply.body) { anthropic::reply(reply) } else { google::reply(reply) }
    }

    fn stream(&self, head: &HttpReply<'_>) -> Box<dyn StreamDecoder> {
        Box::new(stream::Decoder::new(head))
    }

    fn classify(&self, reply: &HttpReply<'_>) -> Fault {
        google::fault(reply)
    }

    fn clock_skew(&self, reply: &HttpReply<'_>) -> Option<i64> {
        account::clock_skew(reply)
    }

    fn embeddings_at_once(&self, target: &Target) -> usize {
        // The Gemini models read one text a request.
        if target.model.contains("gemini-embedding") { 1 } else { 32 }
    }

    fn encode_embeddings(
        &self,
        asked: &Texts,
        endpoint: &HttpEndpoint,
    ) -> Result<HttpRequest, Fault> {
        let place = Place::find(&asked.target.model, endpoint)?;
        let url = place.address(endpoint, ("predict", None));
        post::request(url, google::key(endpoint), endpoint, &vectors::body(asked))
    }

    fn decode_embeddings(&self, reply: &HttpReply<'_>) -> Result<Embeddings, Fault> {
        vectors::reply(reply)
    }
}

/// What tells Anthropic's objects from Google's.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Kind {
    r#type: Loose<String>,
    content: Value,
}

/// Whether `body` is in Anthropic's form.
fn is_message(body: &[u8]) -> bool {
    let kind: Kind = serde_json::from_slice(body).unwrap_or_default();
    kind.r#type.0.is_some() || kind.content.is_array()
}
