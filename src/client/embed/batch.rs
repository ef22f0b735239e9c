//! Texts of one request, as the layers around calls see them: a call whose answer has no text.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;

use crate::{
    client::{not_sent, send::http::HttpSender},
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
            let Endpoint::Http(endpoint) = &self.texts.target.endpoint else {
                let fault = Fault::new(FaultKind::BadRequest, "it is reached by no address");
                return not_sent(call, fault);
            };
            let came = self.http.embed(self.texts, endpoint).await;
            let result = came.result.map(|made| {
                let generation = Generation { usage: made.usage, ..Generation::default() };
                *self.made.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
                generation
            });
            let served_by = call.target.name.clone();
            Reply { result, attempts: came.attempts, served_by, cached: None, limits: came.limits }
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
    }
}
