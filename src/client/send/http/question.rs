//! What is asked over HTTP: for an answer, or for vectors.

use std::sync::Arc;

use super::redact::Redactor;
use crate::{
    base::money::Money,
    domain::{
        contract::Call,
        fault::{Fault, FaultKind},
        generation::{Embeddings, Generation, Texts, Usage},
        target::{HttpEndpoint, Target},
    },
    provider::{HttpReply, HttpRequest, Provider, StreamDecoder},
};

/// What a reply says of its bill and of itself.
#[derive(Debug, Default)]
pub(super) struct Bill {
    /// Tokens.
    pub(super) usage: Option<Usage>,
    /// The provider's own figure.
    pub(super) reported_cost: Option<Money>,
    /// The provider's id of the request.
    pub(super) request_id: Option<String>,
}

/// A question, with the form of its answer.
pub(super) trait Question: Sync {
    /// What a good reply holds.
    type Answer: Send;

    /// Whom to ask.
    fn target(&self) -> &Arc<Target>;

    /// The request.
    fn encode(
        &self,
        provider: &dyn Provider,
        endpoint: &HttpEndpoint,
    ) -> Result<HttpRequest, Fault>;

    /// The answer in a whole reply.
    fn decode(&self, provider: &dyn Provider, reply: &HttpReply<'_>)
    -> Result<Self::Answer, Fault>;

    /// Whether the answer may come as a stream of events.
    fn streams(&self) -> bool;

    /// The answer that a stream came to.
    fn streamed(&self, decoder: Box<dyn StreamDecoder>) -> Result<Self::Answer, Fault>;

    /// Masks secrets in `answer`. Whether there were any.
    fn clean(&self, answer: &mut Self::Answer, redactor: &Redactor) -> bool;

    /// What `answer` says of its bill.
    fn bill(&self, answer: &Self::Answer) -> Bill;
}

impl Question for Call {
    type Answer = Generation;

    fn target(&self) -> &Arc<Target> {
        &self.target
    }

    fn encode(
        &self,
        provider: &dyn Provider,
        endpoint: &HttpEndpoint,
    ) -> Result<HttpRequest, Fault> {
        match &self.encoded {
            Some(encoded) if Arc::ptr_eq(&encoded.target, &self.target) => {
                Ok(encoded.request.clone())
            }
            _ => provider.encode(self, endpoint),
        }
    }

    fn decode(&self, provider: &dyn Provider, reply: &HttpReply<'_>) -> Result<Generation, Fault> {
        provider.decode(reply)
    }

    fn streams(&self) -> bool {
        true
    }

    fn streamed(&self, decoder: Box<dyn StreamDecoder>) -> Result<Generation, Fault> {
        decoder.finish()
    }

    fn clean(&self, answer: &mut Generation, redactor: &Redactor) -> bool {
        redactor.clean_answer(answer)
    }

    fn bill(&self, answer: &Generation) -> Bill {
        Bill {
            usage: answer.usage,
            reported_cost: answer.reported_cost,
            request_id: answer.request_id.clone(),
        }
    }
}

impl Question for Texts {
    type Answer = Embeddings;

    fn target(&self) -> &Arc<Target> {
        &self.target
    }

    fn encode(
        &self,
        provider: &dyn Provider,
        endpoint: &HttpEndpoint,
    ) -> Result<HttpRequest, Fault> {
        provider.encode_embeddings(self, endpoint)
    }

    fn decode(&self, provider: &dyn Provider, reply: &HttpReply<'_>) -> Result<Embeddings, Fault> {
        let found = provider.decode_embeddings(reply)?;
        let (asked, given) = (self.texts.len(), found.vectors.len());
        let odd = |message: String| {
            let status = Some(reply.status);
            Err(Fault { status, ..Fault::new(FaultKind::Protocol, message) })
        };
        if asked != given {
            return odd(format!("{asked} texts were sent, and {given} vectors came back"));
        }
        let size = found.vectors.first().map_or(0, Vec::len);
        if size == 0 || found.vectors.iter().any(|vector| vector.len() != size) {
            return odd("the vectors are empty, or not all of one size".to_owned());
        }
        if found.vectors.iter().flatten().any(|number| !number.is_finite()) {
            return odd("a vector holds a number that is not finite".to_owned());
        }
        Ok(found)
    }

    fn streams(&self) -> bool {
        false
    }

    fn streamed(&self, _decoder: Box<dyn StreamDecoder>) -> Result<Embeddings, Fault> {
        Err(Fault::new(FaultKind::Protocol, "vectors were asked for, and a stream came back"))
    }

    fn clean(&self, _answer: &mut Embeddings, _redactor: &Redactor) -> bool {
        false
    }

    fn bill(&self, answer: &Embeddings) -> Bill {
        let Embeddings { usage, reported_cost, request_id, .. } = answer;
        Bill { usage: *usage, reported_cost: *reported_cost, request_id: request_id.clone() }
    }
}
