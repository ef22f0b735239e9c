//! Texts of one request, as the layers around calls see them: a call whose answer has no text.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;

use crate::{
    client::{
        not_sent,
        send::{http::HttpSender, sim::vector},
    },
    domain::{
        contract::{Call, Generate, Reply},
        fault::{Fault, FaultKind},
        generation::{Embeddings, Generation, Texts},
        message::{Message, Role},
        sample::{Sample, Vars},
        target::{Endpoint, Target},
    },
};

/// Asks for the vectors of its texts, whatever call it is given.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    http: &'a HttpSender,
    texts: &'a Texts,
    made: Mutex<Option<Embeddings>>,
}

impl<'a> Batch<'a> {
    /// Asks by `http` for `texts`.
    pub(super) fn new(http: &'a HttpSender, texts: &'a Texts) -> Self {
        Self { http, texts, made: Mutex::default() }
    }

    /// The vectors of the attempt that went well.
    pub(super) fn made(&self) -> Option<Embeddings> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Generate for &Batch<'_> {
    fn generate<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Reply> {
        Box::pin(async move {
            let (result, attempts, limits) = match &self.texts.target.endpoint {
                Endpoint::Http(endpoint) => {
                    let came = self.http.embed(self.texts, endpoint).await;
                    (came.result, came.attempts, came.limits)
                }
                Endpoint::Sim(profile) => {
                    let (result, attempt) = vector::embed(self.texts, profile).await;
                    (result, vec![attempt], None)
                }
                Endpoint::Replay(_) => {
                    let fault = Fault::new(FaultKind::BadRequest, "a recording has no vectors");
                    return not_sent(call, fault);
                }
            };
            let result = result.map(|made| {
                let generation = Generation { usage: made.usage, ..Generation::default() };
                *self.made.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
                generation
            });
            let served_by = call.target.name.clone();
            Reply { result, attempts, served_by, cached: None, limits }
        })
    }
}

/// The call that stands for `texts`: by it limits and the budget know how large they are.
pub(super) fn call(target: Arc<Target>, texts: &[String]) -> Call {
    let messages = texts.iter().map(|text| Message::text(Role::User, text));
    Call {
        target,
        messages: messages.collect(),
        sample: Arc::new(Sample {
            index: 0,
            id: String::new(),
            input: None,
            expected: Vec::new(),
            vars: Vars::new(),
            metadata: Vars::new(),
            cluster: None,
            tags: Vec::new(),
        }),
        prompt: 0,
        epoch: 0,
        requests: Call::MOST_REQUESTS,
        encoded: None,
    }
}
