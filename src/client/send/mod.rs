//! The innermost part: makes one attempt, in the way that the target's endpoint asks for.

pub(super) mod http;
pub(super) mod replay;
pub(super) mod sim;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use self::replay::ReplayBook;
use crate::domain::{
    contract::{Call, Generate, Reply},
    target::{Endpoint, ReplaySource},
};

/// Makes attempts.
#[derive(Debug)]
pub(super) struct Sender {
    http: Arc<http::HttpSender>,
    books: Vec<(ReplaySource, Arc<ReplayBook>)>,
}

impl Sender {
    /// A sender that answers recorded calls from `books`, and others by `http`.
    pub(super) fn new(
        http: Arc<http::HttpSender>,
        books: Vec<(ReplaySource, Arc<ReplayBook>)>,
    ) -> Self {
        Self { http, books }
    }
}

impl Generate for Sender {
    fn generate<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Reply> {
        match &call.target.endpoint {
            Endpoint::Http(endpoint) => Box::pin(self.http.send(call, endpoint)),
            Endpoint::Sim(profile) => Box::pin(sim::send(call, profile)),
            Endpoint::Replay(source) => {
                let book = self.books.iter().find(|(have, _)| have == source);
                let reply = replay::send(call, source, book.map(|(_, book)| book.as_ref()));
                Box::pin(std::future::ready(reply))
            }
        }
    }
}
